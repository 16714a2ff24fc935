package main

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

const deliveryApp = "1600077123"

func TestCallbackPolicyCommands(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", deliveryApp)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, []byte(k.run("ca", "show")), 0o600); err != nil {
		t.Fatal(err)
	}
	var callback operator.Callback
	k.json(&callback, "app", "callback", "set", deliveryApp, "--url", "https://backend.example/cb?key="+leaktest.URLSecret,
		"--retry", "timeouts", "--max-attempts", "7", "--max-age", "36h", "--app-error", "accept", "--ca", bundle, "--mutual-tls")
	if len(callback.CA) != 1 || callback.ClientCert == nil || callback.ClientCert.Subject != "CN=kith app "+deliveryApp {
		t.Errorf("certificates %+v, %+v", callback.CA, callback.ClientCert)
	}
	equal(t, "policy", []any{callback.Retry, callback.MaxAttempts, callback.MaxAgeMS, callback.AppError, callback.MutualTLS},
		[]any{relation.RetryTimeouts, 7, int64(36 * 3600 * 1000), relation.AppErrorAccept, true})
	out := k.run("app", "callback", "show", deliveryApp)
	leaktest.Check(t, "what is shown", out, k.run("app", "list"), k.run("app", "show", deliveryApp, "--json"))
	for _, want := range []string{
		"retry         timeouts\n", "max attempts  7\n", "max age       1d12h\n", "app error     accept\n", "CA            CN=Kith client CA",
		"client cert   CN=kith app " + deliveryApp, "token         no, unsigned\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	callback = operator.Callback{}
	k.json(&callback, "app", "callback", "set", deliveryApp, "--ca", "", "--mutual-tls=false", "--max-attempts", "0", "--max-age", "0s", "--retry", "failures")
	equal(t, "without certificates", []any{len(callback.CA), callback.ClientCert, callback.MutualTLS}, []any{0, (*operator.Certificate)(nil), false})
	out = k.run("app", "callback", "set", deliveryApp, "--url", "", "--listen")
	if !strings.Contains(out, "who listens gets them") || !strings.Contains(out, "the server's (retry-budget)") || !strings.Contains(out, "no limit but time") {
		t.Errorf("listening:\n%s", out)
	}

	set := []string{"app", "callback", "set", deliveryApp}
	for _, test := range []struct {
		want  string
		flags []string
	}{
		{"the retry policy must be failures, timeouts or off", []string{"--retry", "true"}},
		{"the app error policy must be retry, accept or park", []string{"--app-error", "x"}},
		{"the most attempts must be", []string{"--max-attempts", "1001"}},
		{"the time for retries must be", []string{"--max-age", "10ms"}},
		{"--max-age must be whole milliseconds", []string{"--max-age", "1500us"}},
		{"callbacks go either to a URL or to who listens", []string{"--url", "https://x/"}},
	} {
		k.fail(exitUsage, test.want, append(append([]string{}, set...), test.flags...)...)
	}
	k.fail(exitFailed, "read the CA bundle", append(set, "--ca", filepath.Join(t.TempDir(), "none"))...)
	k.fail(exitUsage, "no CA bundle", append(set, "--url", "https://x/", "--listen=false", "--ca", "/dev/zero")...)
	k.fail(exitUsage, "something else than certificates", append(set, "--url", "https://x/", "--listen=false", "--ca", filepath.Join(data, "operator-token"))...)
}

// An endpoint whose certificate is of a CA of its own is told how to name it, and that helps.
func TestCallbackTestHintsAtTheCA(t *testing.T) {
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, handled) }))
	backend.Config.ErrorLog = log.New(io.Discard, "", 0) // which would tell of refused handshakes
	backend.StartTLS()
	defer backend.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: backend.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", deliveryApp)
	k.run("app", "callback", "set", deliveryApp, "--url", backend.URL)
	const hint = "name it with `kith app callback set SDKAPPID --ca FILE`"
	if r := k.fail(exitFailed, "the test callback failed: tls", "app", "callback", "test", deliveryApp); !strings.Contains(r.out, hint) {
		t.Errorf("no hint:\n%s", r.out)
	}
	k.run("app", "callback", "set", deliveryApp, "--ca", bundle)
	if out := k.run("app", "callback", "test", deliveryApp); strings.Contains(out, "hint") {
		t.Errorf("a hint without need:\n%s", out)
	}
	k.run("app", "callback", "set", deliveryApp, "--url", "http://127.0.0.1:1/", "--ca", "")
	if r := k.fail(exitFailed, "the test callback failed: connect", "app", "callback", "test", deliveryApp); strings.Contains(r.out, "hint") {
		t.Errorf("a hint that does not help:\n%s", r.out)
	}
}

