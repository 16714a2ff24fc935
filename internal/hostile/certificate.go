package hostile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// certificates are what a receiver over TLS presents: the right one, and wrong ones by mode.
type certificates struct {
	ca    []byte // PEM
	right *tls.Config
	wrong map[Mode]*tls.Config
}

// newCertificates makes an authority and what it and others issued.
func newCertificates() (*certificates, error) {
	ca, err := issue(certificate{isCA: true, name: "Hostile test authority"}, nil)
	if err != nil {
		return nil, err
	}
	stranger, err := issue(certificate{isCA: true, name: "Unknown authority"}, nil)
	if err != nil {
		return nil, err
	}
	c := &certificates{
		ca:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate[0]}),
		wrong: map[Mode]*tls.Config{},
	}
	if c.right, err = serving(certificate{name: "localhost"}, ca); err != nil {
		return nil, err
	}
	for mode, wrong := range map[Mode]struct {
		certificate
		by *tls.Certificate
	}{
		CertExpired:    {certificate{name: "localhost", expired: true}, ca},
		CertWrongHost:  {certificate{name: "other.example", elsewhere: true}, ca},
		CertSelfSigned: {certificate{name: "localhost"}, nil},
		CertUnknownCA:  {certificate{name: "localhost"}, stranger},
	} {
		if c.wrong[mode], err = serving(wrong.certificate, wrong.by); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// certificate says what is issued.
type certificate struct {
	name      string
	isCA      bool
	expired   bool
	elsewhere bool // it does not name loopback
}

func serving(c certificate, by *tls.Certificate) (*tls.Config, error) {
	issued, err := issue(c, by)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{*issued}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		// A resumed session is not verified anew by the client, so a wrong certificate would go unnoticed.
		SessionTicketsDisabled: true,
	}, nil
}

// issue makes a certificate, signed by itself when by is nil.
func issue(c certificate, by *tls.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: c.name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: c.isCA, DNSNames: []string{c.name},
	}
	if c.isCA {
		template.KeyUsage |= x509.KeyUsageCertSign
	} else {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if !c.isCA && !c.elsewhere {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	if c.expired {
		template.NotAfter = time.Now().Add(-24 * time.Hour)
	}
	parent, signer := template, any(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}
