package gateway

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
	"github.com/kithchat/kith/usersig"
)

// bench is a gateway without sockets: frames are handed to connections, whose answers stay in their queues.
type bench struct {
	g   *Gateway
	log lockedBuffer
	sig string
}

const (
	benchApp = 1600077123
	benchKey = "gateway-fuzz-secret-key-01"
)

func newBench(f *testing.F) *bench {
	f.Helper()
	b := &bench{}
	var err error
	must := func() {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
	}
	s, err := store.Open(f.Context(), store.Options{Dir: f.TempDir(), OnCommit: func(c relation.Commit) {
		if b.g != nil {
			b.g.Committed(c)
		}
	}})
	must()
	f.Cleanup(func() { _ = s.Close() })
	registry, err := apps.Open(f.Context(), s, apps.Options{CheckURL: func(string) error { return nil }})
	must()
	_, err = registry.Create(f.Context(), apps.New{SDKAppID: benchApp, Key: benchKey})
	must()
	service := relation.NewService(s, nil)
	_, err = service.Import(f.Context(), relation.AccountImport{SDKAppID: benchApp, Profiles: []relation.Profile{{UserID: "rob"}, {UserID: "tom"}}})
	must()
	b.sig, err = usersig.Sign(benchKey, usersig.Ticket{SDKAppID: benchApp, Identifier: "mira.k", Issued: time.Now().Unix(), Expire: 1 << 30})
	must()
	b.g = New(Options{
		Service: service, Apps: registry, Auth: auth.New(auth.Options{Apps: registry}), Store: s, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
	})
	return b
}

// connect returns a connection that nobody reads from, logged in or not.
func (b *bench) connect(t *testing.T, loggedIn bool) *conn {
	t.Helper()
	c := &conn{g: b.g, since: time.Now(), limiter: rate.NewLimiter(rate.Inf, 0), writing: true}
	c.heard.Store(time.Now().UnixNano())
	c.timer = time.AfterFunc(time.Hour, func() {})
	t.Cleanup(func() { c.timer.Stop() })
	if loggedIn {
		c.handle([]byte(b.fill(`{"jsonrpc":"2.0","id":0,"method":"login","params":{"SDKAppID":1600077123,"UserID":"mira.k","UserSig":"` + b.sig + `","DeviceID":"d"}}`)))
		if answers := c.taken(); len(answers) != 1 || !strings.Contains(answers[0], `"result"`) {
			t.Fatalf("login: %s", answers)
		}
		c.timer.Stop() // its clock would look at the socket
	}
	return c
}

// fill puts a ticket where a transcript has one.
func (b *bench) fill(frame string) string {
	return regexp.MustCompile(`\{(sig|old)[^{}]*\}`).ReplaceAllLiteralString(frame, `"`+b.sig+`"`)
}

// taken returns and removes what was queued.
func (c *conn) taken() (frames []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, frame := range c.queue {
		frames = append(frames, string(frame))
	}
	c.queue, c.queued = nil, 0
	return frames
}

// FuzzFrame: whatever comes, before login and after it: no panic, a request is answered once with its id, a notification never
// unless the connection ends, and all that is sent is JSON-RPC.
func FuzzFrame(f *testing.F) {
	b := newBench(f)
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, sent := range regexp.MustCompile(`(?m)^\S+ >>? (.*)$`).FindAllStringSubmatch(string(text), -1) {
			f.Add([]byte(b.fill(sent[1])), true)
			f.Add([]byte(b.fill(sent[1])), false)
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte, loggedIn bool) {
		c := b.connect(t, loggedIn)
		r, parsed := parse(bytes.Clone(frame))
		c.handle(frame)
		ended := c.isEnding()
		c.end(0, "")
		b.g.running.Wait() // its departure
		checkAnswers(t, c.taken(), r, parsed, ended)
		if log := b.log.String(); strings.Contains(log, "panic") || strings.Contains(log, b.sig) {
			t.Errorf("frame %q:\n%s", frame, log)
		}
		b.log.reset()
	})
}

func checkAnswers(t *testing.T, frames []string, r request, parsed error, ended bool) {
	t.Helper()
	answers := 0
	for _, frame := range frames {
		var a api.GatewayFrame
		if err := json.Unmarshal([]byte(frame), &a); err != nil || a.JSONRPC != "2.0" {
			t.Fatalf("sent %s: %v", frame, err)
		}
		if a.Method != "" {
			continue
		}
		answers++
		if want := string(r.ID); parsed == nil && want != "" && string(a.ID) != want {
			t.Errorf("%s answers %s", frame, want)
		}
		if (a.Error == nil) == (a.Result == nil) {
			t.Errorf("%s is neither a result nor an error", frame)
		}
		if e := a.Error; e != nil && (e.Code == 0 || e.Message == "" || e.Data.Refusal < api.RefusalRestart || e.Data.Refusal > api.RefusalMethod) {
			t.Errorf("the error %s says nothing", frame)
		}
		if e := a.Error; e != nil && ended && e.Data.Refusal >= api.RefusalCall {
			t.Errorf("%s says that the session goes on", frame)
		}
	}
	request := parsed == nil && len(r.ID) > 0
	notification := parsed == nil && len(r.ID) == 0
	switch {
	case answers > 1, request && answers != 1, notification && !ended && answers != 0:
		t.Errorf("%d answers to %s, ended: %t: %q", answers, *r.Method, ended, frames)
	}
}

// lockedBuffer collects the log.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns all that was logged.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *lockedBuffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.Reset()
}
