package apps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// DefaultAdmin is the admin of an app that is created without one; the vendor's console names it so.
const DefaultAdmin = "administrator"

// createTries is how often Create makes up another SDKAppID when the first is taken.
const createTries = 8

// reloadTimeout bounds reading the apps again after a write whose outcome is unknown.
const reloadTimeout = 5 * time.Second

// New describes an app to create. What is left zero is made up.
type New struct {
	SDKAppID       uint32   // zero: a random one
	Name           string   // empty: "app" and the SDKAppID
	Key            string   // empty: 64 random hex digits
	Admins         []string // empty: DefaultAdmin
	BlocklistLimit int      // zero: relation.DefaultBlocklistLimit
	Rates          relation.Rates
	Callback       relation.Callback

	DevicesPerPlatform int      // zero: relation.DefaultDevicesPerPlatform
	WebOrigins         []string // empty: all
}

// Create adds an app. Errors: *InvalidError, relation.ErrAppExists for an SDKAppID that is taken, and the store's.
func (r *Registry) Create(ctx context.Context, spec New) (*relation.App, error) {
	for try := 1; ; try++ {
		app, err := r.record(spec)
		if err != nil {
			return nil, err
		}
		err = r.write(ctx, func(next map[uint32]*relation.App) error {
			if err := r.store.CreateApp(ctx, *app); err != nil {
				return err
			}
			next[app.SDKAppID] = app
			return nil
		})
		switch {
		case err == nil:
			return app, nil
		case !errors.Is(err, relation.ErrAppExists):
			return nil, err
		case spec.SDKAppID != 0 || try == createTries:
			return nil, fmt.Errorf("%w: SDKAppID %d is taken or still being deleted; choose another", err, app.SDKAppID)
		}
	}
}

// record turns a New into the record to store, with everything that was left out made up.
func (r *Registry) record(spec New) (*relation.App, error) {
	now := r.now()
	app := &relation.App{
		SDKAppID:       spec.SDKAppID,
		Name:           spec.Name,
		Keys:           []relation.AppKey{{Secret: spec.Key, Created: now}},
		Admins:         spec.Admins,
		Created:        now,
		Updated:        now,
		BlocklistLimit: spec.BlocklistLimit,
		Rates:          spec.Rates,
		Callback:       spec.Callback,

		DevicesPerPlatform: spec.DevicesPerPlatform,
		WebOrigins:         spec.WebOrigins,
	}
	if app.SDKAppID == 0 {
		app.SDKAppID = randomSDKAppID()
	}
	if app.Name == "" {
		app.Name = fmt.Sprintf("app %d", app.SDKAppID)
	}
	if spec.Key == "" {
		app.Keys[0].Secret = randomKey()
	}
	if len(app.Admins) == 0 {
		app.Admins = []string{DefaultAdmin}
	}
	return r.settle(clone(app), nil)
}

// Update changes an app. It hands change a copy to work on; SDKAppID, Created and Updated are the registry's own. An
// error of change is returned as it is and nothing is written. Errors besides: *InvalidError, relation.ErrNoApp, and the
// store's. It returns the app as it is now.
func (r *Registry) Update(ctx context.Context, sdkAppID uint32, change func(*relation.App) error) (*relation.App, error) {
	var updated *relation.App
	err := r.write(ctx, func(next map[uint32]*relation.App) error {
		before, ok := next[sdkAppID]
		if !ok {
			return NoApp(sdkAppID)
		}
		app := clone(before)
		if err := change(app); err != nil {
			return err
		}
		app.SDKAppID, app.Created, app.Updated = before.SDKAppID, before.Created, r.now()
		app, err := r.settle(app, before)
		if err != nil {
			return err
		}
		if err := r.store.UpdateApp(ctx, *app); err != nil {
			return err
		}
		next[sdkAppID], updated = app, app
		return nil
	})
	return updated, err
}

