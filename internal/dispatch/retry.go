package dispatch

import (
	"fmt"
	"net/http"
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
	// retryThrottled is the least wait after status 429.
	retryThrottled = 5 * time.Second
	// retryLongest is the longest wait that Backoff returns.
	retryLongest = retryCap + retryCap/5
	// graceAfterResume bounds for how long an event is tried after a start or a resume, whatever its age.
	graceAfterResume = time.Hour
)

// Backoff returns how long to wait after the given number of attempts have failed, 1 or more. It doubles from 250 ms up to
// 30 s and is then spread by ±20 %; random is in [0,1). docs/operations.md has it as a table.
func Backoff(attempts int, random float64) time.Duration {
	wait := retryCap
	if doublings := max(attempts, 1) - 1; doublings < 7 {
		wait = min(retryCap, retryBase<<doublings)
	}
	return time.Duration(float64(wait) * (1 - retryJitter + 2*retryJitter*random))
}

// policy is what decides between another attempt and a dead letter.
type policy struct {
	retry    relation.RetryPolicy
	appError relation.AppErrorPolicy
	attempts int           // 0: any number
	budget   time.Duration // since the first failed attempt that counts
	// grace is until when no event is given up for its age, since the endpoint could not be tried before.
	grace time.Time
}

func policyOf(c relation.Callback, budget time.Duration) policy {
	if c.MaxAgeMS > 0 {
		budget = time.Duration(c.MaxAgeMS) * time.Millisecond
	}
	return policy{retry: c.RetryPolicy(), appError: c.AppErrorPolicy(), attempts: c.MaxAttempts, budget: budget}
}

// accept makes an answer with another ErrorCode than 0 a delivery, for the apps that want it so.
func (p policy) accept(o Outcome) Outcome {
	if o.Reason == ReasonAppError && p.appError == relation.AppErrorAccept {
		return Outcome{Detail: o.Detail + ", which the app accepts", Status: o.Status}
	}
	return o
}

// decide turns an attempt into the verdict on its event.
func (p policy) decide(e *relation.Event, t trial) relation.Settlement {
	o := t.outcome
	s := relation.Settlement{EventKey: e.Key(), Attempts: e.Attempts + 1, At: t.ended}
	if o.Delivered() {
		s.Verdict = relation.Delivered
		return s
	}
	s.Reason, s.BudgetFrom = o.String(), e.BudgetFrom
	if o.Ours {
		return own(s, t)
	}
	if s.BudgetFrom.IsZero() {
		s.BudgetFrom = t.ended.Truncate(time.Millisecond)
	}
	if o.Reason != ReasonGone && p.gives(s.Attempts, s.BudgetFrom, t) {
		s.Verdict = relation.Dead
		s.Reason += givenUp(s.Attempts, t.ended.Sub(s.BudgetFrom))
		s.BudgetFrom = time.Time{}
		return s
	}
	s.Verdict = relation.Retry
	s.Due = dueAt(t.ended, max(Backoff(s.Attempts, t.random), asked(o)))
	return s
}

// own is the verdict after a fault of our own: it costs no attempt, and no time.
func own(s relation.Settlement, t trial) relation.Settlement {
	s.Verdict, s.Due = relation.Retry, dueAt(t.ended, t.ownWait)
	s.Attempts--
	if !s.BudgetFrom.IsZero() {
		s.BudgetFrom = s.BudgetFrom.Add(s.Due.Sub(t.began)).Truncate(time.Millisecond)
	}
	return s
}

// gives reports whether an event is given up after a failure.
func (p policy) gives(attempts int, from time.Time, t trial) bool {
	switch {
	case p.retry == relation.RetryOff,
		p.retry == relation.RetryTimeouts && t.outcome.Reason != ReasonTimeout,
		p.appError == relation.AppErrorPark && t.outcome.Reason == ReasonAppError,
		p.attempts > 0 && attempts >= p.attempts:
		return true
	}
	return !t.ended.Before(from.Add(p.budget)) && !t.ended.Before(p.grace)
}

// asked is the wait that an endpoint asked for, as far as it is granted.
func asked(o Outcome) time.Duration {
	wait := min(o.RetryAfter, retryAfterCap)
	if o.Status == http.StatusTooManyRequests {
		wait = max(wait, retryThrottled)
	}
	return wait
}

// givenUp tells whoever reads the record of a dead letter why it is one, and that the account goes on without it.
func givenUp(attempts int, after time.Duration) string {
	if attempts == 1 {
		return "; given up after 1 attempt, later events of the account go on"
	}
	return fmt.Sprintf("; given up after %d attempts in %v, later events of the account go on", attempts, after.Round(time.Second))
}

// dueAt rounds to the outbox's resolution.
func dueAt(now time.Time, wait time.Duration) time.Time {
	return now.Add(wait).Truncate(time.Millisecond)
}
