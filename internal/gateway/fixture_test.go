package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
	"github.com/kithchat/kith/usersig"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testApp = 1600077123
	testKey = "gateway-test-secret-key-01"
	// patience bounds every wait of a test.
	patience = time.Minute
)

// fixture is a gateway on a real store, served on loopback.
type fixture struct {
	t       testing.TB
	store   *store.Store
	service *relation.Service
	apps    *apps.Registry
	g       *gateway.Gateway
	http    *httptest.Server
	log     *logBuffer
	told    atomic.Pointer[gateway.Gateway]
	tap     atomic.Pointer[func(relation.Commit)]   // hears of commits before the gateway
	fault   atomic.Pointer[func(step string) error] // of the store
}

// newFixture starts a gateway. change, if not nil, adjusts its options.
func newFixture(t testing.TB, change func(*gateway.Options)) *fixture {
	f := &fixture{t: t, log: &logBuffer{}}
	f.openStore(t.TempDir())
	o := f.options(change)
	f.g = gateway.New(o)
	f.serve()
	return f
}

func (f *fixture) openStore(dir string) {
	f.t.Helper()
	s, err := store.Open(f.t.Context(), store.Options{
		Dir: dir,
		OnCommit: func(c relation.Commit) {
			if tap := f.tap.Load(); tap != nil {
				(*tap)(c)
			}
			if g := f.told.Load(); g != nil {
				g.Committed(c)
			}
		},
		Fault: func(step string) error {
			if fault := f.fault.Load(); fault != nil {
				return (*fault)(step)
			}
			return nil
		},
	})
	f.must(err)
	f.t.Cleanup(func() { f.must(s.Close()) })
	f.store, f.service = s, relation.NewService(s, nil)
	f.apps, err = apps.Open(f.t.Context(), s, apps.Options{CheckURL: func(string) error { return nil }})
	f.must(err)
	if _, there := f.apps.App(testApp); !there {
		_, err = f.apps.Create(f.t.Context(), apps.New{SDKAppID: testApp, Key: testKey})
		f.must(err)
	}
}

func (f *fixture) options(change func(*gateway.Options)) gateway.Options {
	o := gateway.Options{
		Service: f.service, Apps: f.apps, Auth: auth.New(auth.Options{Apps: f.apps}), Store: f.store,
		Log: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Rate: 10_000,
	}
	if change != nil {
		change(&o)
	}
	return o
}

func (f *fixture) serve() {
	f.told.Store(f.g)
	f.apps.Watch(f.g.AppsChanged)
	f.must(f.g.Start(f.t.Context()))
	f.http = httptest.NewServer(f.g)
	f.t.Cleanup(f.stop)
}

// stop stops the gateway. It is safe to call twice.
func (f *fixture) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f.g.Stop(ctx)
	f.http.Close()
	if text := f.log.String(); leaks(text) {
		f.t.Errorf("the log holds a key or a UserSig:\n%s", text)
	}
}

// userSig is what a UserSig looks like: deflated JSON in base64.
var userSig = regexp.MustCompile(`eJ[A-Za-z0-9*_-]{60}`)

// leaks reports whether a text holds a secret: a key, or a UserSig.
func leaks(text string) bool { return strings.Contains(text, testKey) || userSig.MatchString(text) }

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// imports makes accounts.
func (f *fixture) imports(userIDs ...string) {
	f.t.Helper()
	for some := range slices.Chunk(userIDs, 100) {
		profiles := make([]relation.Profile, len(some))
		for i, id := range some {
			profiles[i].UserID = id
		}
		_, err := f.service.Import(f.t.Context(), relation.AccountImport{SDKAppID: testApp, Profiles: profiles})
		f.must(err)
	}
}

// updateApp changes the app's record.
func (f *fixture) updateApp(change func(*relation.App)) {
	f.t.Helper()
	_, err := f.apps.Update(f.t.Context(), testApp, func(app *relation.App) error { change(app); return nil })
	f.must(err)
}

// restBlock blocks, or unblocks, as a REST call would.
func (f *fixture) rest(do func(*relation.Service) func(context.Context, relation.BlockCommand) ([]relation.Outcome, error), owner string, targets ...string) {
	f.t.Helper()
	app, _ := f.apps.App(testApp)
	_, err := do(f.service)(f.t.Context(), relation.BlockCommand{
		App: app, Owner: owner, Targets: targets, Origin: relation.Origin{ClientIP: "203.0.113.9", Platform: api.PlatformREST},
	})
	f.must(err)
}

func (f *fixture) restBlock(owner string, targets ...string) {
	f.t.Helper()
	f.rest(func(s *relation.Service) func(context.Context, relation.BlockCommand) ([]relation.Outcome, error) {
		return s.Block
	}, owner, targets...)
}

