package apps

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// MaxBundle is the largest CA bundle in bytes.
const MaxBundle = 64 << 10

// CheckBundle says what is wrong with a CA bundle: it must hold certificates in PEM, at least one, and nothing else. The
// error does not repeat the bundle, because people mistake a key file for it.
func CheckBundle(bundle string) error {
	_, err := ParseBundle(bundle)
	return err
}

// ParseBundle returns the certificates of a CA bundle, or the error of CheckBundle.
func ParseBundle(bundle string) ([]*x509.Certificate, error) {
	if len(bundle) > MaxBundle {
		return nil, fmt.Errorf("the CA bundle has %d bytes, the limit is %d; keep only the CA that signs the endpoint's certificate",
			len(bundle), MaxBundle)
	}
	var certs []*x509.Certificate
	for rest := strings.TrimSpace(bundle); rest != ""; {
		n := len(certs) + 1
		if !strings.HasPrefix(rest, "-----BEGIN ") { // pem.Decode would skip it
			return nil, fmt.Errorf("the CA bundle has something else than certificates in PEM at entry %d; remove it", n)
		}
		block, after := pem.Decode([]byte(rest))
		switch {
		case block == nil || consumed(rest, string(after)) != 1:
			return nil, fmt.Errorf("entry %d of the CA bundle is broken PEM; copy the file again", n)
		case block.Type != "CERTIFICATE":
			return nil, fmt.Errorf("entry %d of the CA bundle is no certificate; give certificates only, and no key", n)
		case len(block.Headers) > 0:
			return nil, fmt.Errorf("entry %d of the CA bundle has PEM headers; remove them", n)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("entry %d of the CA bundle is a damaged certificate; copy the file again", n)
		}
		certs = append(certs, cert)
		rest = strings.TrimSpace(string(after))
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("the CA bundle holds no certificate in PEM")
	}
	return certs, nil
}

// consumed counts the blocks that begin in what was decoded: pem.Decode skips those that are broken.
func consumed(before, after string) int {
	return strings.Count(before[:len(before)-len(after)], "-----BEGIN ")
}
