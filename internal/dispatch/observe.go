package dispatch

import (
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// The wait after faults of our own doubles from ownBase to ownCap, once for each ownStep faults in a row at an endpoint.
const (
	ownBase = time.Second
	ownCap  = 30 * time.Second
	ownStep = 16
)

// ownWait is how long an event waits after so many faults of our own in a row.
func ownWait(faults int) time.Duration { return min(ownCap, ownBase<<min(faults/ownStep, 5)) }

// observe learns from an attempt how the endpoint does, and decides about its event.
func (e *endpoint) observe(j job, t trial) relation.Settlement {
	e.mu.Lock()
	defer e.mu.Unlock()
	now, o := t.ended, t.outcome
	e.recent.count(now, o)
	t.ownWait = ownBase
	switch {
	case e.route != j.route && o.tells(): // of an endpoint that is not this one's any more
	case !o.tells():
		e.own++
		t.ownWait = ownWait(e.own - 1)
		if j.probe {
			e.circuit.delay(now, t.ownWait)
		}
	case o.Delivered(), o.Reason == ReasonAppError:
		e.answered(j, t)
	case o.Reason == ReasonGone:
		e.own = 0
		e.saidGone(j.route, now)
	default:
		e.own = 0
		e.failed(j, t)
	}
	p := j.route.policy
	p.grace = e.grace
	if j.guest != nil {
		p.budget = min(p.budget, replayBudget)
	}
	return p.decide(&j.head.Event, t)
}

// answered counts an answer of the app backend.
func (e *endpoint) answered(j job, t trial) {
	e.limit.answered(t.took(), e.workers)
	if e.own >= ownStep { // what waits for a fault of our own need not wait longer
		e.load.sweep(t.ended, retryLongest)
		e.wakeLoader()
	}
	e.own = 0
	if e.circuit.answered(t.ended, t.outcome.Delivered()) {
		e.recovers()
		e.load.sweep(t.ended, retryLongest)
		e.wakeLoader()
		e.d.o.Log.Info("callback endpoint works again", "sdkappid", e.sdkAppID, "endpoint", j.route.name())
	}
	e.calm()
	e.startWorkers() // the limit may have grown
}

// failed counts a failure of the endpoint.
func (e *endpoint) failed(j job, t trial) {
	o := t.outcome
	if o.Reason == ReasonTimeout || o.Status == http.StatusTooManyRequests || o.Status == http.StatusServiceUnavailable {
		e.limit.refused(e.workers)
	}
	if !e.circuit.failed(t.ended, j.probe, o.String(), asked(o), t.random) {
		return
	}
	e.load.horizon, e.load.passing, e.load.wanted = time.Time{}, false, true
	e.dropReady()
	e.wakeLoader()
	e.d.o.Log.Warn("callback endpoint fails; it is probed with one event at a time, the others wait",
		"sdkappid", e.sdkAppID, "endpoint", j.route.name(), "reason", o.String())
}

// deathsEvery is the least time between two log lines about dead letters of one endpoint.
const deathsEvery = time.Minute

// deaths keeps dead letters from flooding the log.
type deaths struct {
	told   time.Time // of the last line
	untold int       // since
}

// report tells the log and the metrics what becomes of an event that failed.
func (e *endpoint) report(event *relation.Event, o Outcome, s relation.Settlement) {
	switch s.Verdict {
	case relation.Dead:
		e.d.o.Metrics.Dead(e.sdkAppID, event.Kind, o.Reason)
		e.reportDeath(event, s)
	case relation.Retry:
		e.d.o.Metrics.Retried(e.sdkAppID, event.Kind)
		e.d.o.Log.Debug("callback failed", "sdkappid", e.sdkAppID, "event", event.ID,
			"command", string(event.Kind), "attempts", s.Attempts, "reason", s.Reason, "due", s.Due)
	case relation.Delivered:
	}
}

func (e *endpoint) reportDeath(event *relation.Event, s relation.Settlement) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.deaths.told.IsZero() && soon(s.At, e.deaths.told.Add(deathsEvery), deathsEvery) {
		e.deaths.untold++
		return
	}
	e.d.o.Log.Warn("callback given up; the event is a dead letter now", "sdkappid", e.sdkAppID, "event", event.ID,
		"command", string(event.Kind), "attempts", s.Attempts, "reason", s.Reason, "others_since_last_told", e.deaths.untold)
	e.deaths = deaths{told: s.At}
}