func TestSigningKeyCommands(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", deliveryApp)
	if out := k.run("app", "callback", "keys", "list", deliveryApp); !strings.Contains(out, "No key signs") {
		t.Errorf("no keys: %q", out)
	}
	var made operator.SigningKeySecret
	k.json(&made, "app", "callback", "keys", "add", deliveryApp, "--secret", leaktest.SigningKey)
	if made.Secret != leaktest.SigningKey || made.Kind != "hmac" {
		t.Error("the key that was given is not the one that was added")
	}
	if out := k.run("app", "callback", "keys", "add", deliveryApp, "--ed25519"); !strings.Contains(out, "whpk_") || strings.Contains(out, "whsk_") {
		t.Error("a pair is not told by its public key")
	}
	var keys []operator.SigningKey
	k.json(&keys, "app", "callback", "keys", "list", deliveryApp)
	if len(keys) != 2 || keys[0].Kind != "ed25519" || keys[0].PublicKey == "" || keys[1].ID != made.ID || !keys[1].Expires.IsZero() {
		t.Errorf("listed %+v", keys)
	}
	if out := k.run("app", "callback", "keys", "add", deliveryApp, "--grace", "2h"); !strings.Contains(out, "older keys sign") || !strings.Contains(out, ": "+made.ID+" (hmac)") {
		t.Error("it is not told until when older keys sign")
	}
	k.json(&keys, "app", "callback", "keys", "list", deliveryApp)
	if len(keys) != 3 || !keys[2].Expires.Equal(keys[0].Created.Add(2*time.Hour)) {
		t.Errorf("with grace %+v", keys)
	}
	leaktest.Check(t, "what is shown", k.run("app", "callback", "keys", "list", deliveryApp), k.run("app", "show", deliveryApp), k.run("app", "show", deliveryApp, "--json"))
	k.json(&keys, "app", "callback", "keys", "drop", deliveryApp, made.ID)
	if len(keys) != 2 || keys[1].Kind != "ed25519" {
		t.Errorf("left %+v", keys)
	}
	if out := k.run("app", "callback", "keys", "add", deliveryApp, "--grace", "0"); !strings.Contains(out, "whsec_") || !strings.Contains(out, "shown this once") {
		t.Error("a secret that was made up is not shown")
	}
	if k.json(&keys, "app", "callback", "keys", "list", deliveryApp); len(keys) != 2 || keys[0].Kind != "hmac" || keys[1].Kind != "ed25519" {
		t.Errorf("without grace %+v", keys)
	}
	add := []string{"app", "callback", "keys", "add", deliveryApp}
	for want, flags := range map[string][]string{
		"begins with whsec_":                 {"--secret", leaktest.SigningKey, "--ed25519"},
		"grace_ms must be":                   {"--grace", "-1s"},
		"--grace must be whole milliseconds": {"--grace", "1us"},
		"neither with whsec_":                {"--secret", leaktest.CallbackToken},
	} {
		r := k.fail(exitUsage, want, append(append([]string{}, add...), flags...)...)
		leaktest.Check(t, "the refusal", r.out, r.err)
	}
	k.fail(exitUsage, "no signing key", "app", "callback", "keys", "drop", deliveryApp, made.ID)
}

func TestPauseCommands(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", deliveryApp)
	k.run("app", "callback", "set", deliveryApp, "--url", "https://backend.example/cb")
	if out := k.run("app", "callback", "pause", deliveryApp, "--reason", "moving house"); !strings.Contains(out, "by the operator (moving house)") {
		t.Errorf("paused:\n%s", out)
	}
	if out := k.run("app", "callback", "resume", deliveryApp); strings.Contains(out, "paused") {
		t.Errorf("resumed:\n%s", out)
	}
	k.fail(exitUsage, "the reason of a pause must be", "app", "callback", "pause", deliveryApp, "--reason", " ")
	k.fail(exitFailed, "there is no app", "app", "callback", "pause", "5")
}

func TestCertificateCommands(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", deliveryApp)
	k.fail(exitUsage, "--mutual-tls", "app", "callback", "cert", deliveryApp)
	k.run("app", "callback", "set", deliveryApp, "--url", "https://backend.example/cb", "--mutual-tls")
	read := func(text string) *x509.Certificate {
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
	cert, ca := read(k.run("app", "callback", "cert", deliveryApp)), read(k.run("ca", "show"))
	if err := cert.CheckSignatureFrom(ca); err != nil {
		t.Errorf("the CA did not issue the certificate: %v", err)
	}
	var file pemFile
	if k.json(&file, "ca", "show"); !read(file.PEM).Equal(ca) {
		t.Error("the CA as JSON is another")
	}
}
