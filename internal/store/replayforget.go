package store

import (
	"context"
	"time"
)

const (
	// replayKept is for how long a replay that ended is known, replaysKept how many of an app, the newest.
	replayKept  = 30 * 24 * time.Hour
	replaysKept = 1000
)

var deleteReplays = set{
	one: `DELETE FROM replay WHERE id = $1`,
	all: `DELETE FROM replay r USING unnest($1::text[]) AS j(id) WHERE r.id = ANY (ARRAY[j.id])`,
}

// forgetReplays removes replays that ended long ago, or too many others ago. One that ended stays so, so it can be removed
// after it was read.
func (s *Store) forgetReplays(ctx context.Context) error {
	all, err := s.Replays(ctx, 0)
	if err != nil {
		return err
	}
	ended := map[uint32]int{}
	var old []string
	for _, r := range all { // the newest first
		if r.State.Open() {
			continue
		}
		if ended[r.SDKAppID]++; ended[r.SDKAppID] > replaysKept || r.Updated.Before(s.now().Add(-replayKept)) {
			old = append(old, r.ID)
		}
	}
	for len(old) > 0 {
		some := old[:min(len(old), sweepRows)]
		if err := s.alone(ctx, func(c conn) error { return c.each(deleteReplays, nil, some) }); err != nil {
			return err
		}
		old = old[len(some):]
	}
	return nil
}
