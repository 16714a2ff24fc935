package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/server"
)

// trusting returns a client that trusts exactly the certificates in a file, as curl --cacert does.
func trusting(t *testing.T, file string, http2 bool) *http.Client {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("%s holds no certificate", file)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: http2}
	if !http2 {
		transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func TestSelfSignedHTTPS(t *testing.T) {
	s := start(t, settings(t))
	for _, file := range []string{"cert.pem", "key.pem"} {
		info, err := os.Stat(filepath.Join(s.info.Data, "tls", file))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	s.newApp(t, "", "mira", "tom")
	for protocol, http2 := range map[string]bool{"HTTP/2.0": true, "HTTP/1.1": false} {
		client := trusting(t, s.info.SelfSigned, http2)
		response, err := client.Post(restURL(t, s.info.HTTPS, "sns/black_list_check"), "application/json", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK || response.Proto != protocol {
			t.Errorf("%d over %s, want 200 over %s", response.StatusCode, response.Proto, protocol)
		}
		leaf := response.TLS.PeerCertificates[0]
		for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
			if err := leaf.VerifyHostname(host); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestSelfSignedCertificateIsKeptAndRenewed(t *testing.T) {
	c := settings(t)
	s := start(t, c)
	file := s.info.SelfSigned
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s.stop(t)
	s = start(t, c)
	if kept, err := os.ReadFile(file); err != nil || string(kept) != string(before) {
		t.Error("a restart made another certificate")
	}
	s.stop(t)

	// A year on, the server renews it before it ends, while running.
	var clock atomic.Int64
	clock.Store(time.Now().UnixNano())
	late, err := server.New(t.Context(), server.Options{Config: c, Now: func() time.Time { return time.Unix(0, clock.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = late.Stop(t.Context()) }()
	if err := late.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock.Add(int64(370 * 24 * time.Hour))
	response, err := trusting(t, file, true).Get(late.Info().HTTPS + "/")
	if err == nil {
		_ = response.Body.Close()
		t.Error("the old certificate is still served a month before its end")
	}
	client := trusting(t, file, true)
	client.Transport.(*http.Transport).TLSClientConfig.Time = func() time.Time { return time.Unix(0, clock.Load()) }
	response, err = client.Get(late.Info().HTTPS + "/")
	if err != nil {
		t.Fatalf("the renewed certificate is not in the file: %v", err)
	}
	_ = response.Body.Close()
}

// The operator's own certificate is followed when its files are replaced, and kept when the new files are broken.
func TestCertificateFilesAreFollowed(t *testing.T) {
	donor := settings(t)
	s := start(t, donor)
	s.stop(t)
	other := settings(t)
	o := start(t, other)
	o.stop(t)

	c := settings(t)
	dir := t.TempDir()
	c.TLSCert, c.TLSKey = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	install := func(data string, at time.Time) {
		t.Helper()
		for _, name := range []string{"key.pem", "cert.pem"} {
			text, err := os.ReadFile(filepath.Join(data, "tls", name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	now := time.Now()
	install(donor.Data, now)
	var clock atomic.Int64
	clock.Store(now.UnixNano())
	served, err := server.New(t.Context(), server.Options{Config: c, Now: func() time.Time { return time.Unix(0, clock.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = served.Stop(t.Context()) }()
	if err := served.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if served.Info().SelfSigned != "" {
		t.Error("a certificate of the operator's is called self-signed")
	}
	reach := func(data string) error {
		response, err := trusting(t, filepath.Join(data, "tls", "cert.pem"), true).Get(served.Info().HTTPS + "/")
		if err == nil {
			_ = response.Body.Close()
		}
		return err
	}
	if err := reach(donor.Data); err != nil {
		t.Errorf("first certificate: %v", err)
	}
	install(other.Data, now.Add(time.Second))
	clock.Add(int64(2 * time.Minute))
	if err := reach(other.Data); err != nil {
		t.Errorf("replaced certificate: %v", err)
	}
	if err := os.WriteFile(c.TLSCert, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	clock.Add(int64(2 * time.Minute))
	if err := reach(other.Data); err != nil {
		t.Errorf("after a broken replacement: %v", err)
	}
}

// Beyond loopback the operator API is served over TLS, and clients on the machine still find and trust it.
func TestOperatorBeyondLoopback(t *testing.T) {
	c := settings(t)
	c.Listen, c.OperatorListen = "", "0.0.0.0:0"
	s := start(t, c)
	client, err := operator.FromDataDir(c.Data, "")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if status, err := client.Status(t.Context()); err != nil || !status.Ready || s.info.HTTPS != "" {
		t.Errorf("%+v, %v", status, err)
	}
}
