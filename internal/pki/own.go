package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Files of a CA that Kith made.
const (
	certName = "ca.crt"
	keyName  = "ca.key"
)

// openOwn reads the CA in a folder, and makes it when nothing is there. The key is written first: after a crash between the
// two files the next start makes the certificate for it.
func openOwn(dir string, o Options) (*CA, error) {
	certFile, keyFile := filepath.Join(dir, certName), filepath.Join(dir, keyName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder for the CA of client certificates cannot be made: %w; check its permissions", err)
	}
	hasCert, hasKey := exists(certFile), exists(keyFile)
	if hasCert && !hasKey {
		return nil, fmt.Errorf("%s is missing, but %s is there: restore it from a backup, or move the folder away to have a "+
			"new CA made, which endpoints then have to trust instead", keyFile, certFile)
	}
	if !hasKey {
		if err := makeKey(keyFile, o.Seal); err != nil {
			return nil, err
		}
	}
	if !hasCert {
		if err := makeCert(certFile, keyFile, o); err != nil {
			return nil, err
		}
	}
	ca, err := load(certFile, keyFile, o.Unseal)
	if err != nil {
		return nil, err
	}
	if hasKey && o.Seal != nil {
		if err := reseal(keyFile, ca.key, o.Seal); err != nil {
			ca.warnings = append(ca.warnings, "the key of the CA stays as it was on disk, not encrypted with the present "+
				"master-key: "+err.Error())
		}
	}
	return ca, nil
}

func makeKey(file string, seal func([]byte) ([]byte, error)) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the CA's key: %w", err)
	}
	text, err := encodeKey(key, seal)
	if err != nil {
		return err
	}
	return create(file, text)
}

func makeCert(certFile, keyFile string, o Options) error {
	key, err := readKey(keyFile, o.Unseal)
	if err != nil {
		return err
	}
	now, number := o.Now(), serial()
	template := &x509.Certificate{
		SerialNumber: number,
		// With a part that differs, people and verifiers tell an old CA and its successor apart.
		Subject:        pkix.Name{CommonName: "Kith client CA " + number.Text(16)[:8]},
		NotBefore:      now.Add(-clockSlack),
		NotAfter:       now.Add(caLife).UTC().Truncate(time.Second),
		KeyUsage:       x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:           true,
		MaxPathLen:     0,
		MaxPathLenZero: true,

		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make the CA's certificate: %w", err)
	}
	return create(certFile, pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: der}))
}

// reseal writes the same key anew, under the present master key.
func reseal(file string, key crypto.Signer, seal func([]byte) ([]byte, error)) error {
	text, err := encodeKey(key, seal)
	if err != nil {
		return err
	}
	return replace(file, text)
}

func encodeKey(key crypto.Signer, seal func([]byte) ([]byte, error)) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the CA's key: %w", err)
	}
	if seal == nil {
		return pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: der}), nil
	}
	if der, err = seal(der); err != nil {
		return nil, fmt.Errorf("encrypt the CA's key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: blockSealed, Bytes: der}), nil
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return !errors.Is(err, fs.ErrNotExist)
}
