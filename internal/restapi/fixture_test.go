package restapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testApp   = 1400000000
	testKey   = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	testAdmin = "administrator"
)

// testStart is when every test begins.
var testStart = time.Unix(1767225600, 0)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// registry is a set of apps.
type registry struct {
	mu   sync.Mutex
	apps map[uint32]*relation.App
}

func (r *registry) App(id uint32) (*relation.App, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	app, ok := r.apps[id]
	return app, ok
}

// put replaces an app's record.
func (r *registry) put(app relation.App) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.apps == nil {
		r.apps = make(map[uint32]*relation.App)
	}
	r.apps[app.SDKAppID] = &app
}

// remove deletes an app.
func (r *registry) remove(id uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.apps, id)
}

// devices are the platforms from which accounts are connected; it is the test's Presence.
type devices struct {
	mu        sync.Mutex
	platforms map[device][]string
}

// device names whose devices are meant.
type device struct {
	app    uint32
	userID string
}

func (d *devices) Platforms(app uint32, userID string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.platforms[device{app, userID}]
}

// connect says from where an account is connected now, replacing what was said before.
func (d *devices) connect(app uint32, userID string, platforms ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.platforms == nil {
		d.platforms = make(map[device][]string)
	}
	d.platforms[device{app, userID}] = platforms
}

// logBuffer collects the log.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// fixture is a Handler with one app and its parts in reach.
type fixture struct {
	t      testing.TB
	clock  *clock
	apps   *registry
	online *devices
	log    *logBuffer
	h      *Handler
	app    uint32
}

// testAppRecord is the app of every test: one key, one admin, all callbacks on.
func testAppRecord(id uint32) relation.App {
	return relation.App{
		SDKAppID: id,
		Name:     "test",
		Keys:     []relation.AppKey{{Secret: testKey}},
		Admins:   []string{testAdmin},
		Callback: relation.Callback{URL: "http://127.0.0.1:1/callback"},
	}
}

// newFixture returns a fixture on store. change, if not nil, adjusts the options.
func newFixture(t testing.TB, store relation.Store, change func(*Options)) *fixture {
	f := &fixture{t: t, clock: &clock{now: testStart}, apps: &registry{}, online: &devices{}, log: &logBuffer{}, app: testApp}
	f.apps.put(testAppRecord(f.app))
	o := Options{
		Service:  relation.NewService(store, f.clock.Now),
		Apps:     f.apps,
		Kicks:    store,
		Presence: f.online,
		Log:      slog.New(slog.NewTextHandler(f.log, nil)),
		Now:      f.clock.Now,
	}
	if change != nil {
		change(&o)
	}
	f.h = New(o)
	t.Cleanup(f.h.Wait)
	return f
}

// sign makes a ticket of the fixture's app, issued now.
func (f *fixture) sign(userID string, expire int64) string {
	f.t.Helper()
	sig, err := usersig.Sign(testKey, usersig.Ticket{
		SDKAppID: f.app, Identifier: userID, Issued: f.clock.Now().Unix(), Expire: expire,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return sig
}

// query is the query of an admin's call.
func (f *fixture) query() string {
	return fmt.Sprintf("sdkappid=%d&identifier=%s&usersig=%s&random=99&contenttype=json",
		f.app, testAdmin, f.sign(testAdmin, 86400))
}

// target is the URL of an admin's call to a command such as "sns/black_list_add".
func (f *fixture) target(command string) string { return "/v4/" + command + "?" + f.query() }

// do sends a request straight to the handler.
func (f *fixture) do(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	f.h.ServeHTTP(w, r)
	return w.Result()
}

// post sends a body to a path with a query and returns the answer's body.
func (f *fixture) post(target, body string) []byte {
	f.t.Helper()
	return f.body(f.do(httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))))
}

// body checks what every answer must have and returns the answer's body.
func (f *fixture) body(resp *http.Response) []byte {
	f.t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		f.t.Fatalf("status %d, want 200", resp.StatusCode)
	}
	for name, want := range map[string]string{
		"Content-Type":                 "application/json; charset=utf-8",
		"Content-Length":               fmt.Sprint(len(b)),
		"Access-Control-Allow-Origin":  "*",
		"Access-Control-Allow-Headers": "X-Requested-With",
		"Access-Control-Allow-Methods": "POST",
	} {
		if got := resp.Header.Get(name); got != want {
			f.t.Errorf("header %s: %q, want %q", name, got, want)
		}
	}
	return b
}

// call sends an admin's call and returns the answer's envelope.
func (f *fixture) call(command, body string) api.DisplayEnvelope {
	f.t.Helper()
	return f.envelope(f.post(f.target(command), body))
}

// mustCall sends an admin's call that has to succeed.
func (f *fixture) mustCall(command, body string) {
	f.t.Helper()
	if env := f.call(command, body); env.ErrorCode != api.OK {
		f.t.Fatalf("%s %s: %+v", command, body, env)
	}
}

func (f *fixture) envelope(answer []byte) api.DisplayEnvelope {
	f.t.Helper()
	var env api.DisplayEnvelope
	if err := json.Unmarshal(answer, &env); err != nil {
		f.t.Fatalf("answer %q: %v", answer, err)
	}
	if (env.ErrorCode == api.OK) != (env.ActionStatus == api.StatusOK) || (env.ErrorCode == api.OK) != (env.ErrorInfo == "") {
		f.t.Fatalf("envelope contradicts itself: %s", answer)
	}
	return env
}

// wantCode fails the test unless the envelope has the code.
func (f *fixture) wantCode(env api.DisplayEnvelope, want api.Code) {
	f.t.Helper()
	if env.ErrorCode != want {
		f.t.Fatalf("code %d (%s), want %d", env.ErrorCode, env.ErrorInfo, want)
	}
}

// sameJSON compares two JSON texts by content. Any goroutine may call it.
func sameJSON(t testing.TB, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Errorf("answer %q: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Errorf("wanted answer %q: %v", want, err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("answer\n got %s\nwant %s", got, want)
	}
}
