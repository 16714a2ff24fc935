package storetest

import (
	"context"
	"encoding/json"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

const (
	// patience is how long a test waits for background work before it fails, on a busy machine too.
	patience = time.Minute
	// pause is the time between two looks at background work, which gives no signal.
	pause = 2 * time.Millisecond
	// appID is the app of most tests.
	appID = 1400000001
	// retention is what most tests run with.
	retention = 7 * 24 * time.Hour
	// most is a limit that no answer of the suite reaches.
	most = 100000
)

// far is later than every due time of the suite.
var far = time.UnixMilli(1 << 42)

// clock is the time of a test. It stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)} }

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

// fixture is one engine on one database, with a clock, a journal and a Service on it. Its helpers fail the test where the
// engine fails, so only the test's own goroutine may call them.
type fixture struct {
	Engine
	testing.TB
	ctx     context.Context
	clock   *clock
	journal *journal
	svc     *relation.Service
	app     *relation.App
	open    func() Engine
	lose    atomic.Bool // has the engine lose the answer to the next commit
	// patience is how long the fixture waits for background work before it fails.
	patience time.Duration
}

// newFixture opens an engine on a fresh database, closed when t ends, with the app appID in it.
func newFixture(t testing.TB, f Factory, with func(*Options)) *fixture {
	t.Helper()
	o := Options{Retention: retention}
	if with != nil {
		with(&o)
	}
	x := openFixture(t, f, newClock(), o)
	x.app = x.create(appID)
	return x
}

// openFixture opens an engine on a fresh database without an app.
func openFixture(t testing.TB, f Factory, c *clock, o Options) *fixture {
	t.Helper()
	x := &fixture{TB: t, ctx: context.Background(), clock: c, journal: newJournal(t.Errorf), patience: patience}
	o.Now, o.OnCommit = c.Now, x.journal.add
	o.Lose = func() bool { return x.lose.CompareAndSwap(true, false) }
	x.open = f(t, o)
	t.Cleanup(x.close)
	x.reopen()
	return x
}

func (x *fixture) reopen() {
	x.Engine = x.open()
	x.journal.use(x.Engine)
	x.svc = relation.NewService(x.Engine, x.clock.Now)
}

func (x *fixture) close() {
	if x.Engine == nil {
		return
	}
	x.journal.use(nil)
	if err := x.Close(); err != nil {
		x.Errorf("close: %v", err)
	}
	x.Engine = nil
}

// restart closes the engine and opens its database again.
func (x *fixture) restart() {
	x.Helper()
	x.close()
	x.reopen()
}

// newApp returns an app whose callbacks are on.
func newApp(id uint32, now time.Time) relation.App {
	now = now.Truncate(time.Second).UTC()
	return relation.App{
		SDKAppID: id, Name: "test", Created: now, Updated: now,
		Keys:     []relation.AppKey{{Secret: "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e", Created: now}},
		Admins:   []string{"administrator"},
		Callback: relation.Callback{URL: "http://127.0.0.1/callback"},
	}
}

// create adds an app whose callbacks are on.
func (x *fixture) create(id uint32) *relation.App {
	x.Helper()
	app := newApp(id, x.clock.Now())
	x.ok("create app", x.CreateApp(x.ctx, app))
	return &app
}

func (x *fixture) ok(what string, err error) {
	x.Helper()
	if err != nil {
		x.Fatalf("%s: %v", what, err)
	}
}

// until waits for background work.
func (x *fixture) until(what string, done func() bool) {
	x.Helper()
	for deadline := time.Now().Add(x.patience); !done(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			x.Fatalf("waited %v in vain: %s", x.patience, what)
		}
	}
}

// equal fails the test unless got and want are deeply equal. Empty and nil slices are the same.
func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if g, w := reflect.ValueOf(got), reflect.ValueOf(want); g.Kind() == reflect.Slice && g.Len() == 0 && w.Len() == 0 {
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %s\nwant %s", what, text(got), text(want))
	}
}

// text prints a value for a person.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// milli returns a time as the ports keep it, so that times of different origin compare.
func milli(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}
