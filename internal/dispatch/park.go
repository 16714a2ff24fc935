package dispatch

import (
	"context"

	"github.com/kithchat/kith/internal/relation"
)

// parkedReason is why an event that Park gave up is a dead letter.
const parkedReason = "parked by an operator"

// Park makes the head of an account a dead letter now, so that the account's later events go on, whatever the endpoint's state.
// It waits for an attempt under way, whose verdict counts. The event is parked when it returns nil. ErrSettled when the
// event does not wait any more, a BehindError when it is not the head, ErrNoApp. When ctx ends first, it may be parked or not.
func (d *Dispatcher) Park(ctx context.Context, key relation.EventKey) error {
	return d.decideNow(ctx, key, relation.Settlement{Verdict: relation.Dead, Reason: parkedReason})
}

// Hurry makes the head of an account due now, instead of when its next attempt was to be. reason is that of its last failure,
// which stays. It costs no attempt, and a failing endpoint is probed no sooner for it. Otherwise it is as Park.
func (d *Dispatcher) Hurry(ctx context.Context, key relation.EventKey, reason string) error {
	return d.decideNow(ctx, key, relation.Settlement{Verdict: relation.Retry, Reason: reason})
}

// decideNow settles a head without an attempt, and waits until that is durable.
func (d *Dispatcher) decideNow(ctx context.Context, key relation.EventKey, s relation.Settlement) error {
	e := (*d.endpoints.Load())[key.SDKAppID]
	if e == nil {
		return relation.ErrNoApp
	}
	l, err := e.claim(ctx, key.Owner)
	if err != nil {
		return err
	}
	head, err := e.takeHead(ctx, l, key)
	if err != nil {
		return err
	}
	now := d.o.Now()
	s.EventKey, s.Attempts, s.At = key, head.Attempts, now
	if s.Verdict == relation.Retry {
		s.BudgetFrom, s.Due = head.BudgetFrom, dueAt(now, 0)
	}
	done := make(chan struct{})
	d.settler.add(verdict{s, func(more bool) {
		e.settled(l, s, more)
		close(done)
	}})
	select {
	case <-done:
	case <-ctx.Done():
		return ctx.Err()
	case <-d.stopped:
		return errStopping
	}
	if s.Verdict == relation.Dead {
		d.o.Log.Info("callback parked; the event is a dead letter now", "sdkappid", key.SDKAppID, "event", head.ID,
			"command", string(head.Kind), "attempts", head.Attempts)
	}
	return nil
}
