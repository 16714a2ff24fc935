package apps

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/seal"
)

// SealedStore is an AppStore that keeps secrets sealed in another: secret keys, the callback token, signing keys and the key
// of the client certificate. Each is sealed for its app and field, so that it opens nowhere else. It is safe for concurrent
// use.
type SealedStore struct {
	inner relation.AppStore
	box   *seal.Box
}

// Seal returns an AppStore on top of inner. With a nil box secrets are written in clear, and those that are sealed on disk
// are an error of Apps.
func Seal(inner relation.AppStore, box *seal.Box) *SealedStore { return &SealedStore{inner, box} }

// Apps implements relation.AppStore. What is still in clear on disk is returned as it is.
func (s *SealedStore) Apps(ctx context.Context) ([]relation.App, error) {
	stored, err := s.inner.Apps(ctx)
	if err != nil {
		return nil, err
	}
	opened := make([]relation.App, len(stored))
	for i := range stored {
		app := clone(&stored[i])
		if err := eachSecret(app, s.open); err != nil {
			return nil, err
		}
		opened[i] = *app
	}
	return opened, nil
}

// CreateApp implements relation.AppStore.
func (s *SealedStore) CreateApp(ctx context.Context, app relation.App) error {
	return s.inner.CreateApp(ctx, s.sealed(app))
}

// UpdateApp implements relation.AppStore.
func (s *SealedStore) UpdateApp(ctx context.Context, app relation.App) error {
	return s.inner.UpdateApp(ctx, s.sealed(app))
}

// DeleteApp implements relation.AppStore.
func (s *SealedStore) DeleteApp(ctx context.Context, sdkAppID uint32) error {
	return s.inner.DeleteApp(ctx, sdkAppID)
}

// Reseal writes every app anew that has a secret in clear, or sealed with an older key, and returns how many. Before the
// first it calls first; an error of it ends the work. Call Reseal before anything else writes. Without a master key it does
// nothing.
func (s *SealedStore) Reseal(ctx context.Context, first func() error) (int, error) {
	if s.box == nil {
		return 0, nil
	}
	stored, err := s.inner.Apps(ctx)
	if err != nil {
		return 0, err
	}
	done := 0
	for i := range stored {
		app := clone(&stored[i])
		if s.current(app) {
			continue
		}
		if err := eachSecret(app, s.open); err != nil {
			return done, err
		}
		if done == 0 {
			if err := first(); err != nil {
				return 0, err
			}
		}
		if err := s.UpdateApp(ctx, *app); err != nil {
			return done, fmt.Errorf("seal the secrets of app %d: %w", app.SDKAppID, err)
		}
		done++
	}
	return done, nil
}

// current reports whether each secret of an app on disk is sealed with the newest key.
func (s *SealedStore) current(app *relation.App) bool {
	current := true
	_ = eachSecret(app, func(_ string, secret *string) error {
		current = current && s.box.Current(*secret)
		return nil
	})
	return current
}

// sealed returns a copy with its secrets sealed.
func (s *SealedStore) sealed(app relation.App) relation.App {
	if s.box == nil {
		return app
	}
	c := clone(&app)
	_ = eachSecret(c, func(place string, secret *string) error {
		*secret = s.box.Seal(*secret, place)
		return nil
	})
	return *c
}

// open replaces a secret by what it is in clear.
func (s *SealedStore) open(place string, secret *string) error {
	if !seal.Is(*secret) {
		return nil
	}
	if s.box == nil {
		return errors.New("the database holds sealed secrets: start with the master key that they were sealed with (master-key, KITH_MASTER_KEY)")
	}
	plain, err := s.box.Open(*secret, place)
	if err != nil {
		return fmt.Errorf("a secret in the database cannot be opened (%s): %w; start with the right master key, the old one behind a comma",
			place, err)
	}
	*secret = plain
	return nil
}

// eachSecret calls do with every secret of the app that is not empty, and with the place that it is sealed for.
func eachSecret(app *relation.App, do func(place string, secret *string) error) error {
	id := "app " + strconv.FormatUint(uint64(app.SDKAppID), 10) + ", "
	call := func(field string, secret *string) error {
		if *secret == "" {
			return nil
		}
		return do(id+field, secret)
	}
	for i := range app.Keys {
		if err := call("secret key", &app.Keys[i].Secret); err != nil {
			return err
		}
	}
	c := &app.Callback
	for i := range c.SigningKeys {
		if err := call("signing key", &c.SigningKeys[i].Secret); err != nil {
			return err
		}
	}
	if c.ClientCert != nil {
		if err := call("key of the client certificate", &c.ClientCert.Key); err != nil {
			return err
		}
	}
	return call("callback token", &c.Token)
}
