package store

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
)

// sslModes are what sslmode of a store URL can be.
var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// postgresURLError says what is wrong with a store URL that cannot be used. It repeats nothing of the URL but names of
// files, since the driver's own sentence can have the password in it.
func postgresURLError(raw string, err error) error {
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("the store URL names a file that cannot be used: %w", file)
	}
	if u, err := url.Parse(raw); err == nil {
		if mode := u.Query()["sslmode"]; len(mode) == 1 && !slices.Contains(sslModes, mode[0]) {
			return errors.New("the store URL has an unknown sslmode; verify-full verifies the server's certificate, with sslrootcert=FILE for a CA of your own")
		}
	}
	return errors.New("the store URL is not a PostgreSQL URL; write postgres://user:password@host:port/database")
}

// certificateAdvice follows the error of a connection that was not made, when the server's certificate is why.
func certificateAdvice(err error) string {
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return "; name the certificate of the CA that issued the server's with sslrootcert=FILE in the store URL"
	case errors.As(err, &host):
		return "; the store URL must name the server as its certificate does"
	}
	return ""
}
