package dispatch

import (
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// circuitAt is a circuit with a clock that a test moves.
type circuitAt struct {
	circuit
	now time.Time
}

func (c *circuitAt) fail(n int, probe bool, wait time.Duration) (opened bool) {
	for range n {
		opened = c.failed(c.now, probe, "status: 500", wait, 0) || opened
	}
	return opened
}

func (c *circuitAt) expect(t *testing.T, what string, want relation.EndpointState) {
	t.Helper()
	if c.state != want {
		t.Errorf("%s: %s, want %s", what, c.state, want)
	}
}

func newCircuitAt() *circuitAt { return &circuitAt{newCircuit(), time.Unix(1767225660, 0)} }

func TestCircuitOpensOnSteadyFailureOnly(t *testing.T) {
	c := newCircuitAt()
	for range 100 {
		c.fail(opensAfter-1, false, 0)
		c.answered(c.now, true)
	}
	c.expect(t, "others pass", relation.EndpointHealthy)
	c.fail(opensAfter-1, false, 0)
	c.answered(c.now, false)
	c.expect(t, "seven failures and an app-error", relation.EndpointHealthy)
	if !c.fail(1, false, 0) {
		t.Error("the app-error counts as a success")
	}
	c.expect(t, "eight failures", relation.EndpointFailing)
	if c.since != c.now || c.reason != "status: 500" {
		t.Errorf("since %v, reason %q", c.since, c.reason)
	}
	if c.fail(10, false, 0); !c.probeAt.Equal(c.now.Add(time.Second)) {
		t.Errorf("attempts that began before it failed put the probe off to %v", c.probeAt.Sub(c.now))
	}
}

func TestCircuitProbesAtGrowingIntervals(t *testing.T) {
	c := newCircuitAt()
	c.fail(opensAfter, false, 0)
	for i, want := range []int{1, 2, 4, 8, 16, 30, 30, 30} {
		wait := time.Duration(want) * time.Second
		if got := c.probeAt.Sub(c.now); got != wait {
			t.Errorf("probe %d after %v, want %v", i+1, got, wait)
		}
		c.now = c.probeAt
		c.fail(1, true, 0)
	}
	if got := probeWait(1000, 0.999999); got < 24*time.Second || got > probeCap {
		t.Errorf("with jitter %v, want 24 s to 30 s", got)
	}
	c.now = c.probeAt
	if c.fail(1, true, 2*time.Minute); c.probeAt.Sub(c.now) != 2*time.Minute {
		t.Errorf("the next probe is %v away, want what the endpoint asked for", c.probeAt.Sub(c.now))
	}
	c.delay(c.now, time.Minute)
	if c.probeAt.Sub(c.now) != 2*time.Minute {
		t.Error("a shorter wait brought the probe forward")
	}
}

func TestCircuitRecovers(t *testing.T) {
	c := newCircuitAt()
	c.fail(opensAfter, false, 0)
	c.now = c.now.Add(time.Hour)
	for range 4 {
		c.fail(1, true, 0)
	}
	if !c.answered(c.now, false) {
		t.Error("an app-error to a probe does not show that the endpoint is back")
	}
	c.expect(t, "answered", relation.EndpointRecovering)
	if c.since != c.now || c.reason != "" {
		t.Errorf("since %v, reason %q", c.since, c.reason)
	}
	c.fail(opensAfter-1, false, 0)
	c.expect(t, "seven failures while recovering", relation.EndpointRecovering)
	c.answered(c.now, true)
	c.fail(opensAfter-1, false, 0)
	c.expect(t, "and seven more after a success", relation.EndpointRecovering)
	c.fail(1, false, 0)
	c.expect(t, "eight", relation.EndpointFailing)
	if got := c.probeAt.Sub(c.now); got != 4*time.Second {
		t.Errorf("the probes begin anew with %v, so a flapping endpoint is hammered", got)
	}
	c.close(c.now)
	c.recovered(c.now)
	c.expect(t, "at full speed", relation.EndpointHealthy)
	if c.fail(opensAfter, false, 0); c.probeAt.Sub(c.now) != probeBase {
		t.Errorf("after it was healthy, the first probe goes after %v", c.probeAt.Sub(c.now))
	}
}
