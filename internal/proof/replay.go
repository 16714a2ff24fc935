package proof

import (
	"context"
	"fmt"
	"time"

	"github.com/kithchat/kith/internal/hostile"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// storeLag is how long it can take from when an attempt ended until its verdict is stored, while the store is sound.
const storeLag = 2 * time.Second

// StartReplay starts a replay of an app. There is none, and no error, when it would send nothing.
func (w *World) StartReplay(ctx context.Context, what operator.CreateReplay) error {
	created, err := w.client.CreateReplay(ctx, what)
	if err != nil {
		return fmt.Errorf("replay of app %d: %w", what.SDKAppID, err)
	}
	if created.Replay != nil {
		w.replays = append(w.replays, created.Replay.ID)
	}
	return nil
}

// AwaitReplays waits until all replays are done, and compares what they say of themselves with a journal. It returns how
// many events they were about, and how many of these were given up: a replay does not try for long. lag is how
// long it can have taken from when an attempt ended until its verdict was stored. Nobody calls any more, and nothing waits.
func (w *World) AwaitReplays(ctx context.Context, j *hostile.Journal, lag time.Duration) (total, failed int64, err error) {
	settled, err := w.settled(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, id := range w.replays {
		r, err := w.awaitReplay(ctx, id)
		if err != nil {
			return total, failed, err
		}
		total, failed = total+r.Total, failed+r.Failed
		// An event that was not settled when the replay came by is sent after a restart, behind newer ones.
		known := r.Created.Add(-lag)
		taken, problems := j.Replayed(id, func(event string) bool {
			at, ok := settled[event]
			return ok && at.Before(known)
		})
		if len(problems) > 0 {
			return total, failed, fmt.Errorf("replay: %q", problems)
		}
		// It can be more than were counted at the start: what waited then may have been settled before its turn.
		if r.Delivered+r.Failed < r.Total || int64(taken) < r.Total-r.Failed {
			return total, failed, fmt.Errorf("the replay %s of %d events says that it delivered %d and gave up %d, and %d were taken",
				id, r.Total, r.Delivered, r.Failed, taken)
		}
	}
	w.replays = nil
	return total, failed, nil
}

// settled tells when each event was delivered or given up.
func (w *World) settled(ctx context.Context) (map[string]time.Time, error) {
	records, err := w.records(ctx)
	settled := map[string]time.Time{}
	for _, of := range records {
		for _, e := range of {
			settled[e.ID] = e.Settled
		}
	}
	return settled, err
}

// awaitReplay waits until a replay is done. An endpoint that a replay found gone is paused, and has to be resumed.
func (w *World) awaitReplay(ctx context.Context, id string) (operator.Replay, error) {
	for looks := 1; ; looks++ {
		r, err := w.client.Replay(ctx, id)
		if err != nil || r.State == relation.ReplayDone {
			return r, err
		}
		if looks%10 == 0 {
			if err := w.Tend(ctx); err != nil {
				return r, err
			}
		}
		if pause(ctx, healEvery) != nil {
			return r, fmt.Errorf("a replay is %s (%s) with %d of %d: %w", r.State, r.Note, r.Delivered, r.Total, ctx.Err())
		}
	}
}
