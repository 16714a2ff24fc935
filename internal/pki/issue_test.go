package pki

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

const app = 1600077123

func TestIssue(t *testing.T) {
	ca := mustOpen(t, Options{Dir: t.TempDir(), Now: at(start)})
	got, err := ca.Issue(app, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.X509KeyPair([]byte(got.Cert), []byte(got.Key)); err != nil {
		t.Fatal(err)
	}
	leaf := parse(t, got.Cert)
	if leaf.Subject.String() != "CN=kith app 1600077123" || len(leaf.URIs) != 1 || leaf.URIs[0].String() != "kith://app/1600077123" {
		t.Errorf("subject %q, URIs %v", leaf.Subject, leaf.URIs)
	}
	if !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}) || leaf.IsCA ||
		leaf.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("usages %v, %v, CA %v", leaf.ExtKeyUsage, leaf.KeyUsage, leaf.IsCA)
	}
	if !leaf.NotBefore.Equal(start.Add(-time.Hour)) || !leaf.NotAfter.Equal(start.Add(DefaultValidity)) || !leaf.NotAfter.Equal(got.NotAfter) {
		t.Errorf("from %v to %v, record says %v", leaf.NotBefore, leaf.NotAfter, got.NotAfter)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ca.CertPEM()))
	verify := x509.VerifyOptions{Roots: roots, CurrentTime: start, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := leaf.Verify(verify); err != nil {
		t.Errorf("as a client: %v", err)
	}
	verify.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if _, err := leaf.Verify(verify); err == nil {
		t.Error("the certificate is also good for a server")
	}
	again, err := ca.Issue(app, time.Hour)
	if err != nil || parse(t, again.Cert).SerialNumber.Cmp(leaf.SerialNumber) == 0 || again.Key == got.Key {
		t.Errorf("a second certificate has the first one's serial or key (%v)", err)
	}
	if !again.NotAfter.Equal(start.Add(time.Hour)) {
		t.Errorf("not after %v, want an hour from now", again.NotAfter)
	}
	if _, err := ca.Issue(0, 0); err == nil {
		t.Error("no error without an SDKAppID")
	}
}

func TestACAThatEndsFirstCapsACertificate(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, Options{Dir: dir, Now: at(start)})
	ca := mustOpen(t, Options{Dir: dir, Now: at(start.Add(caLife - 24*time.Hour))})
	got, err := ca.Issue(app, 0)
	if err != nil || !got.NotAfter.Equal(ca.NotAfter()) {
		t.Errorf("not after %v, %v, want %v", got.NotAfter, err, ca.NotAfter())
	}
}

func TestRenewAtTwoThirds(t *testing.T) {
	ca := mustOpen(t, Options{Dir: t.TempDir(), Now: at(start)})
	got, err := ca.Issue(app, 89*time.Hour) // with the hour before: 90
	if err != nil {
		t.Fatal(err)
	}
	if want := start.Add(59 * time.Hour); !RenewAt(got).Equal(want) {
		t.Errorf("renew at %v, want %v", RenewAt(got), want)
	}
	for _, broken := range []relation.ClientCertificate{
		{},
		{Cert: "hunter2", NotAfter: start},
		{Cert: "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n"},
	} {
		if !RenewAt(broken).IsZero() {
			t.Errorf("%+v: renew at %v, want at once", broken, RenewAt(broken))
		}
	}
}

func TestIssuedTellsItsOwnCertificates(t *testing.T) {
	one, two := mustOpen(t, Options{Dir: t.TempDir()}), mustOpen(t, Options{Dir: t.TempDir()})
	got, err := one.Issue(app, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !one.Issued(got) || two.Issued(got) || one.Issued(relation.ClientCertificate{}) {
		t.Errorf("one %v, two %v", one.Issued(got), two.Issued(got))
	}
}
