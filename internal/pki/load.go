package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// Types of PEM blocks.
const (
	blockCertificate = "CERTIFICATE"
	blockKey         = "PRIVATE KEY"
	// blockSealed holds a PKCS #8 key as Options.Seal made it.
	blockSealed = "KITH SEALED PRIVATE KEY"
)

// load reads a CA from two files. Unseal may be nil.
func load(certFile, keyFile string, unseal func([]byte) ([]byte, error)) (*CA, error) {
	certs, err := readCerts(certFile)
	if err != nil {
		return nil, err
	}
	key, err := readKey(keyFile, unseal)
	if err != nil {
		return nil, err
	}
	ca := &CA{cert: certs[0], chain: certs[1:], key: key}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(ca.cert.PublicKey) {
		return nil, fmt.Errorf("the key in %s does not belong to the certificate in %s: use the two that were made together",
			keyFile, certFile)
	}
	return ca, nil
}

func readCerts(file string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the CA's certificate cannot be read: %w; check the path and its permissions", err)
	}
	var certs []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != blockCertificate {
			return nil, fmt.Errorf("%s holds something else than certificates: leave only CERTIFICATE blocks in it", file)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("a certificate in %s is damaged (%w): export it again in PEM", file, err)
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%s holds no certificate in PEM: it must begin with -----BEGIN CERTIFICATE-----", file)
	}
	if c := certs[0]; !c.IsCA || c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 {
		return nil, fmt.Errorf("the first certificate in %s is not one of a CA: it must have the basic constraint CA and, if "+
			"it limits the use of its key, allow to sign certificates", file)
	}
	return certs, nil
}

func readKey(file string, unseal func([]byte) ([]byte, error)) (crypto.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the CA's key cannot be read: %w; check the path and its permissions", err)
	}
	block, _ := pem.Decode(text)
	// openssl puts the parameters of a curve in front of its key.
	for rest := text; block != nil && block.Type == "EC PARAMETERS"; {
		_, rest = pem.Decode(rest)
		block, _ = pem.Decode(rest)
	}
	if block == nil {
		return nil, fmt.Errorf("%s holds no key in PEM: it must begin with -----BEGIN PRIVATE KEY-----", file)
	}
	der := block.Bytes
	if block.Type == blockSealed {
		if unseal == nil {
			return nil, fmt.Errorf("%s is encrypted: set the master-key that it was encrypted with", file)
		}
		if der, err = unseal(der); err != nil {
			return nil, fmt.Errorf("%s cannot be decrypted: set the master-key that it was encrypted with, "+
				"if need be as the second one", file)
		}
	}
	return parseKey(file, block, der)
}

// parseKey reads a key in the forms that openssl writes. The parsers' own texts are left out.
func parseKey(file string, block *pem.Block, der []byte) (crypto.Signer, error) {
	var key any
	err := errors.New("unknown")
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY" || bytes.Contains([]byte(block.Headers["Proc-Type"]), []byte("ENCRYPTED")):
		return nil, fmt.Errorf("the key in %s has a passphrase, for which there is no setting: "+
			"remove it with openssl pkey and protect the file", file)
	case block.Type == blockKey || block.Type == blockSealed:
		key, err = x509.ParsePKCS8PrivateKey(der)
	case block.Type == "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(der)
	case block.Type == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(der)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s holds no key that can be used: it must be an ECDSA, RSA or Ed25519 key in PEM", file)
	}
	return signer, nil
}

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) && c.CheckSignatureFrom(c) == nil
}
