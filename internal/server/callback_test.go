package server_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// callbackUntil asks for the endpoint of the app until it is as wanted.
func (r *running) callbackUntil(t *testing.T, what string, is func(operator.Callback) bool) operator.Callback {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		callback, err := r.operator.Callback(t.Context(), appID)
		if err != nil {
			t.Fatal(err)
		}
		if is(callback) {
			return callback
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: it stays %+v", what, callback)
		}
	}
}

// An endpoint that answers 410 is paused in its app's record, which outlives the process.
func TestGoneEndpointStaysPaused(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	defer backend.Close()
	c := settings(t)
	s := start(t, c)
	s.newApp(t, backend.URL, "mira", "tom")
	s.block(t, "mira", "tom")
	s.callbackUntil(t, "gone", func(c operator.Callback) bool { return c.Paused != nil && c.Paused.By == relation.PausedByEndpoint })
	s.stop(t)
	s = start(t, c)
	if callback, err := s.operator.Callback(t.Context(), appID); err != nil || callback.Paused == nil {
		t.Errorf("after a restart %+v, err %v", callback, err)
	}
}

// Another CA makes the certificates of the old one useless, so that they are replaced at once.
func TestAnotherCAIssuesAnew(t *testing.T) {
	c := settings(t)
	s := start(t, c)
	s.createApp(t, operator.CreateApp{SDKAppID: appID})
	before, err := s.operator.SetCallback(t.Context(), appID, operator.SetCallback{URL: new("https://backend.example/"), MutualTLS: new(true)})
	if err != nil || before.ClientCert == nil {
		t.Fatalf("callback %+v, err %v", before, err)
	}
	s.stop(t)
	if s = start(t, c); s.callbackUntil(t, "a restart", func(operator.Callback) bool { return true }).ClientCert.Fingerprint != before.ClientCert.Fingerprint {
		t.Error("a restart replaced the certificate")
	}
	s.stop(t)
	if err := os.RemoveAll(filepath.Join(c.Data, "ca")); err != nil {
		t.Fatal(err)
	}
	s = start(t, c)
	s.callbackUntil(t, "another CA", func(c operator.Callback) bool { return c.ClientCert.Fingerprint != before.ClientCert.Fingerprint })
}
