package operator_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/pki"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		if whole := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == ""; whole && status == 0 {
			if missing := untested(); len(missing) > 0 {
				fmt.Println("FAIL: no test has success with", missing)
				status = 1
			}
		}
		os.Exit(status)
	}))
}

const (
	token         = leaktest.OperatorToken
	firstKey      = leaktest.AppKey
	secondKey     = "second-secret-key-002"
	callbackToken = leaktest.CallbackToken
)

var start = time.Unix(1767225600, 0).UTC()

// fixture is a running operator API. When the test ends, every answer and the log are searched for secrets.
type fixture struct {
	*operator.Client
	url    string
	now    time.Time
	store  *appTable
	outbox *letters
	events *events
	server *httptest.Server
	sends  *delivery
	opts   operator.Options
	watch  *leaktest.Watch
}

// serve starts a server; adjust may change its options.
func serve(t *testing.T, adjust func(*operator.Options)) *fixture {
	t.Helper()
	f := &fixture{now: start, store: &appTable{apps: map[uint32]relation.App{}}, outbox: &letters{}, watch: leaktest.NewWatch(t)}
	f.events, f.sends = &events{}, newDelivery()
	now := func() time.Time { return f.now }
	ca, err := pki.Open(pki.Options{Dir: t.TempDir(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	registry, err := apps.Open(t.Context(), f.store, apps.Options{
		Now: now, CheckURL: webhook.ValidateURL,
		Signing: apps.Signing{Check: webhook.CheckSecret, NewSecret: webhook.NewSecret, NewKeyPair: webhook.NewKeyPair},
		Issue:   func(id uint32) (relation.ClientCertificate, error) { return ca.Issue(id, 0) }, RenewAt: pki.RenewAt,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.opts = operator.Options{
		Registry: registry, Outbox: f.outbox, Token: token, Now: now, Version: "v1", Started: start, CA: ca.CertPEM,
		Log: f.watch.Log(), Records: f.events, Replays: f.events, Exporter: f.events, Delivery: f.sends,
	}
	if adjust != nil {
		adjust(&f.opts)
	}
	server := httptest.NewServer(f.watch.Answers(documented(t, operator.New(f.opts)), made))
	t.Cleanup(server.Close)
	f.url, f.server = server.URL, server
	if f.Client, err = operator.NewClient(operator.ClientOptions{URL: server.URL, Token: token}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	t.Cleanup(f.addSecrets) // before the watch checks
	return f
}

// addSecrets tells the watch the keys that were made up.
func (f *fixture) addSecrets() {
	f.watch.Secret("second key", secondKey)
	for _, app := range f.opts.Registry.All() {
		for _, key := range app.Keys {
			f.watch.Secret("key "+apps.Fingerprint(key), key.Secret)
		}
		for _, key := range app.Callback.SigningKeys {
			f.watch.Secret("signing key "+key.ID, key.Secret)
		}
		if cert := app.Callback.ClientCert; cert != nil {
			f.watch.Secret("key of a client certificate", strings.ReplaceAll(cert.Key, "\n", `\n`))
			f.watch.Secret("key of a client certificate in PEM", cert.Key)
		}
	}
}

// made tells which answers have the secret that the call made.
func made(r *http.Request, secret string) bool {
	last := path.Base(r.URL.Path)
	if r.Method != http.MethodPost || secret == token {
		return false
	}
	if last == "keys" {
		return strings.HasPrefix(secret, "whsec_") // the private half of a pair is never told
	}
	return slices.Contains([]string{"apps", "rotate-key", "tokens"}, last)
}

// CreateToken makes a token that no other answer may have.
func (f *fixture) CreateToken(ctx context.Context, id uint32, req operator.CreateToken) (operator.TokenSecret, error) {
	made, err := f.Client.CreateToken(ctx, id, req)
	f.watch.Secret("token "+made.ID, made.Secret)
	return made, err
}

// do sends a raw request and returns status and body.
func (f *fixture) do(t *testing.T, method, path, body string, header http.Header) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	req.Host = header.Get("Host")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func authorized() http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// newApp makes app 7 with the first key.
func (f *fixture) newApp(t *testing.T) operator.AppSecret {
	t.Helper()
	app, err := f.CreateApp(t.Context(), operator.CreateApp{SDKAppID: 7, Name: "shop", Key: firstKey})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// listenOn lets an app make events for listeners.
func (f *fixture) listenOn(t *testing.T, id uint32) {
	t.Helper()
	_, err := f.opts.Registry.Update(t.Context(), id, func(app *relation.App) error {
		app.Callback.Listen = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks that err is a refusal of the API with this status and code.
func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	var refusal *operator.Error
	if !errors.As(err, &refusal) || refusal.Status != status || refusal.Code != code || refusal.Message == "" {
		t.Errorf("err = %#v, want status %d, code %q and a message", err, status, code)
	}
}

func ptr[T any](v T) *T { return &v }

// appTable is an AppStore on a map; fail makes its writes fail.
type appTable struct {
	mu   sync.Mutex
	apps map[uint32]relation.App
	fail error
}

func (s *appTable) Apps(context.Context) ([]relation.App, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []relation.App
	for _, app := range s.apps {
		all = append(all, app)
	}
	return all, nil
}

func (s *appTable) CreateApp(_ context.Context, app relation.App) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.apps[app.SDKAppID]; taken {
		return relation.ErrAppExists
	}
	return s.put(app)
}

func (s *appTable) UpdateApp(_ context.Context, app relation.App) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(app)
}

func (s *appTable) put(app relation.App) error {
	if s.fail == nil {
		s.apps[app.SDKAppID] = app
	}
	return s.fail
}

func (s *appTable) DeleteApp(_ context.Context, id uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.apps, id)
	return s.fail
}

// letters is the outbox, as far as it is counted.
type letters struct{ stats []relation.OutboxStats }

func (l *letters) OutboxStats(context.Context) ([]relation.OutboxStats, error) { return l.stats, nil }

var someSettings = []config.Setting{{Name: "data", Value: "d", Origin: "flag"}}
