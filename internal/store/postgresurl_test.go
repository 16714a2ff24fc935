package store

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const urlPassword = "hunter-two"

func TestPostgresURLErrors(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent.pem")
	for name, test := range map[string]struct{ query, want string }{
		"no such CA":      {"?sslmode=verify-full&sslrootcert=" + url.QueryEscape(absent), "names a file that cannot be used: open " + absent},
		"unknown sslmode": {"?sslmode=verify_full", "unknown sslmode; verify-full verifies"},
		"anything else":   {"?connect_timeout=soon", "not a PostgreSQL URL; write postgres://"},
	} {
		t.Run(name, func(t *testing.T) {
			refusesURL(t, "postgres://kith:"+urlPassword+"@127.0.0.1:1/kith"+test.query, test.want)
		})
	}
}

// A server whose certificate is not accepted is one that somebody has to say more about in the store URL.
func TestPostgresCertificateAdvice(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(serveTLS(t, web.TLS.Certificates))
	at := func(host, query string) string {
		return "postgres://kith:" + urlPassword + "@" + net.JoinHostPort(host, port) + "/kith?sslmode=verify-full" + query
	}
	refusesURL(t, at("127.0.0.1", ""), "sslrootcert=FILE")
	refusesURL(t, at("localhost", "&sslrootcert="+url.QueryEscape(ca)), "must name the server as its certificate does")
}

func refusesURL(t *testing.T, storeURL, want string) {
	t.Helper()
	_, err := openPostgres(t.Context(), storeURL, nil)
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), urlPassword) {
		t.Errorf("error %v, want one with %q and without the password", err, want)
	}
}

// serveTLS takes connections as a PostgreSQL server does until the end of the handshake.
func serveTLS(t *testing.T, certificates []tls.Certificate) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = listener.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			request := make([]byte, 8) // for TLS
			_, _ = io.ReadFull(conn, request)
			_, _ = conn.Write([]byte("S"))
			_ = tls.Server(conn, &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12}).HandshakeContext(t.Context())
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}
