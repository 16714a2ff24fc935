package dispatch

import (
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// The retry schedule.
const (
	retryBase   = 250 * time.Millisecond
	retryCap    = 30 * time.Second
	retryJitter = 0.2
	// retryAfterCap bounds what an endpoint can ask for with Retry-After.
	retryAfterCap = 5 * time.Minute
	// retryLocal is the wait after a fault of our own.
	retryLocal = time.Second
	// retryLongest is the longest wait that Backoff returns.
	retryLongest = retryCap + retryCap/5
)

// Backoff returns how long to wait after the given number of attempts have failed, 1 or more. It doubles from 250 ms up to
// 30 s and is then spread by ±20 %; random is in [0,1).
//
//	attempts   wait             attempts   wait
//	1          200 – 300 ms     6          6.4 – 9.6 s
//	2          400 – 600 ms     7          12.8 – 19.2 s
//	3          0.8 – 1.2 s      8 and up   24 – 36 s
//	4          1.6 – 2.4 s
//	5          3.2 – 4.8 s
func Backoff(attempts int, random float64) time.Duration {
	wait := retryCap
	if doublings := max(attempts, 1) - 1; doublings < 7 {
		wait = min(retryCap, retryBase<<doublings)
	}
	return time.Duration(float64(wait) * (1 - retryJitter + 2*retryJitter*random))
}

// policy is what decides between another attempt and a dead letter.
type policy struct {
	budget  time.Duration // since the event's commit
	noRetry bool
}

// decide turns the outcome of an attempt that ended at now into the verdict on its event.
func (p policy) decide(e *relation.Event, o Outcome, now time.Time, random float64) relation.Settlement {
	s := relation.Settlement{EventKey: e.Key(), Attempts: e.Attempts + 1, At: now}
	if o.Delivered() {
		s.Verdict = relation.Delivered
		return s
	}
	s.Reason = o.String()
	if o.Reason == ReasonLocal {
		s.Verdict, s.Attempts, s.Due = relation.Retry, e.Attempts, dueAt(now, retryLocal)
		return s
	}
	if p.noRetry || !now.Before(e.Created.Add(p.budget)) {
		s.Verdict = relation.Dead
		return s
	}
	s.Verdict = relation.Retry
	s.Due = dueAt(now, max(Backoff(s.Attempts, random), min(o.RetryAfter, retryAfterCap)))
	return s
}

// dueAt rounds to the outbox's resolution.
func dueAt(now time.Time, wait time.Duration) time.Time {
	return now.Add(wait).Truncate(time.Millisecond)
}
