package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/relation"
)

const (
	appA uint32 = 1600077123
	appB uint32 = 1600077124
)

const answerOK = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`

// appSet is a registry whose records a test replaces.
type appSet struct {
	mu   sync.Mutex
	apps []*relation.App
}

func (s *appSet) All() []*relation.App {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.apps)
}

func (s *appSet) set(apps ...*relation.App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps = apps
}

func testApp(sdkAppID uint32, callback relation.Callback) *relation.App {
	return &relation.App{SDKAppID: sdkAppID, Callback: callback}
}

// delivery is a request as the receiver saw it.
type delivery struct {
	ID       string
	Attempt  int
	Owner    string
	Targets  []string
	State    api.StateInfo
	Kicked   []api.KickedDevice
	Time     int64 // EventTime
	Command  string
	SDKAppID string
	Path     string
	Platform string
	Sign     string
	SignedAt string
	Replay   string
	At       time.Time
	Took     bool // answered with success
}

// receiver is an app backend that keeps a journal. answer decides about each request; nil answers OK.
type receiver struct {
	answer func(d delivery, w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	journal  []delivery
	inFlight map[string]int
	most     int // requests at a time
	overlaps []string
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d := readDelivery(r)
	key := d.SDKAppID + "/" + d.Owner
	rc.mu.Lock()
	if rc.inFlight == nil {
		rc.inFlight = map[string]int{}
	}
	if rc.inFlight[key]++; rc.inFlight[key] > 1 {
		rc.overlaps = append(rc.overlaps, key)
	}
	total := 0
	for _, n := range rc.inFlight {
		total += n
	}
	rc.most = max(rc.most, total)
	rc.mu.Unlock()

	defer func() { // also when answer panics to break the connection
		rc.mu.Lock()
		defer rc.mu.Unlock()
		rc.inFlight[key]--
		rc.journal = append(rc.journal, d)
	}()
	if rc.answer != nil {
		d.Took = rc.answer(d, w, r)
		return
	}
	_, _ = io.WriteString(w, answerOK)
	d.Took = true
}

func readDelivery(r *http.Request) delivery {
	var body struct {
		api.StateCallback
		PairList []api.Pair
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	q := r.URL.Query()
	d := delivery{
		ID: r.Header.Get("webhook-id"), Command: body.CallbackCommand, SDKAppID: q.Get("SdkAppid"), Path: r.URL.Path,
		Platform: q.Get("OptPlatform"),
		Sign:     q.Get("Sign"), SignedAt: q.Get("RequestTime"), At: time.Now(),
		Replay: r.Header.Get("kith-replay"),
		Owner:  body.Info.ToAccount, State: body.Info, Kicked: body.KickedDevice, Time: body.EventTime,
	}
	d.Attempt, _ = strconv.Atoi(r.Header.Get("kith-attempt"))
	for _, p := range body.PairList {
		d.Owner = p.FromAccount
		d.Targets = append(d.Targets, p.ToAccount)
	}
	return d
}

func (rc *receiver) seen() []delivery {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return slices.Clone(rc.journal)
}

// ids returns the ids of the requests that succeeded, in order, for one owner or all ("").
func (rc *receiver) ids(owner string) []string {
	var ids []string
	for _, d := range rc.seen() {
		if d.Took && (owner == "" || d.Owner == owner) {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

func (rc *receiver) mostAtOnce() int {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return rc.most
}

// checkOneAtATime holds that no owner had two requests under way.
func (rc *receiver) checkOneAtATime(t *testing.T) {
	t.Helper()
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if n := len(rc.overlaps); n > 0 {
		t.Errorf("more than one request at a time, %d times; first for %s", n, rc.overlaps[0])
	}
}

// checkAttempts holds that attempts of an event never count down.
func (rc *receiver) checkAttempts(t *testing.T) {
	t.Helper()
	last := map[string]delivery{}
	for _, d := range rc.seen() {
		before := last[d.Owner]
		if d.ID == before.ID && d.Attempt < before.Attempt {
			t.Errorf("%s: attempt %d after attempt %d", d.ID, d.Attempt, before.Attempt)
		}
		last[d.Owner] = d
	}
}

// pipeNet connects dispatcher and receivers in memory, so that a synctest bubble can tell when nothing moves.
type pipeNet struct {
	conns map[string]chan net.Conn // by address
}

func newPipeNet() *pipeNet { return &pipeNet{conns: map[string]chan net.Conn{}} }

var errRefused = errors.New("connection refused")

func (p *pipeNet) dial(ctx context.Context, _, address string) (net.Conn, error) {
	conns, ok := p.conns[address]
	if !ok {
		return nil, errRefused
	}
	client, server := net.Pipe()
	select {
	case conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve starts an HTTP server at an address such as a.test:80.
func (p *pipeNet) serve(t *testing.T, address string, handler http.Handler) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	p.conns[address] = l.conns
	s := &http.Server{Handler: handler}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.IPAddr{} }

// world is a dispatcher between a memory outbox and receivers, inside a synctest bubble.
type world struct {
	t      *testing.T
	outbox *memoryOutbox
	apps   *appSet
	net    *pipeNet
	d      *Dispatcher
	o      Options
}

// newWorld serves rc for app A at a.test. Nothing runs before start.
func newWorld(t *testing.T, rc http.Handler) *world {
	w := &world{t: t, outbox: newMemoryOutbox(time.Now), apps: &appSet{}, net: newPipeNet()}
	w.net.serve(t, "a.test:80", rc)
	w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb"}))
	w.o = Options{
		Outbox: w.outbox, Apps: w.apps, Egress: egressOf(t, egress.Options{Dial: w.net.dial}), Random: func() float64 { return 0.5 },
	}
	return w
}

func egressOf(t testing.TB, o egress.Options) *egress.Egress {
	t.Helper()
	e, err := egress.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// loopback lets callbacks go to the servers of tests.
func loopback(t testing.TB) *egress.Egress {
	t.Helper()
	return egressOf(t, egress.Options{Allow: []string{"loopback"}})
}

// start runs a dispatcher, a new one after a restart.
func (w *world) start() {
	w.d = New(w.o)
	w.outbox.mu.Lock()
	w.outbox.offer = w.d.Offer
	w.outbox.mu.Unlock()
	w.d.Start()
}

func (w *world) stop() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.d.Stop(ctx); err != nil {
		w.t.Errorf("Stop: %v", err)
	}
}

// until waits in bubble time until done holds.
func (w *world) until(what string, limit time.Duration, done func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(limit)
	for !done() {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %v: %s", limit, what)
		}
		pass(max(limit/1000, 10*time.Millisecond))
	}
}

// drained waits until the outbox is empty.
func (w *world) drained(limit time.Duration) {
	w.t.Helper()
	w.until("the outbox is empty", limit, func() bool { return w.outbox.waiting() == 0 })
}

// logBuffer keeps what was logged, debug messages included.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// pass lets time pass on a synctest bubble's clock. It takes no real time.
func pass(d time.Duration) { time.Sleep(d) } // the bubble's clock only moves when everything in it waits
