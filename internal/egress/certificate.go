package egress

import (
	"crypto/x509"
	"errors"
	"strings"
	"unicode"
)

// certificateDetail says what is wrong with an endpoint's certificate. What the certificate itself says is left out as far as
// possible: whoever answers at the address made it, with names of any length and of any characters.
func certificateDetail(err error) string {
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &host):
		return "the certificate is not for the host of the callback URL"
	case errors.As(err, &unknown):
		return x509.UnknownAuthorityError{}.Error()
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, err.Error())
}
