package proof

import (
	"context"
	"fmt"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// Replay sends all dead letters again, of which there are so many, and waits until all of them were delivered.
func (w *World) Replay(ctx context.Context, dead int) error {
	selected := int64(0)
	for i, e := range w.o.Endpoints {
		if !e.Parks {
			continue
		}
		job, err := w.client.CreateReplay(ctx, operator.CreateReplay{SDKAppID: w.Apps[i].ID, Dead: true})
		if err != nil {
			return fmt.Errorf("replay the dead letters of app %d: %w", w.Apps[i].ID, err)
		}
		selected += job.Selected
		if err := w.awaitReplay(ctx, job.Replay.ID); err != nil {
			return err
		}
	}
	if selected != int64(dead) {
		return fmt.Errorf("the replays selected %d of %d dead letters", selected, dead)
	}
	return nil
}

func (w *World) awaitReplay(ctx context.Context, id string) error {
	for {
		r, err := w.client.Replay(ctx, id)
		if err != nil {
			return err
		}
		if r.State == relation.ReplayDone {
			if r.Failed > 0 || r.Delivered != r.Total {
				return fmt.Errorf("a replay delivered %d of %d, %d failed: %s", r.Delivered, r.Total, r.Failed, r.Note)
			}
			return nil
		}
		if pause(ctx, healEvery) != nil {
			return fmt.Errorf("a replay is %s with %d of %d: %w", r.State, r.Delivered, r.Total, ctx.Err())
		}
	}
}
