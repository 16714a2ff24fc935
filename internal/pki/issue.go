package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strconv"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// DefaultValidity is how long a client certificate is good.
const DefaultValidity = 90 * 24 * time.Hour

// Issue makes a key and a certificate for an app, good for the validity; 0 means DefaultValidity. It is good for less when
// the CA expires before, and it fails when the CA has expired or may not issue client certificates.
func (ca *CA) Issue(sdkAppID uint32, validity time.Duration) (relation.ClientCertificate, error) {
	if sdkAppID == 0 {
		return relation.ClientCertificate{}, errors.New("a client certificate needs an SDKAppID")
	}
	if validity <= 0 {
		validity = DefaultValidity
	}
	now := ca.now()
	if !now.Before(ca.cert.NotAfter) {
		return relation.ClientCertificate{}, fmt.Errorf("the CA for client certificates expired on %s: replace it "+
			"(callback-ca-cert, or the folder ca/ of the data directory)", day(ca.cert.NotAfter))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return relation.ClientCertificate{}, fmt.Errorf("make the key of a client certificate: %w", err)
	}
	template := ca.leaf(sdkAppID, now, validity)
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		return relation.ClientCertificate{}, fmt.Errorf("sign a client certificate: %w", err)
	}
	if err := ca.verify(der, now); err != nil {
		return relation.ClientCertificate{}, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return relation.ClientCertificate{}, fmt.Errorf("encode the key of a client certificate: %w", err)
	}
	return relation.ClientCertificate{
		Cert:     string(pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: der})) + ca.intermediates(),
		Key:      string(pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: keyDER})),
		NotAfter: template.NotAfter,
	}, nil
}

func (ca *CA) leaf(sdkAppID uint32, now time.Time, validity time.Duration) *x509.Certificate {
	id := strconv.FormatUint(uint64(sdkAppID), 10)
	end := now.Add(validity).UTC().Truncate(time.Second) // certificates know no smaller unit
	if ca.cert.NotAfter.Before(end) {
		end = ca.cert.NotAfter
	}
	return &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: "kith app " + id},
		URIs:         []*url.URL{{Scheme: "kith", Host: "app", Path: "/" + id}},
		NotBefore:    now.Add(-clockSlack),
		NotAfter:     end,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},

		BasicConstraintsValid: true,
	}
}

// verify does what an endpoint does, so that a CA which cannot be used for this is noticed here.
func (ca *CA) verify(der []byte, now time.Time) error {
	leaf, err := x509.ParseCertificate(der)
	if err == nil {
		roots := x509.NewCertPool()
		roots.AddCert(ca.cert)
		_, err = leaf.Verify(x509.VerifyOptions{
			Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		})
	}
	if err != nil {
		return fmt.Errorf("the CA of callback-ca-cert cannot issue client certificates (%w): use one without such limits", err)
	}
	return nil
}

// intermediates returns what a client has to show besides its certificate: all up to the root, which verifiers have.
func (ca *CA) intermediates() string {
	var text []byte
	for _, c := range append([]*x509.Certificate{ca.cert}, ca.chain...) {
		if !selfSigned(c) {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: c.Raw})...)
		}
	}
	return string(text)
}

// Issued reports whether this CA issued the certificate. One of another CA is to be replaced.
func (ca *CA) Issued(c relation.ClientCertificate) bool {
	leaf, err := parseLeaf(c)
	return err == nil && leaf.CheckSignatureFrom(ca.cert) == nil
}

// RenewAt returns when a client certificate is to be replaced: after two thirds of its validity. One that cannot be read
// is to be replaced at once, which is the zero time.
func RenewAt(c relation.ClientCertificate) time.Time {
	leaf, err := parseLeaf(c)
	if err != nil {
		return time.Time{}
	}
	return leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 3 * 2)
}

func parseLeaf(c relation.ClientCertificate) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(c.Cert))
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	return x509.ParseCertificate(block.Bytes)
}

// serial returns a random serial number.
func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}
