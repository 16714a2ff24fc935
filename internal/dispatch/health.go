package dispatch

import "time"

const (
	// failingAfter is how many attempts must fail in a row, over all owners, until the endpoint counts as failing.
	failingAfter = 8
	// failingGap is the time between attempts at a failing endpoint. It keeps a backlog from hammering an endpoint that
	// refuses at once, and the store from being busy with retries, and still notices within moments that it is back.
	failingGap = 10 * time.Millisecond
)

// health tells an endpoint that fails from one that refuses some events. While it fails, attempts are spaced out.
type health struct {
	failures int           // in a row
	early    chan struct{} // open while failing; closed on recovery
	slotAt   time.Time     // when the next attempt may start, while failing
}

type healthChange uint8

const (
	healthSame     healthChange = iota
	healthStumbled              // the first failure after a success
	healthFailed
	healthRecovered
)

func (h *health) failing() bool { return h.early != nil }

// observe counts an attempt.
func (h *health) observe(delivered bool) healthChange {
	if delivered {
		failed := h.failing()
		h.reset()
		if failed {
			return healthRecovered
		}
		return healthSame
	}
	h.failures++
	if h.failures == 1 {
		return healthStumbled
	}
	if h.failures < failingAfter || h.failing() {
		return healthSame
	}
	h.early = make(chan struct{})
	return healthFailed
}

// reset forgets the failures and lets attempts that wait for their slot start.
func (h *health) reset() {
	h.failures = 0
	if h.failing() {
		close(h.early)
		h.early = nil
	}
}

// slot returns when the next attempt may start, zero for at once, and a channel that is closed when it may start earlier.
func (h *health) slot(now time.Time) (time.Time, <-chan struct{}) {
	if !h.failing() {
		return time.Time{}, nil
	}
	if h.slotAt.Before(now) {
		h.slotAt = now
	}
	start := h.slotAt
	h.slotAt = start.Add(failingGap)
	return start, h.early
}
