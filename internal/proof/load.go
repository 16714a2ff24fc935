package proof

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// loadRetry is the wait after a call without an answer, unless another server takes over before.
const loadRetry = 50 * time.Millisecond

// Load makes owners call at a rate together, until it is stopped. Each waits for its answer before it calls again.
type Load struct {
	cancel   context.CancelFunc
	group    sync.WaitGroup
	answered atomic.Int64
	failed   atomic.Int64
}

// StartLoad starts a load of so many calls a second.
func StartLoad(ctx context.Context, owners []*Owner, perSecond float64) *Load {
	ctx, cancel := context.WithCancel(ctx)
	l := &Load{cancel: cancel}
	limit := rate.NewLimiter(rate.Limit(perSecond), 10)
	for _, o := range owners {
		l.group.Go(func() { l.work(ctx, o, limit) })
	}
	return l
}

func (l *Load) work(ctx context.Context, o *Owner, limit *rate.Limiter) {
	for limit.Wait(ctx) == nil && len(o.Problems) == 0 {
		_, next := o.App.server()
		// A call that is cut off by the end of the load is settled later.
		if o.Step(ctx) {
			l.answered.Add(1)
			continue
		}
		l.failed.Add(1)
		select {
		case <-next:
		case <-time.After(loadRetry):
		case <-ctx.Done():
		}
	}
}

// Calls returns how many calls were answered, and how many were not.
func (l *Load) Calls() (answered, failed int64) { return l.answered.Load(), l.failed.Load() }

// Stop returns when no call is under way any more.
func (l *Load) Stop() {
	l.cancel()
	l.group.Wait()
}
