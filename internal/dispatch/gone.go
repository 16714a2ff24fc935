package dispatch

import (
	"context"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// The wait after a pause could not be stored doubles from pauseRetryBase to pauseRetryCap.
const (
	pauseRetryBase = time.Second
	pauseRetryCap  = 30 * time.Second
)

// goneReason is what people read of a pause by 410.
const goneReason = "the endpoint answered 410 Gone: resume it once it is back, or set another URL"

// saidGone pauses the endpoint at once, and has that written into the app's record until it is.
func (e *endpoint) saidGone(r *route, now time.Time) {
	if e.closed || e.route != r {
		return // that was another endpoint
	}
	pause := &relation.Pause{Since: now, By: relation.PausedByEndpoint, Reason: goneReason}
	e.state.gone = pause
	e.rest()
	e.d.o.Log.Warn("callback endpoint is paused: it answered 410 Gone; resume it once it is back",
		"sdkappid", e.sdkAppID, "endpoint", r.name())
	if e.d.o.Pause != nil {
		seen := e.state.updated
		e.d.workers.Go(func() { e.persist(e.d.reads, seen, pause) })
	}
}

// persist writes a pause into the app's record as it was seen, unless another record overtakes it or ctx ends.
func (e *endpoint) persist(ctx context.Context, seen time.Time, pause *relation.Pause) {
	wait := pauseRetryBase
	for failed := false; e.pausedBy(pause); failed = true {
		err := e.d.o.Pause(ctx, e.sdkAppID, seen, *pause)
		if err == nil {
			e.persisted(pause)
			return
		}
		if !failed && ctx.Err() == nil {
			e.d.o.Log.Warn("the pause of a callback endpoint cannot be stored; it holds, and storing it is tried again",
				"sdkappid", e.sdkAppID, "error", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-e.gone:
		}
		timer.Stop()
		wait = min(2*wait, pauseRetryCap)
	}
}

func (e *endpoint) pausedBy(pause *relation.Pause) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.closed && e.state.gone == pause
}

// persisted leaves the pause to the record, which can have been resumed by now.
func (e *endpoint) persisted(pause *relation.Pause) {
	e.mu.Lock()
	if e.state.gone == pause {
		e.state.gone = nil
	}
	e.mu.Unlock()
	e.d.AppsChanged()
}
