package dispatch

import (
	"math"
	"time"
)

const (
	// limitStart is how many attempts an endpoint gets at a time after a start, until it has shown what it takes.
	limitStart = 16
	// limitWindow is the least number of answers that the limit is lowered by.
	limitWindow = 8
	// limitSlow is how many times its own baseline makes an answer slow.
	limitSlow = 2.5
	// limitBad is the part of a window's answers that must be bad to lower the limit.
	limitBad = 0.2
	// limitQuiet is the most attempts at a time that cannot be the reason why answers are slow.
	limitQuiet = 2
)

// limiter says how many attempts an endpoint gets at a time. It has no clock and no lock: it is told of each answer.
//
// It starts low and grows by one with each good answer, which doubles it in each round trip, until answers become slow or
// time out. From then on it grows by the root of itself in each round trip, and is lowered by up to half when a window of
// answers has a fifth of bad ones. It only grows while it is used. Slow means: much slower than this endpoint answers when
// it has little to do. So an endpoint that always takes a second is not slow, and one that takes longer the more it gets is
// given just as much as it handles at its own pace.
type limiter struct {
	most    int           // the configured concurrency
	timeout time.Duration // of an attempt
	limit   float64
	doubles bool          // it never had to be lowered since the start or the last recovery
	base    time.Duration // how long answers take with little to do; 0: not known

	// The window.
	answers, bad int
	quickest     time.Duration
	busiest      int
}

func newLimiter(most int, timeout time.Duration) limiter {
	return limiter{most: max(most, 1), timeout: timeout, limit: float64(min(limitStart, max(most, 1))), doubles: true}
}

// at returns how many attempts may be under way now, 1 or more.
func (l *limiter) at() int { return int(l.limit) }

// recover starts again from one.
func (l *limiter) recover() {
	l.limit, l.doubles = 1, true
	l.clear()
}

// ramped reports whether the limit has stopped doubling.
func (l *limiter) ramped() bool { return !l.doubles || l.at() >= l.most }

// answered is told of an answer and of how many attempts were under way then, this one included.
func (l *limiter) answered(took time.Duration, inFlight int) {
	if l.quickest == 0 || took < l.quickest {
		l.quickest = took
	}
	slow := l.base > 0 && took > l.slow()
	l.count(slow, inFlight)
	if slow || 2*inFlight < l.at() {
		return
	}
	if l.doubles {
		l.limit++
	} else {
		l.limit += 1 / math.Sqrt(l.limit)
	}
	l.limit = min(l.limit, float64(l.most))
}

// refused is told of an attempt that timed out, or whose answer asks for fewer attempts.
func (l *limiter) refused(inFlight int) { l.count(true, inFlight) }

// slow is how long an answer must take to be slow. What is short compared to the timeout is never slow, and what comes
// near to it is, unless that is how the endpoint is.
func (l *limiter) slow() time.Duration {
	line := time.Duration(limitSlow * float64(l.base))
	line = min(max(line, l.timeout/20), l.timeout*4/5)
	return max(line, l.base*5/4)
}

func (l *limiter) count(bad bool, inFlight int) {
	l.answers++
	if bad {
		l.bad++
	}
	l.busiest = max(l.busiest, inFlight)
	if l.answers < max(limitWindow, l.at()) && !(l.base == 0 && l.quickest > 0) {
		return
	}
	if part := float64(l.bad) / float64(l.answers); !l.learn() && part >= limitBad {
		l.limit, l.doubles = max(1, l.limit*(1-part/2)), false
	}
	l.clear()
}

// learn moves the baseline: down whenever an answer was quicker, up only while there was little to do. It reports whether
// the endpoint itself became slower.
func (l *limiter) learn() bool {
	switch {
	case l.quickest == 0:
	case l.base == 0, l.quickest < l.base:
		l.base = l.quickest
	case l.busiest <= limitQuiet:
		slower := l.quickest > l.slow()
		l.base = l.quickest
		l.doubles = l.doubles || slower
		return slower
	}
	return false
}

func (l *limiter) clear() { l.answers, l.bad, l.quickest, l.busiest = 0, 0, 0, 0 }
