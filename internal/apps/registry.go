package apps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// Options says what a Registry works with. CheckURL is required.
type Options struct {
	// CheckURL says what is wrong with a callback URL, without quoting it; webhook.ValidateURL is meant.
	CheckURL func(url string) error
	// Signing makes and checks signing keys.
	Signing Signing
	// Issue makes a client certificate for an app, and RenewAt says when it is due for renewal. They go together; nil: no app
	// can have mutual TLS.
	Issue   func(sdkAppID uint32) (relation.ClientCertificate, error)
	RenewAt func(relation.ClientCertificate) time.Time
	// Log hears what Renew does; nil: discard.
	Log *slog.Logger
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// CallbackTimeout and CallbackConcurrency are given to a callback endpoint that is set without its own. Zero means
	// relation.DefaultCallbackTimeout and relation.DefaultCallbackConcurrency. Endpoints that exist keep what they have.
	CallbackTimeout     time.Duration
	CallbackConcurrency int
}

// Registry holds all apps in memory and writes changes through to the store. Make one with Open.
type Registry struct {
	store relation.AppStore
	opts  Options
	live  atomic.Pointer[state]

	mu    sync.Mutex // held by the one writer, never by a reader
	stale bool       // a write failed, so the store may hold more than live; guarded by mu

	hooksMu sync.Mutex
	hooks   []func()
}

// state is what readers see. It is never changed, only replaced.
type state struct {
	byID map[uint32]*relation.App
	list []*relation.App // by SDKAppID
}

// Open reads all apps from the store.
func Open(ctx context.Context, store relation.AppStore, opts Options) (*Registry, error) {
	if opts.CheckURL == nil {
		return nil, errors.New("apps: Options.CheckURL is missing; use webhook.ValidateURL")
	}
	if (opts.Issue == nil) != (opts.RenewAt == nil) {
		return nil, errors.New("apps: Options.Issue and RenewAt go together")
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	r := &Registry{store: store, opts: opts}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// App returns the app, and whether there is one. The app is shared and must not be changed.
func (r *Registry) App(sdkAppID uint32) (*relation.App, bool) {
	app, ok := r.live.Load().byID[sdkAppID]
	return app, ok
}

// All returns all apps, ordered by SDKAppID. The slice is the caller's, the apps are shared and must not be changed.
func (r *Registry) All() []*relation.App { return slices.Clone(r.live.Load().list) }

// Watch has changed called after each change, once App and All show it. The calls come from the goroutines that make
// changes, maybe several at a time, so changed must be quick and safe for concurrent use; it may use the registry.
func (r *Registry) Watch(changed func()) {
	r.hooksMu.Lock()
	defer r.hooksMu.Unlock()
	r.hooks = append(r.hooks, changed)
}

// notify calls all hooks. The caller holds no lock.
func (r *Registry) notify() {
	r.hooksMu.Lock()
	hooks := slices.Clone(r.hooks)
	r.hooksMu.Unlock()
	for _, changed := range hooks {
		changed()
	}
}

// load replaces the live state by what the store holds.
func (r *Registry) load(ctx context.Context) error {
	stored, err := r.store.Apps(ctx)
	if err != nil {
		return fmt.Errorf("read the apps: %w", err)
	}
	next := make(map[uint32]*relation.App, len(stored))
	for i := range stored {
		next[stored[i].SDKAppID] = &stored[i]
	}
	r.publish(next)
	r.stale = false
	return nil
}

// publish makes next what readers see. The map is the registry's from now on.
func (r *Registry) publish(next map[uint32]*relation.App) {
	s := &state{byID: next, list: make([]*relation.App, 0, len(next))}
	for _, app := range next {
		s.list = append(s.list, app)
	}
	slices.SortFunc(s.list, func(a, b *relation.App) int { return cmp.Compare(a.SDKAppID, b.SDKAppID) })
	r.live.Store(s)
}
