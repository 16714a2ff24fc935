package client

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is a schedule of pauses that double from first to most: 500 ms, 1 s, 2 s, … 30 s with the session's numbers. Each is
// shortened at random by up to half, so that many clients do not come back at once.
type backoff struct{ first, most time.Duration }

// pause returns the pause after so many failed tries, the first of them 0. random is in [0, 1).
func (b backoff) pause(failed int, random float64) time.Duration {
	full := b.first
	for range failed {
		if full >= b.most/2 {
			full = b.most
			break
		}
		full *= 2
	}
	full = min(full, b.most)
	return full - time.Duration(random*float64(full)/2)
}

// wait waits for the pause after so many failed tries, at least as long as given.
func (b backoff) wait(ctx context.Context, failed int, least time.Duration) error {
	return sleep(ctx, max(b.pause(failed, rand.Float64()), least))
}

// sleep waits, unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
