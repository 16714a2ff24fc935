package restapi

import (
	"context"
	"sync/atomic"
	"time"
)

// Isolation says when a call of an app may begin, so that one app's flood does not slow others down.
type Isolation interface {
	// Enter waits until it may, and fails with the error of ctx when that ends first. After a nil, Leave is called.
	Enter(ctx context.Context, sdkAppID uint32) error
	Leave(sdkAppID uint32)
}

type noIsolation struct{}

func (noIsolation) Enter(context.Context, uint32) error { return nil }

func (noIsolation) Leave(uint32) {}

// outcome is what a job returned.
type outcome struct {
	answer any
	err    error
}

// limit returns the context of work for one request: the time limit counts, a caller who hangs up does not.
func (h *Handler) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), h.callTimeout)
}

// run carries out a job within the time limit. A call that was not decided by then is dropped by the store, because
// its context ends; one that is in the middle of its commit goes on, and how it ended is logged.
func (h *Handler) run(ctx context.Context, cmd *command, j job, c call) (any, error) {
	ctx, cancel := h.limit(ctx)
	start := h.now()
	if h.isolation.Enter(ctx, c.app.SDKAppID) != nil {
		cancel()
		return nil, errHeldBack
	}
	done := make(chan outcome, 1)
	// Whoever sets it first, the job's end or the time limit, decides what the caller is told.
	var settled atomic.Bool
	h.calls.Go(func() {
		defer cancel()
		defer h.isolation.Leave(c.app.SDKAppID)
		res := protect(ctx, j, c)
		if settled.CompareAndSwap(false, true) {
			done <- res
			return
		}
		h.logLate(cmd, c, h.now().Sub(start), res.err)
	})
	select {
	case res := <-done:
		return res.answer, res.err
	case <-ctx.Done():
		if settled.CompareAndSwap(false, true) {
			return nil, errTimeLimit
		}
		res := <-done
		return res.answer, res.err
	}
}

// protect runs a job and turns a panic into an error.
func protect(ctx context.Context, j job, c call) (res outcome) {
	defer recoverTo(&res.err)
	res.answer, res.err = j(ctx, c)
	return res
}

func (h *Handler) logLate(cmd *command, c call, took time.Duration, err error) {
	const what = "REST call ended after its time limit"
	if err != nil {
		h.log.Warn(what, "command", cmd.name, "sdkappid", c.app.SDKAppID, "took", took, "err", err)
		return
	}
	h.log.Warn(what, "command", cmd.name, "sdkappid", c.app.SDKAppID, "took", took, "outcome", "carried out")
}
