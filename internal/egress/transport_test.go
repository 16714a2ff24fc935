package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// patient is a time limit that no test is meant to reach.
const patient = time.Minute

func TestTransportReachesAnAllowedEndpoint(t *testing.T) {
	server := httptest.NewServer(answering("fine"))
	defer server.Close()
	transport := mustTransport(t, Options{Allow: []string{"loopback"}}, Endpoint{Timeout: patient, Connections: 1})
	if _, body, err := get(t, transport, server.URL); err != nil || body != "fine" {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestTransportVerifiesTheServer(t *testing.T) {
	server := httptest.NewUnstartedServer(answering("fine"))
	server.Config.ErrorLog = silentLog
	server.StartTLS()
	defer server.Close()
	allow := Options{Allow: []string{"loopback"}}
	own := Endpoint{Timeout: patient, CA: pemOf(server.Certificate().Raw)}
	if _, body, err := get(t, mustTransport(t, allow, own), server.URL); err != nil || body != "fine" {
		t.Errorf("own bundle: %q, %v", body, err)
	}
	lax := Endpoint{Timeout: patient, TLS: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}}
	_, _, err := get(t, mustTransport(t, allow, lax), server.URL)
	wantError(t, err, PhaseTLS, false)
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("error %v, want an unknown authority, although the base configuration would skip it", err)
	}
	// The same server under another name.
	_, _, err = get(t, mustTransport(t, allow, own), strings.Replace(server.URL, "127.0.0.1", "localhost", 1))
	wantError(t, err, PhaseTLS, false)
}

func TestTransportWantsTLS12(t *testing.T) {
	server := httptest.NewUnstartedServer(answering("fine"))
	server.Config.ErrorLog = silentLog
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	server.StartTLS()
	defer server.Close()
	at := Endpoint{Timeout: patient, CA: pemOf(server.Certificate().Raw), TLS: &tls.Config{MinVersion: tls.VersionTLS10}}
	_, _, err := get(t, mustTransport(t, Options{Allow: []string{"loopback"}}, at), server.URL)
	wantError(t, err, PhaseTLS, false)
}

func TestPlainHTTPWhereTLSIsExpected(t *testing.T) {
	server := httptest.NewServer(answering("fine"))
	defer server.Close()
	transport := mustTransport(t, Options{Allow: []string{"loopback"}}, Endpoint{Timeout: patient})
	_, _, err := get(t, transport, strings.Replace(server.URL, "http:", "https:", 1))
	if e := wantError(t, err, PhaseTLS, false); e.Detail() != "the endpoint does not speak TLS" {
		t.Errorf("detail %q", e.Detail())
	}
}

func TestTransportFollowsNoHTTP2AndCapsHeaders(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Size", strings.Repeat("x", len(r.URL.Path)-1)+r.Proto)
		if r.URL.Path == "/large" {
			w.Header().Set("X-Size", strings.Repeat("x", MaxHeaderBytes+1))
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	at := Endpoint{Timeout: patient, Connections: 1, CA: pemOf(server.Certificate().Raw)}
	transport := mustTransport(t, Options{Allow: []string{"loopback"}}, at)
	response, _, err := get(t, transport, server.URL+"/")
	if err != nil || response.Header.Get("X-Size") != "HTTP/1.1" {
		t.Errorf("got %v, %v", response, err)
	}
	_, _, err = get(t, transport, server.URL+"/large")
	wantError(t, err, PhaseHeaders, false)
}

func TestRefusedAddressIsNotDialled(t *testing.T) {
	accepted := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { accepted <- struct{}{} }))
	defer server.Close()
	for _, scheme := range []string{"http:", "https:"} {
		_, _, err := get(t, mustTransport(t, Options{}, Endpoint{Timeout: patient}), strings.Replace(server.URL, "http:", scheme, 1))
		e := wantError(t, err, PhaseBlocked, false)
		if d := e.Detail(); !strings.Contains(d, "loopback") || strings.Contains(d, "127") {
			t.Errorf("detail %q, want the kind of address without the address", d)
		}
	}
	select {
	case <-accepted:
		t.Error("the request arrived")
	default:
	}
}

