package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is an operator's CA.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newAuthority makes a CA; parent nil: a root.
func newAuthority(t *testing.T, name string, key crypto.Signer, parent *authority, change func(*x509.Certificate)) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: start.Add(-time.Hour), NotAfter: start.Add(1000 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	if change != nil {
		change(template)
	}
	signer := &authority{cert: template, key: key}
	if parent != nil {
		signer = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.cert, key.Public(), signer.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, key: key}
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return block(blockKey, der)
}

func files(t *testing.T, cert, key string) Options {
	t.Helper()
	dir := t.TempDir()
	o := Options{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), Now: at(start), Dir: dir}
	for name, text := range map[string]string{o.CertFile: cert, o.KeyFile: key} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func TestTheOperatorsCAInTheFormsOfOpenSSL(t *testing.T) {
	ec := ecKey(t)
	ecDER, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parameters := block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7})
	for name, c := range map[string]struct {
		key  crypto.Signer
		text string
	}{
		"ECDSA, PKCS #8":                        {ec, pkcs8(t, ec)},
		"ECDSA, SEC 1":                          {ec, block("EC PRIVATE KEY", ecDER)},
		"ECDSA, SEC 1 with parameters in front": {ec, parameters + block("EC PRIVATE KEY", ecDER)},
		"RSA, PKCS #8":                          {rsaKey, pkcs8(t, rsaKey)},
		"RSA, PKCS #1":                          {rsaKey, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))},
		"Ed25519, PKCS #8":                      {edKey, pkcs8(t, edKey)},
	} {
		t.Run(name, func(t *testing.T) {
			root := newAuthority(t, "root", c.key, nil, nil)
			o := files(t, block(blockCertificate, root.cert.Raw), c.text)
			ca := mustOpen(t, o)
			got, err := ca.Issue(app, time.Hour)
			if err != nil || !ca.Issued(got) || strings.Count(got.Cert, "BEGIN") != 1 {
				t.Errorf("certificate %q, error %v", got.Cert, err)
			}
			if _, err := os.Stat(filepath.Join(o.Dir, "ca")); err == nil {
				t.Error("a CA of Kith's own was made besides")
			}
		})
	}
}

func TestAnIntermediateIsShownToo(t *testing.T) {
	root := newAuthority(t, "root", ecKey(t), nil, nil)
	middle := newAuthority(t, "middle", ecKey(t), root, nil)
	ca := mustOpen(t, files(t, block(blockCertificate, middle.cert.Raw)+block(blockCertificate, root.cert.Raw), pkcs8(t, middle.key)))
	if strings.Count(ca.CertPEM(), "BEGIN") != 2 || strings.Contains(strings.Join(ca.Warnings(), ""), "root") {
		t.Errorf("CA %q, warnings %q", ca.CertPEM(), ca.Warnings())
	}
	rootless := mustOpen(t, files(t, block(blockCertificate, middle.cert.Raw), pkcs8(t, middle.key)))
	if w := strings.Join(rootless.Warnings(), "\n"); !strings.Contains(w, "do not lead to a root") {
		t.Errorf("warnings %q", w)
	}
	got, err := ca.Issue(app, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	leaf, rest := pem.Decode([]byte(got.Cert))
	shown, rest := pem.Decode(rest)
	if leaf == nil || shown == nil || len(rest) != 0 || string(shown.Bytes) != string(middle.cert.Raw) {
		t.Errorf("certificate %q, want the client's and the intermediate one", got.Cert)
	}
}

func TestCAsThatCannotBeUsed(t *testing.T) {
	const passphrase = "-----BEGIN ENCRYPTED PRIVATE KEY-----\naHVudGVyMg==\n-----END ENCRYPTED PRIVATE KEY-----\n"
	const oldPassphrase = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\naHVudGVyMg==\n" +
		"-----END EC PRIVATE KEY-----\n"
	key := ecKey(t)
	keyText := pkcs8(t, key)
	cert := block(blockCertificate, newAuthority(t, "root", key, nil, nil).cert.Raw)
	leaf := block(blockCertificate, newAuthority(t, "leaf", key, nil, func(c *x509.Certificate) { c.IsCA = false }).cert.Raw)
	noSign := block(blockCertificate, newAuthority(t, "crl", key, nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }).cert.Raw)
	for name, c := range map[string]struct{ cert, key, want string }{
		"another's key":      {cert, pkcs8(t, ecKey(t)), "does not belong to the certificate"},
		"not a CA":           {leaf, keyText, "not one of a CA"},
		"may not sign":       {noSign, keyText, "not one of a CA"},
		"no certificate":     {"hunter2", keyText, "holds no certificate"},
		"damaged":            {block(blockCertificate, []byte("hunter2")), keyText, "is damaged"},
		"key in the bundle":  {cert + keyText, keyText, "something else than certificates"},
		"no key":             {cert, "hunter2", "holds no key"},
		"damaged key":        {cert, block(blockKey, []byte("hunter2")), "holds no key that can be used"},
		"certificate as key": {cert, cert, "holds no key that can be used"},
		"passphrase":         {cert, passphrase, "has a passphrase"},
		"old passphrase":     {cert, oldPassphrase, "has a passphrase"},
		"sealed":             {cert, block(blockSealed, []byte("hunter2")), "is encrypted"},
		"only parameters":    {cert, block("EC PARAMETERS", nil), "holds no key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(files(t, c.cert, c.key))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	o := files(t, cert, keyText)
	for _, spoil := range []func(*Options){
		func(o *Options) { o.KeyFile = "" },
		func(o *Options) { o.CertFile = "" },
		func(o *Options) { o.KeyFile += ".gone" },
		func(o *Options) { o.CertFile += ".gone" },
	} {
		spoiled := o
		spoil(&spoiled)
		if _, err := Open(spoiled); err == nil {
			t.Errorf("no error for %+v", spoiled)
		}
	}
}

func TestACAThatMayNotIssueClientCertificates(t *testing.T) {
	key := ecKey(t)
	root := newAuthority(t, "servers only", key, nil, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	ca := mustOpen(t, files(t, block(blockCertificate, root.cert.Raw), pkcs8(t, key)))
	if _, err := ca.Issue(app, 0); err == nil || !strings.Contains(err.Error(), "cannot issue client certificates") {
		t.Errorf("error %v", err)
	}
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "check its permissions") {
		t.Errorf("error %v", err)
	}
}

// FuzzLoad reads certificates and keys that are not what they should be.
func FuzzLoad(f *testing.F) {
	f.Add("-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n", "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n")
	f.Add("", "-----BEGIN EC PARAMETERS-----\n-----END EC PARAMETERS-----\n")
	dir := f.TempDir()
	ca, err := Open(Options{Dir: dir})
	if err != nil {
		f.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(dir, "ca", keyName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ca.CertPEM(), string(key))
	f.Fuzz(func(t *testing.T, cert, key string) {
		ca, err := Open(files(t, cert, key))
		if (ca == nil) == (err == nil) {
			t.Errorf("CA %v, error %v", ca, err)
		}
	})
}
