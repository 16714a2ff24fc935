package proof

import (
	"context"
	"fmt"

	"github.com/kithchat/kith/internal/hostile"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// StartReplay starts a replay of an app. There is none, and no error, when it would send nothing.
func (w *World) StartReplay(ctx context.Context, what operator.CreateReplay) error {
	count := what
	count.DryRun = true
	if counted, err := w.client.CreateReplay(ctx, count); err != nil || counted.Selected == 0 {
		return err
	}
	created, err := w.client.CreateReplay(ctx, what)
	if err != nil {
		return fmt.Errorf("replay of app %d: %w", what.SDKAppID, err)
	}
	w.replays = append(w.replays, created.Replay.ID)
	return nil
}

// AwaitReplays waits until all replays are done, and compares what they say of themselves with a journal. It returns how
// many events they were about, and how many of these were given up: a replay does not try for long.
func (w *World) AwaitReplays(ctx context.Context, j *hostile.Journal) (total, failed int64, err error) {
	for _, id := range w.replays {
		r, err := w.awaitReplay(ctx, id)
		if err != nil {
			return total, failed, err
		}
		total, failed = total+r.Total, failed+r.Failed
		taken, problems := j.Replayed(id, r.Created)
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

func (w *World) awaitReplay(ctx context.Context, id string) (operator.Replay, error) {
	for {
		r, err := w.client.Replay(ctx, id)
		if err != nil || r.State == relation.ReplayDone {
			return r, err
		}
		if pause(ctx, healEvery) != nil {
			return r, fmt.Errorf("a replay is %s with %d of %d: %w", r.State, r.Delivered, r.Total, ctx.Err())
		}
	}
}
