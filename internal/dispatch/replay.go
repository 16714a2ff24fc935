package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// The wait after replays could not be read doubles from replayRetryBase to replayRetryCap.
const (
	replayRetryBase = time.Second
	replayRetryCap  = 30 * time.Second
)

// replays runs the replays that are to run, each in a goroutine of its own.
type replays struct {
	d    *Dispatcher
	wake chan struct{} // capacity 1

	mu   sync.Mutex
	jobs map[string]*replayJob // by replay
	all  sync.WaitGroup
}

func newReplays(d *Dispatcher) *replays {
	return &replays{d: d, wake: make(chan struct{}, 1), jobs: map[string]*replayJob{}}
}

// ReplaysChanged makes the dispatcher look at Options.Replays again: one was created, paused, resumed or cancelled, or its
// rate changed. It is quick and may be called from anywhere.
func (d *Dispatcher) ReplaysChanged() {
	select {
	case d.replays.wake <- struct{}{}:
	default:
	}
}

// run follows the stored replays until ctx ends, and then waits for all jobs.
func (s *replays) run(ctx context.Context) {
	defer s.all.Wait()
	wait := time.Duration(0) // after a failure
	for ctx.Err() == nil {
		stored, err := s.d.o.Replays.Replays(ctx, 0)
		if err == nil {
			wait = 0
			s.follow(ctx, stored)
			select {
			case <-s.wake:
			case <-ctx.Done():
			}
			continue
		}
		if wait == 0 && ctx.Err() == nil {
			s.d.o.Log.Warn("replays cannot be read; trying again", "error", err)
		}
		wait = min(max(2*wait, replayRetryBase), replayRetryCap)
		sleep(ctx, wait)
	}
}

// follow starts, changes and ends jobs so that they are what is stored.
func (s *replays) follow(ctx context.Context, stored []relation.Replay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	running := map[string]bool{}
	for _, r := range stored {
		if r.State != relation.ReplayRunning {
			continue
		}
		running[r.ID] = true
		j := s.jobs[r.ID]
		if j == nil {
			j = newReplayJob(s.d, r)
			s.jobs[r.ID] = j
			s.all.Go(func() {
				j.run(ctx)
				s.ended(r.ID)
			})
			continue
		}
		j.setRate(r.Rate)
	}
	for id, j := range s.jobs {
		if !running[id] {
			j.halt()
		}
	}
}

// ended forgets a job. It may have been resumed while it was ending, so what is stored is looked at again.
func (s *replays) ended(id string) {
	s.mu.Lock()
	delete(s.jobs, id)
	s.mu.Unlock()
	s.d.ReplaysChanged()
}
