package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"time"
)

const (
	// caLife is how long a CA that Kith made is good.
	caLife = 10 * 365 * 24 * time.Hour
	// caWarning is which part of its life is left when a CA is warned of, or earlier when it caps what it issues.
	caWarning = 10
	// clockSlack is how far back certificates begin, for verifiers whose clock is late.
	clockSlack = time.Hour
)

// Options says where the CA is.
type Options struct {
	// Dir is the data directory; the CA is made below it, under ca/, unless CertFile and KeyFile are set.
	Dir string
	// CertFile and KeyFile name the operator's own CA, in PEM. Both or none. Certificates after the first in CertFile are
	// those that lead from it to a root.
	CertFile, KeyFile string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Seal encrypts the key of a CA that Kith made, for the disk, and Unseal reverses it; both nil: the key is in clear. A
	// key that is there in clear, or under an older master key, is sealed anew at Open.
	Seal, Unseal func([]byte) ([]byte, error)
}

// CA issues client certificates.
type CA struct {
	cert     *x509.Certificate
	chain    []*x509.Certificate // after cert, towards a root
	key      crypto.Signer
	now      func() time.Time
	warnings []string
}

// Open reads the CA, or makes one when the data directory has none. Its errors are sentences for the operator.
func Open(o Options) (*CA, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return nil, fmt.Errorf("callback-ca-cert and callback-ca-key belong together: set both or none")
	}
	var ca *CA
	var err error
	if o.CertFile != "" {
		ca, err = load(o.CertFile, o.KeyFile, nil)
	} else {
		ca, err = openOwn(filepath.Join(o.Dir, "ca"), o)
	}
	if err != nil {
		return nil, err
	}
	ca.now = o.Now
	if last := append([]*x509.Certificate{ca.cert}, ca.chain...)[len(ca.chain)]; !selfSigned(last) {
		ca.warnings = append(ca.warnings, "the certificates in callback-ca-cert do not lead to a root, and most servers verify "+
			"up to a root only: add those of the CAs above, the root last")
	}
	if left := ca.cert.NotAfter.Sub(o.Now()); left <= 0 {
		ca.warnings = append(ca.warnings, fmt.Sprintf("the CA for client certificates expired on %s: no certificate can be "+
			"issued with it. Set another one as callback-ca-cert, or move the folder ca/ away to have a new one made",
			day(ca.cert.NotAfter)))
	} else if left < max(ca.cert.NotAfter.Sub(ca.cert.NotBefore)/caWarning, DefaultValidity) {
		ca.warnings = append(ca.warnings, fmt.Sprintf("the CA for client certificates expires on %s, and no certificate that "+
			"it issues is good for longer: replace it in time, and let endpoints trust both until then", day(ca.cert.NotAfter)))
	}
	return ca, nil
}

// CertPEM returns the certificate of the CA in PEM, with those that lead to a root, for whoever verifies client certificates.
func (ca *CA) CertPEM() string {
	var text bytes.Buffer
	for _, c := range append([]*x509.Certificate{ca.cert}, ca.chain...) {
		_ = pem.Encode(&text, &pem.Block{Type: blockCertificate, Bytes: c.Raw})
	}
	return text.String()
}

// NotAfter returns when the CA expires.
func (ca *CA) NotAfter() time.Time { return ca.cert.NotAfter }

// Warnings returns what the operator should know about the CA, in sentences.
func (ca *CA) Warnings() []string { return ca.warnings }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
