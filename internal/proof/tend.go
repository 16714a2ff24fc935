package proof

import (
	"context"
	"fmt"
	"time"
)

// Tend does what an operator does who has mended an endpoint: it resumes what is paused, and tests. After a delivery, what
// waits for its next attempt is tried at once.
func (w *World) Tend(ctx context.Context) error {
	for _, a := range w.Apps {
		callback, err := w.client.Callback(ctx, a.ID)
		if err != nil {
			return err
		}
		if callback.Paused != nil {
			if _, err := w.client.ResumeCallback(ctx, a.ID); err != nil {
				return err
			}
		}
		if _, err := w.client.TestCallback(ctx, a.ID); err != nil {
			return err
		}
	}
	return nil
}

// Heal waits until nothing waits in the outbox any more. The caller has made everything sound before.
func (w *World) Heal(ctx context.Context) error {
	tick := time.NewTicker(healEvery)
	defer tick.Stop()
	for looks := 0; ; looks++ {
		outbox, err := w.client.Outbox(ctx)
		if err != nil {
			return err
		}
		waiting := int64(0)
		for _, a := range outbox.Apps {
			waiting += a.Waiting
		}
		if waiting == 0 {
			return nil
		}
		if looks%10 == 0 {
			if err := w.Tend(ctx); err != nil {
				return err
			}
		}
		if looks%50 == 49 {
			w.o.Say("%d events wait", waiting)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d events still wait: %w\n%+v\n%s", waiting, ctx.Err(), outbox, w.Server.Log())
		}
	}
}