func (f *fixture) restUnblock(owner string, targets ...string) {
	f.t.Helper()
	f.rest(func(s *relation.Service) func(context.Context, relation.BlockCommand) ([]relation.Outcome, error) {
		return s.Unblock
	}, owner, targets...)
}

// ticket makes a UserSig that was issued at a time and lives for a while.
func ticket(userID string, issued time.Time, lifetime time.Duration) string {
	sig, err := usersig.Sign(testKey, usersig.Ticket{
		SDKAppID: testApp, Identifier: userID, Issued: issued.Unix(), Expire: int64(lifetime / time.Second),
	})
	if err != nil {
		panic(err)
	}
	return sig
}

// loginOf is the login of a user from a device that is a web page.
func loginOf(userID, device string) api.LoginParams {
	return api.LoginParams{
		SDKAppID: testApp, UserID: userID, UserSig: ticket(userID, time.Now(), time.Hour),
		Platform: api.PlatformWeb, DeviceID: device, SDKVersion: "test/1",
	}
}

// client is a WebSocket client that does what a test says.
type client struct {
	t    testing.TB
	ws   *websocket.Conn
	next int

	frames chan api.GatewayFrame // all that arrive; closed at the end of the connection
	ended  error                 // why; to be read after frames is closed
	kept   []api.GatewayFrame    // notifications that were met while waiting for an answer
}

// dial connects, with extra headers.
func (f *fixture) dial(header http.Header) *client {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	url := "ws" + strings.TrimPrefix(f.http.URL, "http") + api.GatewayPath
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header})
	f.must(err)
	ws.SetReadLimit(-1)
	c := &client{t: f.t, ws: ws, frames: make(chan api.GatewayFrame, 4096)}
	go c.read()
	f.t.Cleanup(func() { _ = ws.CloseNow() })
	return c
}

func (c *client) read() {
	defer close(c.frames)
	for {
		_, data, err := c.ws.Read(context.Background())
		if err != nil {
			c.ended = err
			return
		}
		if leaks(string(data)) {
			c.t.Errorf("a frame holds a key or a UserSig: %s", data)
		}
		var frame api.GatewayFrame
		if err := json.Unmarshal(data, &frame); err != nil {
			if _, _, err := c.ws.Read(context.Background()); err != nil {
				c.ended = err // the library takes a connection that is lost within a frame for the frame's end
				return
			}
			panic(fmt.Sprintf("frame %q: %v", data, err))
		}
		c.frames <- frame
	}
}

// send writes a frame as it is.
func (c *client) send(frame string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// receive returns the next frame, or false at the end of the connection.
func (c *client) receive() (api.GatewayFrame, bool) {
	c.t.Helper()
	select {
	case frame, ok := <-c.frames:
		return frame, ok
	case <-time.After(patience):
		c.t.Fatal("no frame came")
		return api.GatewayFrame{}, false
	}
}

// call sends a request and returns its answer. Notifications that come first are kept for notification.
func (c *client) call(method string, params any) api.GatewayFrame {
	c.t.Helper()
	c.next++
	text, err := json.Marshal(params)
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, c.next, method, text))
	for {
		frame, ok := c.receive()
		switch {
		case !ok:
			c.t.Fatalf("%s: the connection ended: %v", method, c.ended)
		case frame.Method != "":
			c.kept = append(c.kept, frame)
		case string(frame.ID) != fmt.Sprint(c.next):
			c.t.Fatalf("%s: answer to %s, want %d", method, frame.ID, c.next)
		default:
			return frame
		}
	}
}

// must calls and decodes the result.
func must[T any](c *client, method string, params any) T {
	c.t.Helper()
	frame := c.call(method, params)
	if frame.Error != nil {
		c.t.Fatalf("%s: %+v", method, *frame.Error)
	}
	return decode[T](c.t, frame.Result)
}

func decode[T any](t testing.TB, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// notification returns the next notification, which must be of this method.
func (c *client) notification(method string) json.RawMessage {
	c.t.Helper()
	var frame api.GatewayFrame
	if len(c.kept) > 0 {
		frame, c.kept = c.kept[0], c.kept[1:]
	} else {
		var ok bool
		if frame, ok = c.receive(); !ok {
			c.t.Fatalf("the connection ended instead of %s: %v", method, c.ended)
		}
	}
	if frame.Method != method {
		c.t.Fatalf("got %+v, want %s", frame, method)
	}
	return frame.Params
}

// end reads until the connection ends and returns its close code.
func (c *client) end() api.Refusal {
	c.t.Helper()
	for {
		if _, ok := c.receive(); !ok {
			return api.Refusal(websocket.CloseStatus(c.ended))
		}
	}
}

// login connects a user from a web page.
func (f *fixture) login(userID, device string) (*client, api.LoginResult) {
	f.t.Helper()
	c := f.dial(nil)
	return c, must[api.LoginResult](c, api.MethodLogin, loginOf(userID, device))
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
