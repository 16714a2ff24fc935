package dispatch

import (
	"time"

	"github.com/kithchat/kith/internal/relation"
)

const (
	// opensAfter is how many attempts must fail in a row, over all owners, until an endpoint counts as failing.
	opensAfter = 8
	// The time between two probes doubles from probeBase to probeCap.
	probeBase = time.Second
	probeCap  = 30 * time.Second
)

// circuit tells an endpoint that fails from one that refuses some events. It has no clock and no lock.
//
//	          8 failures in a row             a probe is answered
//	healthy ───────────────────────▶ failing ─────────────────────▶ recovering
//	   ▲                                ▲                            │     │
//	   │                                └──── 8 failures in a row ───┘     │
//	   └───────────── at full speed, or nothing waits any more ────────────┘
type circuit struct {
	state    relation.EndpointState
	since    time.Time // zero: since the endpoint was made
	reason   string    // the last failure, while failing
	failures int       // in a row
	probes   int       // that failed since it was healthy; halved by each recovery
	probeAt  time.Time // when the next probe may go, while failing
}

func newCircuit() circuit { return circuit{state: relation.EndpointHealthy} }

func (c *circuit) failing() bool { return c.state == relation.EndpointFailing }

func (c *circuit) recovering() bool { return c.state == relation.EndpointRecovering }

// failed counts a failure that is the endpoint's, and reports whether the circuit opened by it. wait is what the endpoint
// asked for.
func (c *circuit) failed(now time.Time, probe bool, reason string, wait time.Duration, random float64) bool {
	c.failures++
	switch {
	case c.failing():
		if probe {
			c.probes++
			c.reason, c.probeAt = reason, now.Add(max(probeWait(c.probes, random), wait))
		}
		c.delay(now, wait)
		return false
	case c.failures < opensAfter:
		return false
	}
	c.enter(relation.EndpointFailing, now)
	c.reason, c.probeAt = reason, now.Add(max(probeWait(c.probes, random), wait))
	return true
}

// delay keeps the next probe from going before a wait that the endpoint asked for, or that a fault of our own makes.
func (c *circuit) delay(now time.Time, wait time.Duration) {
	if at := now.Add(wait); c.failing() && c.probeAt.Before(at) {
		c.probeAt = at
	}
}

// answered counts an attempt that the app backend answered, and reports whether the circuit closed by it. An answer with
// another ErrorCode than 0 shows that a failing endpoint is back; else it says nothing about the endpoint.
func (c *circuit) answered(now time.Time, delivered bool) bool {
	if delivered || c.failing() {
		c.failures = 0
	}
	return c.close(now)
}

// close makes a failing endpoint a recovering one.
func (c *circuit) close(now time.Time) bool {
	if !c.failing() {
		return false
	}
	c.recover(now)
	return true
}

// recover begins a recovery, from whichever state.
func (c *circuit) recover(now time.Time) {
	c.enter(relation.EndpointRecovering, now)
	c.failures, c.reason, c.probeAt, c.probes = 0, "", time.Time{}, c.probes/2
}

// recovered ends a recovery.
func (c *circuit) recovered(now time.Time) {
	c.enter(relation.EndpointHealthy, now)
	c.probes = 0
}

func (c *circuit) enter(state relation.EndpointState, now time.Time) { c.state, c.since = state, now }

// probeWait is the time before the next probe when so many have failed, shortened by up to a fifth.
func probeWait(failed int, random float64) time.Duration {
	wait := probeCap
	if failed < 5 {
		wait = min(probeCap, probeBase<<max(failed, 0))
	}
	return time.Duration(float64(wait) * (1 - random/5))
}
