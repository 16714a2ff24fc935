package egress

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestWhatACertificateSaysIsNotRepeated has a stranger answer with a certificate whose names are made for terminals, logs
// and databases.
func TestWhatACertificateSaysIsNotRepeated(t *testing.T) {
	const evil = "evil\x00\x1b]0;owned\a\r\nlevel=INFO"
	keys := [2]*ecdsa.PrivateKey{}
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	certificate := func(key *ecdsa.PrivateKey, after time.Time, names ...string) []byte {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: evil}, DNSNames: names, NotBefore: after.Add(-time.Hour),
			NotAfter: after, IsCA: true, BasicConstraintsValid: true,
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	later := time.Now().Add(time.Hour)
	trusted := certificate(keys[1], later, "other.example") // a candidate, since it has the same subject
	for want, served := range map[string][]byte{
		"the certificate is not for the host of the callback URL": certificate(keys[0], later, evil, strings.Repeat("long", 1000)+".example"),
		"x509: certificate signed by unknown authority":           certificate(keys[0], later, evil, "example.com"),
		"expired": certificate(keys[0], time.Now().Add(-time.Minute), evil, "example.com"),
	} {
		server := httptest.NewUnstartedServer(answering("fine"))
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshakes
		server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{served}, PrivateKey: keys[0]}}}
		server.StartTLS()
		dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		}
		transport := mustTransport(t, Options{Dial: dial}, Endpoint{Timeout: patient, CA: pemOf(trusted)})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = transport.RoundTrip(request)
		var found *Error
		if !errors.As(err, &found) || found.Phase != PhaseTLS || !strings.Contains(found.Detail(), want) {
			t.Errorf("%v, want %s", err, want)
		} else if strings.Contains(found.Detail(), "evil") || strings.Contains(found.Detail(), "long") {
			t.Errorf("the detail repeats the certificate: %q", found.Detail())
		}
		server.Close()
	}
}