// Delete removes an app with all accounts, lists and events it has, or returns relation.ErrNoApp.
func (r *Registry) Delete(ctx context.Context, sdkAppID uint32) error {
	return r.write(ctx, func(next map[uint32]*relation.App) error {
		if _, ok := next[sdkAppID]; !ok {
			return NoApp(sdkAppID)
		}
		if err := r.store.DeleteApp(ctx, sdkAppID); err != nil {
			return err
		}
		delete(next, sdkAppID)
		return nil
	})
}

// write runs one change on a copy of the live map, publishes it and calls the hooks. An edit that fails has no effect.
func (r *Registry) write(ctx context.Context, edit func(next map[uint32]*relation.App) error) error {
	changed, err := r.writeLocked(ctx, edit)
	if changed {
		r.notify()
	}
	return err
}

func (r *Registry) writeLocked(ctx context.Context, edit func(map[uint32]*relation.App) error) (changed bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stale {
		if err := r.load(ctx); err != nil {
			return false, err
		}
		changed = true
	}
	next := maps.Clone(r.live.Load().byID)
	if err := edit(next); err != nil {
		return r.reread(ctx, err) || changed, err
	}
	r.publish(next)
	return true, nil
}

// reread reads the apps again when the store may have committed in spite of err, and reports whether it did.
func (r *Registry) reread(ctx context.Context, err error) bool {
	if !errors.Is(err, relation.ErrUnavailable) && ctx.Err() == nil {
		return false
	}
	r.stale = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reloadTimeout)
	defer cancel()
	return r.load(ctx) == nil
}

// settle gives an endpoint its defaults, removes what is over, checks the record, has its certificate issued and returns it.
// Before is the record so far, nil for a new app. A URL that stays is not judged again: the rules may have changed since, and
// other settings must not depend on it.
func (r *Registry) settle(app, before *relation.App) (*relation.App, error) {
	c := &app.Callback
	if c.URL != "" && c.TimeoutMS == 0 {
		c.TimeoutMS = r.opts.CallbackTimeout.Milliseconds()
	}
	if c.URL != "" && c.Concurrency == 0 {
		c.Concurrency = r.opts.CallbackConcurrency
	}
	prune(c, r.now())
	checks := Checks{URL: r.opts.CheckURL, Secret: r.opts.Signing.Check}
	if before != nil && before.Callback.URL == c.URL {
		checks.URL = func(string) error { return nil }
	} else if c.Paused != nil && c.Paused.By == relation.PausedByEndpoint {
		c.Paused = nil // it was the other endpoint that is gone
	}
	if err := Check(app, checks); err != nil {
		return nil, err
	}
	if err := r.certify(app); err != nil {
		return nil, err
	}
	return app, nil
}

// now is the time of a change, in UTC and to the millisecond, as the store keeps it.
func (r *Registry) now() time.Time { return r.opts.Now().UTC().Truncate(time.Millisecond) }

// clone returns a deep copy.
func clone(app *relation.App) *relation.App {
	c := *app
	c.Keys = slices.Clone(app.Keys)
	c.Admins = slices.Clone(app.Admins)
	c.Rates.Special = maps.Clone(app.Rates.Special)
	c.Callback.Off = slices.Clone(app.Callback.Off)
	c.Callback.On = slices.Clone(app.Callback.On)
	c.WebOrigins = slices.Clone(app.WebOrigins)
	c.Tokens = slices.Clone(app.Tokens)
	c.Callback.SigningKeys = slices.Clone(app.Callback.SigningKeys)
	c.Callback.ClientCert = clonePointer(app.Callback.ClientCert)
	c.Callback.Paused = clonePointer(app.Callback.Paused)
	return &c
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// NoApp returns a relation.ErrNoApp that names the app.
func NoApp(sdkAppID uint32) error {
	return fmt.Errorf("%w: there is no app with SDKAppID %d", relation.ErrNoApp, sdkAppID)
}
