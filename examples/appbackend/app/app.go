// Package app is a small, complete app backend: it receives Kith's callbacks, keeps its own copy of the blocklists in
// memory, and prints each change as one line, logins and logouts too if the app switched State.StateChange on. The program
// around it is examples/appbackend; kith demo runs the same backend.
//
// The copy is idempotent by design: for each pair the event with the highest sequence wins, so a callback that arrives
// twice, or again in a replay, changes nothing the second time, and its line says so. A test callback is printed as such and
// not applied. The copy is empty after a restart, and [Backend.Rebuild] builds it from an export; a real backend would keep it
// in its own database.
//
// A Backend is safe for concurrent use and starts no goroutines; there is nothing to stop. The package imports the
// standard library, webhook and api only, as an app backend of somebody else would.
package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/webhook"
)

// CallbackPath and BlockListPath are what the handler serves.
const (
	// CallbackPath takes callbacks; it belongs into the app's callback URL.
	CallbackPath = "/callback"
	// BlockListPath answers GET with ?user=UserID, and &sdkappid=N when the backend takes any app.
	BlockListPath = "/blocklist"
)

// Options says whose callbacks a [Backend] takes and where it prints.
type Options struct {
	// SDKAppID is the app. 0 takes callbacks of any app and keeps their lists apart.
	SDKAppID uint32
	// Tokens are the app's callback Tokens, several while one is being changed. None takes unsigned callbacks.
	Tokens []string
	// Secrets are the app's shared secrets (whsec_) or public keys (whpk_), several while one is being changed. None takes
	// callbacks without signatures.
	Secrets []string
	// Out gets one line for each changed pair, login and logout. Nil prints nothing.
	Out io.Writer
	// OnEvent is called after each event, tests excepted, was applied and printed, from the request's goroutine. Nil is allowed.
	OnEvent func(webhook.BlackListEvent)
	// OnState is called after each login, logout or lost connection, tests excepted, was printed, like OnEvent. Nil is allowed.
	OnState func(webhook.StateEvent)
	// Logger gets refused callbacks. Nil means slog.Default().
	Logger *slog.Logger
	// Now is the clock that signatures are checked with. Nil means time.Now.
	Now func() time.Time
}

// Backend is the app backend. Make it with [New].
type Backend struct {
	app     uint32 // 0: any
	lists   blocklists
	onEvent func(webhook.BlackListEvent)
	onState func(webhook.StateEvent)
	mux     http.ServeMux

	printing sync.Mutex
	out      io.Writer
}

// New makes a backend with empty blocklists. It fails when a Token is empty or a secret unusable.
func New(o Options) (*Backend, error) {
	b := &Backend{app: o.SDKAppID, out: o.Out, onEvent: o.OnEvent, onState: o.OnState}
	if b.out == nil {
		b.out = io.Discard
	}
	callbacks, err := webhook.New(webhook.Options{
		SDKAppID:          o.SDKAppID,
		AnyApp:            o.SDKAppID == 0,
		Tokens:            o.Tokens,
		Secrets:           o.Secrets,
		Tests:             true, // printed, not applied
		OnBlackListAdd:    b.blocked,
		OnBlackListDelete: b.unblocked,
		OnStateChange:     b.stateChanged,
		OnUnknown:         b.unknown,
		Logger:            o.Logger,
		Now:               o.Now,
	})
	if err != nil {
		return nil, err
	}
	b.mux.Handle(CallbackPath, callbacks)
	b.mux.HandleFunc("GET "+BlockListPath, b.serveBlockList)
	return b, nil
}

// ServeHTTP serves [CallbackPath] and [BlockListPath].
func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.mux.ServeHTTP(w, r) }

// Blocked returns the backend's copy of a user's blocklist in alphabetical order, never nil.
func (b *Backend) Blocked(sdkAppID uint32, user string) []string { return b.lists.list(sdkAppID, user) }

func (b *Backend) blocked(_ context.Context, e webhook.BlackListEvent) error {
	b.follow("blocked", e, true)
	return nil
}

func (b *Backend) unblocked(_ context.Context, e webhook.BlackListEvent) error {
	b.follow("unblocked", e, false)
	return nil
}

// follow applies an event to the copy and prints it. The pairs of a test are made up, so it is printed only.
func (b *Backend) follow(verb string, e webhook.BlackListEvent, blocked bool) {
	for _, p := range e.Pairs {
		did := changed
		if !e.Test {
			did = b.lists.apply(e.SDKAppID, e.ID, p, e.Sequence, blocked)
		}
		b.print(verb, e, p, did)
	}
	if b.onEvent != nil && !e.Test {
		b.onEvent(e)
	}
}

// stateChanged prints what a device did. A backend that keeps who is online must bear that an event comes twice.
func (b *Backend) stateChanged(_ context.Context, e webhook.StateEvent) error {
	kicked := ""
	if len(e.Kicked) > 0 {
		kicked = ", put out " + visible(strings.Join(e.Kicked, " "))
	}
	b.printf("%-9s  %s %s, %s%s   (%s)\n", "state", visible(e.Account), visible(e.Action), visible(e.Reason), kicked, origin(e.Event))
	if b.onState != nil && !e.Test {
		b.onState(e)
	}
	return nil
}

func (b *Backend) unknown(_ context.Context, e webhook.UnknownEvent) error {
	b.printf("ignored    %s   (%s)\n", visible(e.Command), origin(e.Event))
	return nil
}

func (b *Backend) print(verb string, e webhook.BlackListEvent, p api.Pair, did effect) {
	note := ""
	switch did {
	case unchanged:
		note = "no change in this copy, "
	case outdated:
		note = "older than this copy, "
	case exported:
		note = "in the export already, "
	}
	b.printf("%-9s  %s -> %s   (%s%s)\n", verb, visible(p.FromAccount), visible(p.ToAccount), note, origin(e.Event))
}

func (b *Backend) printf(format string, args ...any) {
	b.printing.Lock()
	defer b.printing.Unlock()
	_, _ = fmt.Fprintf(b.out, format, args...) // the copy counts; a closed terminal must not fail callbacks
}

// origin says where an event comes from, with a mark for a test and for a replay.
func origin(e webhook.Event) string {
	var parts []string
	if e.Test {
		parts = append(parts, "test")
	}
	if e.ID != "" {
		parts = append(parts, "event "+visible(e.ID), "attempt "+strconv.Itoa(e.Attempt))
	}
	if e.Replay != "" {
		parts = append(parts, "replay "+visible(e.Replay))
	}
	parts = append(parts, "from "+visible(e.ClientIP)+" "+visible(e.OptPlatform))
	return strings.Join(parts, ", ")
}

// visible keeps a stranger's control characters away from the terminal.
func visible(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// blockList is the answer of BlockListPath.
type blockList struct {
	SDKAppID uint32   `json:"sdkappid"`
	User     string   `json:"user"`
	Blocked  []string `json:"blocked"`
}

func (b *Backend) serveBlockList(w http.ResponseWriter, r *http.Request) {
	user := r.FormValue("user")
	if user == "" {
		http.Error(w, "say whose list: "+BlockListPath+"?user=UserID", http.StatusBadRequest)
		return
	}
	app := b.app
	if text := r.FormValue("sdkappid"); text != "" || app == 0 {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil || n == 0 {
			http.Error(w, "say which app: "+BlockListPath+"?user=UserID&sdkappid=SDKAppID", http.StatusBadRequest)
			return
		}
		app = uint32(n)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(blockList{SDKAppID: app, User: user, Blocked: b.Blocked(app, user)})
}
