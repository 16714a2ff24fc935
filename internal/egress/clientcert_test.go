package egress_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/pki"
	"github.com/kithchat/kith/internal/relation"
)

const (
	appA = 1600077123
	appB = 1600077124
	// patient is a time limit that no test is meant to reach.
	patient = time.Minute
)

func TestClientCertificates(t *testing.T) {
	ca, other := openCA(t, time.Now), openCA(t, time.Now)
	long := openCA(t, func() time.Time { return time.Now().Add(-100 * 24 * time.Hour) })
	good, foreign, expired := issue(t, ca, appA), issue(t, other, appA), issue(t, long, appA)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, tt := range []struct {
			name    string
			trusts  *pki.CA
			shown   relation.ClientCertificate
			refused bool
		}{
			{"of the right CA", ca, good, false},
			{"none", ca, relation.ClientCertificate{}, true},
			{"of another CA", ca, foreign, true},
			{"expired", long, expired, true},
		} {
			t.Run(tls.VersionName(version)+" "+tt.name, func(t *testing.T) {
				server := verifier(t, version, tt.trusts)
				// A body larger than what the kernel buffers: the write fails once the server has closed the connection.
				for _, size := range []int{100, 8 << 20} {
					response, err := post(t, server, tt.shown, size)
					if !tt.refused {
						if err != nil || response != http.StatusOK {
							t.Errorf("%d bytes: status %d, %v", size, response, err)
						}
						continue
					}
					if e := egress.Classify(err); e == nil || e.Phase != egress.PhaseClientCert || e.Ours || e.Timeout() || e.Detail() == "" {
						t.Errorf("%d bytes: error %v (%+v), want a refused client certificate", size, err, e)
					}
				}
			})
		}
	}
}

// TestARefusalUnderTLS13IsFoundEachTime repeats a race: the server refuses while the client writes.
func TestARefusalUnderTLS13IsFoundEachTime(t *testing.T) {
	server := verifier(t, tls.VersionTLS13, openCA(t, time.Now))
	foreign := issue(t, openCA(t, time.Now), appA)
	for i := range 100 {
		_, err := post(t, server, foreign, i%2*(1<<20))
		if e := egress.Classify(err); e == nil || e.Phase != egress.PhaseClientCert {
			t.Fatalf("request %d: %v", i, err)
		}
	}
}

func TestAClientCertificateIsShownOnResumedSessionsToo(t *testing.T) {
	ca := openCA(t, time.Now)
	shown := make(chan string, 2)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		resumed := "full"
		if r.TLS.DidResume {
			resumed = "resumed"
		}
		shown <- r.TLS.PeerCertificates[0].Subject.CommonName + " " + resumed
	}))
	start(t, server, tls.VersionTLS13, ca)
	transport := transportTo(t, server, issue(t, ca, appA))
	for _, want := range []string{"kith app 1600077123 full", "kith app 1600077123 resumed"} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if got := <-shown; got != want {
			t.Errorf("the server saw %q, want %q", got, want)
		}
	}
}

// TestAlertsOfAServerThatAsksForNoCertificate has a server that answers the first message of a handshake with an alert.
func TestAlertsOfAServerThatAsksForNoCertificate(t *testing.T) {
	good := issue(t, openCA(t, time.Now), appA)
	for _, tt := range []struct {
		alert byte
		shown relation.ClientCertificate
		phase egress.Phase
	}{
		{40, relation.ClientCertificate{}, egress.PhaseTLS},         // handshake failure
		{49, relation.ClientCertificate{}, egress.PhaseTLS},         // access denied, for whatever reason
		{112, good, egress.PhaseTLS},                                // unrecognized name
		{116, relation.ClientCertificate{}, egress.PhaseClientCert}, // certificate required
	} {
		dial := func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				buffer := make([]byte, 4096)
				_, _ = server.Read(buffer)
				_, _ = server.Write([]byte{21, 3, 3, 0, 2, 2, tt.alert})
				_ = server.Close()
			}()
			return client, nil
		}
		e, err := egress.New(egress.Options{Dial: dial})
		if err != nil {
			t.Fatal(err)
		}
		transport, err := e.Transport(egress.Endpoint{Timeout: patient, ClientCert: tt.shown.Cert, ClientKey: tt.shown.Key})
		if err != nil {
			t.Fatal(err)
		}
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://chat.example.net/", http.NoBody)
		_, err = transport.RoundTrip(request)
		if found := egress.Classify(err); found == nil || found.Phase != tt.phase || found.Detail() == "" {
			t.Errorf("alert %d: %v (%+v), want phase %q", tt.alert, err, found, tt.phase)
		}
	}
}

// verifier starts a server of one version of TLS that wants client certificates of a CA.
func verifier(t *testing.T, version uint16, ca *pki.CA) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	start(t, server, version, ca)
	return server
}

func start(t *testing.T, server *httptest.Server, version uint16, ca *pki.CA) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(ca.CertPEM()))
	server.TLS = &tls.Config{
		MinVersion: version, MaxVersion: version, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it reports each refused handshake
	server.StartTLS()
	t.Cleanup(server.Close)
}

func transportTo(t *testing.T, server *httptest.Server, shown relation.ClientCertificate) *http.Transport {
	t.Helper()
	e, err := egress.New(egress.Options{Allow: []string{"loopback"}})
	if err != nil {
		t.Fatal(err)
	}
	transport, err := e.Transport(egress.Endpoint{
		Timeout: patient, ClientCert: shown.Cert, ClientKey: shown.Key,
		CA: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// post sends a body of a size over a connection of its own and returns the status.
func post(t *testing.T, server *httptest.Server, shown relation.ClientCertificate, size int) (int, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, bytes.NewReader(make([]byte, size)))
	if err != nil {
		t.Fatal(err)
	}
	transport := transportTo(t, server, shown)
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func openCA(t *testing.T, now func() time.Time) *pki.CA {
	t.Helper()
	ca, err := pki.Open(pki.Options{Dir: t.TempDir(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func issue(t *testing.T, ca *pki.CA, sdkAppID uint32) relation.ClientCertificate {
	t.Helper()
	c, err := ca.Issue(sdkAppID, 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