func TestClosedPort(t *testing.T) {
	_, _, err := get(t, mustTransport(t, Options{Allow: []string{"loopback"}}, Endpoint{Timeout: patient}), "http://127.0.0.1:1")
	if e := wantError(t, err, PhaseConnect, false); e.Detail() != "connection refused" || e.Timeout() {
		t.Errorf("detail %q, timeout %v", e.Detail(), e.Timeout())
	}
}

func TestSilentTLSPortIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := mustTransport(t, Options{Dial: pipeProxy(t, "")}, Endpoint{Timeout: patient}) // accepts, and never shakes hands
		_, _, err := get(t, transport, "https://chat.example.net")
		if e := wantError(t, err, PhaseTLS, false); !e.Timeout() {
			t.Errorf("%v is no timeout", e)
		}
	})
}

func TestFaultsOfThisMachineAreOurs(t *testing.T) {
	for _, tt := range []struct {
		err  error
		ours bool
	}{
		{syscall.EMFILE, true},
		{syscall.ENFILE, true},
		{syscall.ENOMEM, true},
		{syscall.ENOBUFS, true},
		{syscall.EADDRNOTAVAIL, true},
		{syscall.ENETUNREACH, false},
		{syscall.EHOSTUNREACH, false},
		{syscall.ECONNREFUSED, false},
	} {
		dial := func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: tt.err}
		}
		_, _, err := get(t, mustTransport(t, Options{Dial: dial}, Endpoint{Timeout: patient}), "http://chat.example.net/")
		if e := wantError(t, err, PhaseConnect, tt.ours); e.Detail() != tt.err.Error() {
			t.Errorf("detail %q", e.Detail())
		}
	}
}

func TestEndpointsThatCannotBeSetUp(t *testing.T) {
	e, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]Endpoint{
		"timeout":            {},
		"no certificate":     {Timeout: patient, CA: "hunter2"},
		"something else":     {Timeout: patient, CA: "-----BEGIN EC PRIVATE KEY-----\naHVudGVyMg==\n-----END EC PRIVATE KEY-----\n"},
		"cannot be read":     {Timeout: patient, CA: "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n"},
		"client certificate": {Timeout: patient, ClientCert: "hunter2", ClientKey: "hunter2"},
	} {
		if _, err := e.Transport(at); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestTraceSeesEachStep(t *testing.T) {
	server := httptest.NewTLSServer(answering("fine"))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	dns := serveDNS(t, map[string][]answer{"example.com.": {{addresses: []string{"127.0.0.1"}}}})
	at := Endpoint{Timeout: patient, CA: pemOf(server.Certificate().Raw)} // the certificate is for example.com
	transport := mustTransport(t, Options{Allow: []string{"loopback"}, Resolver: dns.resolver(t)}, at)
	var mu sync.Mutex
	var steps []string
	step := func(name string) { mu.Lock(); defer mu.Unlock(); steps = append(steps, name) }
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { step("DNSStart") },
		DNSDone:           func(httptrace.DNSDoneInfo) { step("DNSDone") },
		ConnectStart:      func(_, _ string) { step("ConnectStart") },
		ConnectDone:       func(_, _ string, _ error) { step("ConnectDone") },
		TLSHandshakeStart: func() { step("TLSHandshakeStart") },
		TLSHandshakeDone:  func(tls.ConnectionState, error) { step("TLSHandshakeDone") },
		GotConn:           func(httptrace.GotConnInfo) { step("GotConn") },
	})
	if _, _, err := getWith(ctx, t, transport, "https://example.com:"+port); err != nil {
		t.Fatal(err)
	}
	want := []string{"DNSStart", "DNSDone", "ConnectStart", "ConnectDone", "TLSHandshakeStart", "TLSHandshakeDone", "GotConn"}
	if !slices.Equal(steps, want) {
		t.Errorf("steps %q", steps)
	}
}
