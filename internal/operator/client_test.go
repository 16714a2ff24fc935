package operator_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/operator"
)

func TestClientOptions(t *testing.T) {
	for name, opts := range map[string]operator.ClientOptions{
		"no URL":             {Token: token},
		"no scheme":          {URL: "127.0.0.1:8081", Token: token},
		"no token":           {URL: "http://127.0.0.1:8081"},
		"plain beyond local": {URL: "http://192.0.2.1:8081", Token: token},
		"no certificate":     {URL: "https://h:1", Token: token, CertFile: filepath.Join(t.TempDir(), "none")},
	} {
		if _, err := operator.NewClient(opts); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: err = %v, want a refusal without the token", name, err)
		}
	}
}

// publish makes a data directory that says the server is at url.
func publish(t *testing.T, url, cert string) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := operator.EnsureToken(dir, token); err != nil {
		t.Fatal(err)
	}
	if err := operator.WriteEndpoint(dir, operator.Endpoint{URL: url, Cert: cert}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFromDataDir(t *testing.T) {
	f := serve(t, nil)
	dir := publish(t, f.url, "")
	for _, name := range []string{"operator.json", "operator-token"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, err %v, want mode 0600", name, info.Mode(), err)
		}
	}
	client, err := operator.FromDataDir(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Status(t.Context()); err != nil || client.URL() != f.url {
		t.Errorf("status of %s: %v", client.URL(), err)
	}
}

func TestNoServerOnTheDataDir(t *testing.T) {
	dir := publish(t, "http://127.0.0.1:1", "") // as a killed server leaves it
	want := "no server is running on " + dir + ": start `kith serve --data " + dir + "`"
	client, err := operator.FromDataDir(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Status(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("err = %v, want %q", err, want)
	}
	for range 2 { // removing it twice is no error
		if err := operator.RemoveEndpoint(dir); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := operator.FromDataDir(dir, ""); err == nil || err.Error() != want {
		t.Errorf("err = %v, want %q", err, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "operator.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.FromDataDir(dir, ""); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("err = %v, want that the file is damaged", err)
	}
}

func TestEnsureToken(t *testing.T) {
	dir := t.TempDir()
	made, err := operator.EnsureToken(dir, "")
	if err != nil || len(made) != 64 {
		t.Fatalf("made %d characters, err %v", len(made), err)
	}
	if again, err := operator.EnsureToken(dir, ""); err != nil || again != made {
		t.Errorf("the second start has another token, err %v", err)
	}
	if given, err := operator.EnsureToken(dir, token); err != nil || given != token {
		t.Errorf("a given token is not taken, err %v", err)
	}
	if kept, err := operator.EnsureToken(dir, ""); err != nil || kept != token {
		t.Errorf("a given token is not kept for local clients, err %v", err)
	}
	for _, weak := range []string{"short", "sixteen-and-a blank", strings.Repeat("\x00", 64)} {
		if err := os.WriteFile(filepath.Join(dir, "operator-token"), []byte(weak+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := operator.EnsureToken(dir, ""); err == nil || got != "" || strings.Contains(err.Error(), weak) {
			t.Errorf("%q from the file: %q, err %v, want a refusal that does not repeat it", weak, got, err)
		}
		if given, err := operator.EnsureToken(dir, token); err != nil || given != token {
			t.Errorf("a given token does not replace it, err %v", err)
		}
	}
}

// TestPinnedCertificate serves the API under a self-signed certificate. Only the very certificate of the file counts.
func TestPinnedCertificate(t *testing.T) {
	f := serve(t, nil)
	server := httptest.NewUnstartedServer(operator.New(f.opts))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshakes below
	server.StartTLS()
	defer server.Close()
	tests := []struct {
		name string
		cert string // file; empty: the system decides
		ok   bool
	}{
		{"its own", writeCert(t, server.Certificate().Raw), true},
		{"another", writeCert(t, selfSigned(t)), false},
		{"none", "", false},
	}
	for _, test := range tests {
		client, err := operator.FromDataDir(publish(t, server.URL, test.cert), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Status(t.Context()); (err == nil) != test.ok {
			t.Errorf("%s: err = %v, want success: %t", test.name, err, test.ok)
		}
		client.Close()
	}
}

func writeCert(t *testing.T, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t *testing.T) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestForeignServer has the client meet something that is not Kith: it must neither follow nor be fooled.
func TestForeignServer(t *testing.T) {
	var stolen string
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen = r.Header.Get("Authorization") }))
	defer thief.Close()
	for name, handle := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL, http.StatusFound) },
		"HTML":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) },
		"not JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) },
	} {
		server := httptest.NewServer(handle)
		client, err := operator.NewClient(operator.ClientOptions{URL: server.URL + "/", Token: token})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Status(t.Context()); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: err = %v, want one without the token", name, err)
		}
		client.Close()
		server.Close()
	}
	if stolen != "" {
		t.Error("the token was sent to where a redirect led")
	}
}
