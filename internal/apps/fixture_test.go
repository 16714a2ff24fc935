package apps_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// checks are the rules that the server hands in.
var checks = apps.Checks{URL: webhook.ValidateURL, Secret: webhook.CheckSecret}

// signing is what the server hands in.
var signing = apps.Signing{Check: webhook.CheckSecret, NewSecret: webhook.NewSecret, NewKeyPair: webhook.NewKeyPair}

// makeCertificate makes a self-signed certificate and its key.
func makeCertificate() (cert, key string) {
	private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"}, NotAfter: time.Now().Add(time.Hour),
	}
	der, _ := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	text, _ := x509.MarshalPKCS8PrivateKey(private)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))
}

// certOf is a certificate that only looks like one.
func certOf(notAfter time.Time) relation.ClientCertificate {
	return relation.ClientCertificate{Cert: "cert", Key: "key", NotAfter: notAfter}
}
