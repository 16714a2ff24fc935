package store_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// Replays that ended are known for 30 days, and of an app the newest thousand; those that did not end, for ever.
func TestEndedReplaysAreForgotten(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		clock := time.Now()
		var ahead atomic.Int64
		o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		o.Retention = 90 * 24 * time.Hour
		s := open(t, o)
		app := seed(t, s)
		makeSettled(t, s, app, relation.Delivered)
		replay := func(id string, state relation.ReplayState) {
			t.Helper()
			r := relation.Replay{ID: id, SDKAppID: app.SDKAppID, State: relation.ReplayRunning, Created: clock, Updated: clock}
			if _, err := s.CreateReplay(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if _, err := s.SaveReplay(t.Context(), relation.ReplayProgress{ID: id, State: state, Rate: -1, At: clock}); err != nil {
				t.Fatal(err)
			}
		}
		for id, state := range map[string]relation.ReplayState{
			"old-done": relation.ReplayDone, "old-cancelled": relation.ReplayCancelled,
			"old-paused": relation.ReplayPaused, "old-running": relation.ReplayRunning,
		} {
			replay(id, state)
		}
		ahead.Store(int64(31 * 24 * time.Hour))
		clock = clock.Add(31 * 24 * time.Hour)
		replay("young", relation.ReplayDone)
		err := s.Exec(t.Context(), `INSERT INTO replay (id, sdkappid, doc)
			SELECT 'young' || CAST(n AS TEXT), sdkappid, replace(doc, '"id":"young"', '"id":"young' || CAST(n AS TEXT) || '"')
			FROM replay, (WITH RECURSIVE c(n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM c WHERE n < 2200) SELECT n FROM c) x
			WHERE id = 'young'`)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, o)
		defer func() { _ = s.Close() }()
		var states map[relation.ReplayState]int
		eventually(t, "old replays are gone", func() bool {
			all, err := s.Replays(t.Context(), app.SDKAppID)
			states = map[relation.ReplayState]int{}
			for _, r := range all {
				states[r.State]++
			}
			return err == nil && len(all) <= 1002
		})
		if states[relation.ReplayDone] != 1000 || states[relation.ReplayPaused] != 1 || states[relation.ReplayRunning] != 1 {
			t.Errorf("left: %v", states)
		}
	})
}
