package proof

import (
	"context"
	"fmt"
	"time"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// Tend does what an operator does who has mended an endpoint: it resumes what is paused, and tests. After a delivery, what
// waits for its next attempt is tried at once.
func (w *World) Tend(ctx context.Context) error {
	list, err := w.client.Endpoints(ctx, 0)
	if err != nil {
		return err
	}
	for _, e := range list.Endpoints {
		if e.State == relation.EndpointPaused {
			if _, err := w.client.ResumeCallback(ctx, e.SDKAppID); err != nil {
				return err
			}
		}
		if _, err := w.client.TestCallback(ctx, e.SDKAppID); err != nil {
			return err
		}
	}
	return nil
}

// SetTimeout changes the time for an attempt of a callback, of all apps.
func (w *World) SetTimeout(ctx context.Context, timeout time.Duration) error {
	ms := timeout.Milliseconds()
	for _, a := range w.Apps {
		if _, err := w.client.SetCallback(ctx, a.ID, operator.SetCallback{TimeoutMS: &ms}); err != nil {
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
		outbox, err := w.client.Outbox(ctx, 0)
		if err != nil {
			return err
		}
		waiting := outbox.Waiting()
		if waiting == 0 {
			return nil
		}
		if looks%10 == 0 {
			if err := w.Tend(ctx); err != nil {
				return err
			}
		}
		if looks%50 == 49 {
			w.o.Say("%s", w.describe(ctx, waiting))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %s\n%s", ctx.Err(), w.describe(context.WithoutCancel(ctx), waiting), w.Server.Log())
		}
	}
}

// describe says what waits, and how the endpoints do that it waits for.
func (w *World) describe(ctx context.Context, waiting int64) string {
	text := fmt.Sprintf("%d events wait", waiting)
	list, err := w.client.Endpoints(ctx, 0)
	if err != nil {
		return text + "; " + err.Error()
	}
	for _, e := range list.Endpoints {
		text += fmt.Sprintf("; app %d is %s (%s)", e.SDKAppID, e.State, e.Reason)
	}
	for _, a := range w.Apps {
		for _, state := range []relation.State{relation.StateRetrying, relation.StateWaiting} {
			page, err := w.client.Events(ctx, operator.EventQuery{SDKAppID: a.ID, State: state, Limit: 1})
			if err != nil {
				return text + "; " + err.Error()
			}
			for _, e := range page.Events {
				text += fmt.Sprintf("; %s of app %d is %s, due %s, after %d attempts: %s", e.ID, a.ID, e.State,
					e.Due.Format(time.RFC3339), e.Attempts, e.Reason)
			}
		}
	}
	return text
}
