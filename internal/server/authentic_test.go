package server_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/webhook"
)

// TestAuthenticDelivery sets up all that proves who calls, through the operator API, and delivers to an app backend that
// insists on it: a client certificate of the app from Kith's CA, signatures by the key of the moment, TLS with a CA that
// no system knows. The master key is set, so that every secret went to disk and back.
func TestAuthenticDelivery(t *testing.T) {
	c := settings(t)
	c.MasterKey = leaktest.MasterKey
	s := start(t, c)
	s.newApp(t, "", "mira", "tom")
	ctx := t.Context()

	caPEM, err := s.operator.CA(ctx)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(caPEM)) {
		t.Fatal("the CA cannot be read")
	}
	pair, err := s.operator.AddSigningKey(ctx, appID, operator.AddSigningKey{Kind: "ed25519"})
	if err != nil {
		t.Fatal(err)
	}
	events, names := make(chan api.Pair, 10), make(chan string, 10)
	receiver, err := webhook.New(webhook.Options{
		SDKAppID: appID, Secrets: []string{pair.PublicKey}, Tokens: []string{callbackToken},
		OnBlackListAdd:    func(_ context.Context, e webhook.BlackListEvent) error { events <- e.Pairs[0]; return nil },
		OnBlackListDelete: func(_ context.Context, e webhook.BlackListEvent) error { events <- e.Pairs[0]; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names <- r.TLS.PeerCertificates[0].Subject.CommonName
		receiver.ServeHTTP(w, r)
	}))
	backend.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots}
	backend.StartTLS()
	defer backend.Close()

	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: backend.Certificate().Raw})
	if _, err := s.operator.SetCallback(ctx, appID, operator.SetCallback{
		URL: &backend.URL, CA: new(string(bundle)), MutualTLS: new(true),
	}); err != nil {
		t.Fatal(err)
	}
	received := func(what string) {
		t.Helper()
		if pair := <-events; pair.FromAccount != "mira" || pair.ToAccount != "tom" {
			t.Errorf("%s: received %+v", what, pair)
		}
		if name := <-names; name != "kith app 1600077123" {
			t.Errorf("%s: the client certificate is of %q", what, name)
		}
	}
	s.block(t, "mira", "tom")
	received("with one key")
	added, err := s.operator.AddSigningKey(ctx, appID, operator.AddSigningKey{})
	if err != nil || added.Secret == "" {
		t.Fatal("no second key", err)
	}
	s.unblock(t, "mira", "tom")
	received("while the key is changed")
	s.stop(t)
	for name, text := range onDisk(t, c.Data) {
		leaktest.Check(t, name, text)
		for _, secret := range []string{key, callbackToken, added.Secret} {
			if strings.Contains(text, secret) || strings.Contains(s.log.String(), secret) {
				t.Errorf("%s or the log has a secret", name)
			}
		}
	}
}
