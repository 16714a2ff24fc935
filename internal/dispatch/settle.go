package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

const (
	// settleBatch is the most verdicts in one commit, settleShare the most of one app.
	settleBatch = 256
	settleShare = 128
	// settleLinger is how long the first verdict waits for others.
	settleLinger = 2 * time.Millisecond
	// The wait after a failed commit doubles from settleRetryBase to settleRetryCap.
	settleRetryBase = 50 * time.Millisecond
	settleRetryCap  = 2 * time.Second
)

// verdict is a settlement on its way to disk. settled is called once it is durable; more says that the owner has a next
// head.
type verdict struct {
	relation.Settlement
	settled func(more bool)
}

// settler gathers verdicts and commits them in batches. A batch that cannot be committed is tried until it can. Apps take
// turns, so a verdict waits for the commit under way and the next one, however many another app has; the bound for each app
// keeps those commits short. The settler holds at most one verdict per lane, and so is bounded by them.
type settler struct {
	outbox relation.Outbox
	log    *slog.Logger
	wake   chan struct{} // capacity 1

	mu     sync.Mutex
	shares map[uint32]*share
	turns  []*share // those with something pending; whose turn is next comes first
	closed bool
}

func newSettler(outbox relation.Outbox, log *slog.Logger) *settler {
	return &settler{outbox: outbox, log: log, wake: make(chan struct{}, 1), shares: map[uint32]*share{}}
}

// add hands over a verdict. It never blocks.
func (s *settler) add(v verdict) {
	s.mu.Lock()
	of := s.shares[v.SDKAppID]
	if of == nil {
		of = &share{sdkAppID: v.SDKAppID}
		s.shares[v.SDKAppID] = of
	}
	if len(of.pending) == 0 {
		s.turns = append(s.turns, of)
	}
	of.pending = append(of.pending, v)
	s.mu.Unlock()
	s.notify()
}

// close makes run return once everything handed over is durable.
func (s *settler) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.notify()
}

func (s *settler) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run commits verdicts until close, or until ctx ends.
func (s *settler) run(ctx context.Context) {
	for {
		batch, closed := s.gather(ctx)
		if len(batch) == 0 {
			if closed || ctx.Err() != nil {
				return
			}
			select {
			case <-s.wake:
			case <-ctx.Done():
				return
			}
			continue
		}
		if !s.commit(ctx, batch) {
			return
		}
	}
}

// commit makes a batch durable and tells its lanes. It reports false when ctx ended first.
func (s *settler) commit(ctx context.Context, batch []verdict) bool {
	settlements := make([]relation.Settlement, len(batch))
	for i, v := range batch {
		settlements[i] = v.Settlement
	}
	next, ok := s.store(ctx, settlements)
	if !ok {
		return false
	}
	heads := make(map[relation.EventKey]bool, len(next))
	for _, key := range next {
		key.Seq = 0
		heads[key] = true
	}
	for _, v := range batch {
		v.settled(heads[relation.EventKey{SDKAppID: v.SDKAppID, Owner: v.Owner}])
	}
	return true
}

// store repeats a commit until it succeeds. It reports false when ctx ended first.
func (s *settler) store(ctx context.Context, settlements []relation.Settlement) (next []relation.EventKey, ok bool) {
	wait := settleRetryBase
	for failed := false; ; failed = true {
		heads, err := s.outbox.Settle(ctx, settlements)
		next = append(next, heads...)
		switch {
		case err == nil && failed:
			s.log.Info("callback verdicts are stored again", "verdicts", len(settlements))
			return next, true
		case err == nil:
			return next, true
		case ctx.Err() != nil:
			return nil, false
		case !failed:
			s.log.Warn("callback verdicts cannot be stored; the events wait until they can",
				"verdicts", len(settlements), "error", err)
		}
		sleep(ctx, wait)
		wait = min(2*wait, settleRetryCap)
	}
}

// sleep waits, or returns early when ctx ends.
func sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
