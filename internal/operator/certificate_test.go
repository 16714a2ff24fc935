package operator_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/pki"
)

// shownCert is a certificate with how it is shown.
type shownCert struct {
	pem   string
	shown operator.Certificate
}

// certificates makes a CA and returns it, with a private key in PEM of somebody else.
func certificates(t *testing.T) (ca shownCert, key string) {
	t.Helper()
	made, err := pki.Open(pki.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	client, err := made.Issue(1, 0)
	if err != nil {
		t.Fatal(err)
	}
	cert := parse(t, made.CertPEM())
	sum := sha256.Sum256(cert.Raw)
	return shownCert{made.CertPEM(), operator.Certificate{
		Subject: cert.Subject.String(), Fingerprint: hex.EncodeToString(sum[:]), NotAfter: cert.NotAfter,
	}}, client.Key
}

func parse(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(rest) != 0 {
		t.Fatalf("not one PEM block: %q", text)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestClientCertificate(t *testing.T) {
	f := serve(t, nil)
	ctx := t.Context()
	f.newApp(t)
	_, err := f.ClientCert(ctx, 7)
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid) // none yet
	callback, err := f.SetCallback(ctx, 7, operator.SetCallback{URL: ptr("https://x/"), MutualTLS: ptr(true)})
	if err != nil || !callback.MutualTLS || callback.ClientCert == nil {
		t.Fatalf("callback %+v, err %v", callback, err)
	}
	text, err := f.ClientCert(ctx, 7)
	if err != nil {
		t.Fatal(err)
	}
	cert := parse(t, text)
	if got := *callback.ClientCert; got.Subject != "CN=kith app 7" || !got.NotAfter.Equal(cert.NotAfter) || len(got.Fingerprint) != 64 {
		t.Errorf("shown as %+v", got)
	}
	text, err = f.CA(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := cert.CheckSignatureFrom(parse(t, text)); err != nil {
		t.Errorf("the CA that can be had did not issue it: %v", err)
	}
	if callback, err = f.SetCallback(ctx, 7, operator.SetCallback{MutualTLS: ptr(false)}); err != nil || callback.ClientCert != nil {
		t.Errorf("switched off: %+v, err %v", callback.ClientCert, err)
	}
	_, err = f.ClientCert(ctx, 7)
	if refused(t, err, http.StatusBadRequest, operator.CodeInvalid); err != nil && !strings.Contains(err.Error(), "--mutual-tls") {
		t.Errorf("the sentence is %q", err)
	}
}

func TestServerWithoutACA(t *testing.T) {
	f := serve(t, func(o *operator.Options) { o.CA = nil })
	_, err := f.CA(t.Context())
	refused(t, err, http.StatusNotImplemented, operator.CodeUnsupported)
}
