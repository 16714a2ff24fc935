package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kithchat/kith/internal/relation"
)

// domainError passes the errors that callers act on and marks the rest as unavailable.
func domainError(err error) error {
	if isDomain(err) {
		return err
	}
	return unavailable(err)
}

func isDomain(err error) bool {
	for _, known := range []error{relation.ErrNoAccount, relation.ErrNoApp, relation.ErrAppExists, relation.ErrParameter, relation.ErrNoEvent, relation.ErrNoReplay, relation.ErrForgotten} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// refusal is domainError for a commit: a context that ended there was the store's, not a caller's.
func refusal(err error) error {
	if isDomain(err) || errors.Is(err, relation.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", relation.ErrUnavailable, err)
}

// Apps implements relation.AppStore.
func (s *Store) Apps(ctx context.Context) ([]relation.App, error) {
	var apps []relation.App
	err := s.engine.read(ctx, func(c conn) error {
		return c.query(`SELECT sdkappid, doc FROM app WHERE deleting = 0 ORDER BY sdkappid`, func(r row) error {
			var id int64
			var doc string
			if err := r.scan(&id, &doc); err != nil {
				return err
			}
			var app relation.App
			if err := json.Unmarshal([]byte(doc), &app); err != nil {
				return fmt.Errorf("the record of app %d is damaged: %w", id, err)
			}
			apps = append(apps, app)
			return nil
		})
	})
	return apps, unavailable(err)
}

// CreateApp implements relation.AppStore.
func (s *Store) CreateApp(ctx context.Context, app relation.App) error {
	return s.putApp(ctx, app, func(c conn, state appState) error {
		if state != appAbsent {
			return fmt.Errorf("%w: %d", relation.ErrAppExists, app.SDKAppID)
		}
		return nil
	})
}

// UpdateApp implements relation.AppStore.
func (s *Store) UpdateApp(ctx context.Context, app relation.App) error {
	return s.putApp(ctx, app, func(_ conn, state appState) error {
		if state != appPresent {
			return fmt.Errorf("%w: %d", relation.ErrNoApp, app.SDKAppID)
		}
		return nil
	})
}

// putApp writes the record and imports the admins in one commit, if check agrees with what is there.
func (s *Store) putApp(ctx context.Context, app relation.App, check func(conn, appState) error) error {
	doc, err := json.Marshal(app)
	if err != nil {
		return err
	}
	admins := &call{
		scope:  relation.Scope{SDKAppID: app.SDKAppID, Accounts: app.Admins},
		decide: func(snap relation.Snapshot) relation.Change { return importMissing(app, snap) },
	}
	return s.domain(ctx, func(c conn) error {
		state, err := readAppState(c, app.SDKAppID)
		if err != nil {
			return err
		}
		if err := check(c, state); err != nil {
			return err
		}
		err = c.query(`INSERT INTO app (sdkappid, doc) VALUES ($1, $2) ON CONFLICT (sdkappid) DO UPDATE SET doc = excluded.doc`,
			nil, int64(app.SDKAppID), string(doc))
		if err != nil {
			return err
		}
		return newBatch(s, []*call{admins}).run(c)
	})
}

func importMissing(app relation.App, snap relation.Snapshot) relation.Change {
	change := relation.Change{At: app.Updated}
	for i, admin := range app.Admins {
		if !snap.Accounts[i].Exists {
			change.Import = append(change.Import, relation.Profile{UserID: admin})
		}
	}
	return change
}

// DeleteApp implements relation.AppStore.
func (s *Store) DeleteApp(ctx context.Context, sdkAppID uint32) error {
	err := s.domain(ctx, func(c conn) error {
		state, err := readAppState(c, sdkAppID)
		if err != nil {
			return err
		}
		if state != appPresent {
			return fmt.Errorf("%w: %d", relation.ErrNoApp, sdkAppID)
		}
		return c.query(`UPDATE app SET deleting = 1, doc = '' WHERE sdkappid = $1`, nil, int64(sdkAppID))
	})
	if err == nil {
		s.wakeSweeper()
	}
	return err
}

// domain runs fn in a transaction of its own and keeps the domain errors that fn returns.
func (s *Store) domain(ctx context.Context, fn func(conn) error) error {
	var inner error
	err := s.alone(ctx, func(c conn) error {
		inner = domainError(fn(c))
		return inner
	})
	if err != nil && inner != nil {
		return inner
	}
	return err
}

// loadApp reads whether an app is there. A call that began before its app was deleted must change nothing: the id may
// belong to somebody else next.
func (b *batch) loadApp(c conn, id uint32) error {
	if _, known := b.apps[id]; known {
		return nil
	}
	state, err := readAppState(c, id)
	b.apps[id] = state == appPresent
	return err
}

type appState uint8

const (
	appAbsent appState = iota
	appPresent
	appDeleting
)

func readAppState(c conn, id uint32) (appState, error) {
	state := appAbsent
	err := c.query(`SELECT deleting FROM app WHERE sdkappid = $1`, func(r row) error {
		var deleting int64
		err := r.scan(&deleting)
		state = appPresent
		if deleting != 0 {
			state = appDeleting
		}
		return err
	}, int64(id))
	return state, err
}
