package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

// script replays a transcript.
type script struct {
	*bubble
	clients map[string]*actor
	release chan struct{} // of a store that hangs
	out     strings.Builder
}

// actor is a client of a transcript.
type actor struct {
	ws    *websocket.Conn
	lines chan string
	hold  atomic.Pointer[chan struct{}] // nil, or received from before anything is taken
}

// replay carries out the input lines of a transcript and returns it with the output lines as they are now.
func replay(t *testing.T, transcript string) string {
	t.Helper()
	first, _, _ := strings.Cut(transcript, "\n")
	s := &script{clients: map[string]*actor{}}
	s.bubble = newBubble(t, serverOptions(t, first))
	t.Cleanup(func() { s.run("store works") })
	for line := range strings.Lines(transcript) {
		line = strings.TrimSuffix(line, "\n")
		if received.MatchString(line) {
			continue
		}
		s.out.WriteString(line + "\n")
		if line != "" && line[0] != '#' {
			s.run(line)
			synctest.Wait()
			s.listen()
		}
	}
	return s.out.String()
}

// serverOptions reads a "server" line.
func serverOptions(t *testing.T, line string) func(*gateway.Options) {
	return func(o *gateway.Options) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "server" {
			return
		}
		for _, word := range words[1:] {
			name, value, _ := strings.Cut(word, "=")
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			switch name {
			case "Rate":
				o.Rate = float64(n)
			case "MaxAddress":
				o.MaxAddress = n
			case "MaxQueue":
				o.MaxQueue = n
			case "MaxSessions":
				o.MaxSessions = n
			default:
				t.Fatalf("no option %s", name)
			}
		}
	}
}

// run carries out one line.
func (s *script) run(line string) {
	s.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	words := strings.Fields(rest)
	ctx := context.Background()
	switch verb {
	case "server":
	case "app":
		s.updateApp(func(app *relation.App) { s.set(app, words) })
	case "import":
		s.imports(words...)
	case "block":
		s.restBlock(words[0], words[1:]...)
	case "unblock":
		s.restUnblock(words[0], words[1:]...)
	case "kick":
		s.must(s.service.Kick(ctx, testApp, words[0]))
	case "delete":
		_, err := s.service.Delete(ctx, relation.AccountSet{SDKAppID: testApp, UserIDs: words})
		s.must(err)
	case "store":
		s.setStore(words[0])
	case "wait":
		d, err := time.ParseDuration(rest)
		s.must(err)
		time.Sleep(d) // virtual
	case "stop":
		s.stop()
	default:
		s.act(verb, rest)
	}
}

// set changes settings of an app.
func (s *script) set(app *relation.App, words []string) {
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "devices":
			app.DevicesPerPlatform, _ = strconv.Atoi(value)
		case "list":
			app.BlocklistLimit, _ = strconv.Atoi(value)
		case "origin":
			app.WebOrigins = append(app.WebOrigins, value)
		case "disabled":
			app.Disabled = value == "true"
		case "key":
			app.Keys = []relation.AppKey{{Secret: value, Created: time.Now()}}
		default:
			s.t.Fatalf("no setting %s", name)
		}
	}
}

// setStore says how the store takes changes.
func (s *script) setStore(how string) {
	if s.release != nil {
		close(s.release)
		s.release = nil
	}
	var fault func(string) error
	switch how {
	case "fails":
		fault = func(string) error { return errors.New("the disk is on fire") }
	case "hangs":
		release := make(chan struct{})
		s.release = release
		fault = func(string) error { <-release; return nil }
	default:
		s.fault.Store(nil)
		return
	}
	s.fault.Store(&fault)
}

// act is what a client does.
func (s *script) act(name, what string) {
	s.t.Helper()
	verb, rest, _ := strings.Cut(what, " ")
	a := s.clients[name]
	if a == nil && verb != "connect" {
		s.t.Fatalf("%s %s: who?", name, what)
	}
	kind := websocket.MessageText
	switch verb {
	case "connect":
		s.connect(name, strings.Fields(rest))
	case "idle":
		hold := make(chan struct{})
		a.hold.Store(&hold)
	case "reads":
		close(*a.hold.Swap(nil))
	case "gone":
		s.must(a.ws.CloseNow())
	case ">>":
		kind = websocket.MessageBinary
		fallthrough
	case ">":
		_ = a.ws.Write(context.Background(), kind, []byte(s.expand(rest)))
	default:
		s.t.Fatalf("%s cannot %s", name, what)
	}
}

func (s *script) connect(name string, words []string) {
	address, origin := home, ""
	for _, word := range words {
		if strings.Contains(word, "://") || word == "null" {
			origin = word
		} else {
			address = word
		}
	}
	a := &actor{ws: s.open(address, origin), lines: make(chan string, 10_000)}
	s.clients[name] = a
	go a.read()
}

// read collects what comes. A client that is idle finishes the frame that it waits for first, and takes it when it reads again.
func (a *actor) read() {
	for {
		_, data, err := a.ws.Read(context.Background())
		if hold := a.hold.Load(); hold != nil {
			<-*hold
		}
		if err != nil {
			if end, ok := errors.AsType[websocket.CloseError](err); ok {
				a.lines <- strings.TrimSpace(fmt.Sprintf("closed %d %s", end.Code, end.Reason))
			} else {
				a.lines <- "closed 1006 without a word"
			}
			return
		}
		a.lines <- "< " + string(data)
	}
}

var (
	uuids     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	pauses    = regexp.MustCompile(`"AfterMS":\d+`)
	shortened = regexp.MustCompile(`\{(sig|old|times) ([^{}]*)\}`)
)

// listen writes down what the clients heard.
func (s *script) listen() {
	for _, name := range slices.Sorted(maps.Keys(s.clients)) {
		for lines := s.clients[name].lines; len(lines) > 0; {
			line := <-lines
			if leaks(line) {
				s.t.Errorf("a frame holds a key or a UserSig: %s", line)
			}
			line = uuids.ReplaceAllString(line, "00000000-0000-0000-0000-000000000000")
			line = pauses.ReplaceAllString(line, `"AfterMS":0`)
			s.out.WriteString(name + " " + line + "\n")
		}
	}
}

// expand replaces what stands for tickets and long texts.
func (s *script) expand(frame string) string {
	return shortened.ReplaceAllStringFunc(frame, func(short string) string {
		words := strings.Fields(strings.Trim(short, "{}"))
		if words[0] == "times" {
			n, err := strconv.Atoi(words[1])
			s.must(err)
			return strings.Repeat(words[2], n)
		}
		lifetime, err := time.ParseDuration(words[2])
		s.must(err)
		key, app, issued := testKey, uint32(testApp), time.Now()
		if words[0] == "old" {
			issued = issued.Add(-time.Minute)
		}
		if len(words) > 3 {
			key = words[3]
		}
		if len(words) > 4 {
			app = 1600000001
		}
		sig, err := usersig.Sign(key, usersig.Ticket{
			SDKAppID: app, Identifier: words[1], Issued: issued.Unix(), Expire: int64(lifetime / time.Second),
		})
		s.must(err)
		text, err := json.Marshal(sig)
		s.must(err)
		return string(text)
	})
}
