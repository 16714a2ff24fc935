package dispatch

import (
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// held says what an endpoint was told to do, by its app's record and by its own 410.
type held struct {
	settings settings        // those in force
	known    bool            // settings are set
	updated  time.Time       // when the record was written
	since    time.Time       // when the endpoint was switched off or on; zero: since the start
	paused   *relation.Pause // by the record
	gone     *relation.Pause // by a 410 that is not in the record yet
}

// pause returns the pause in force, or nil.
func (h *held) pause() *relation.Pause {
	if h.paused != nil {
		return h.paused
	}
	return h.gone
}

// idle reports whether nothing is to be sent.
func (h *held) idle() bool { return h.settings.off() || h.pause() != nil }

// configure makes new attempts follow the app's record. Attempts under way finish as they began.
func (e *endpoint) configure(app *relation.App) {
	wanted := settingsOf(app, e.d.o.Budget)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	h := &e.state
	first, changed := !h.known, !h.known || !h.settings.equal(wanted)
	if changed || !h.updated.Equal(app.Updated) {
		h.gone = nil // what the endpoint said is past: the record was written since, perhaps to resume it
	}
	h.settings, h.known, h.updated, h.paused = wanted, true, app.Updated, app.Callback.Paused
	e.follow(first, changed)
}

// follow makes the endpoint do what held says. first says that it is new, changed that its settings are others.
func (e *endpoint) follow(first, changed bool) {
	switch {
	case e.state.idle():
		e.rest()
	case e.route == nil:
		e.resume(first)
	case changed:
		e.route.close()
		e.route = nil
		if e.open() {
			e.hurry(retryAfterCap) // the change may be the cure
		}
	}
}

// rest stops sending. What waits stays on disk.
func (e *endpoint) rest() {
	if e.route == nil {
		return
	}
	e.route.close()
	e.route = nil
	e.state.since = e.d.o.Now()
	e.dropReady()
}

// resume begins or goes on to send. Whatever waited gets some time to be tried before it is too old.
func (e *endpoint) resume(first bool) {
	if !e.open() {
		return
	}
	now, ahead := e.d.o.Now(), retryLongest // a start is no reason to come sooner than the endpoint asked for
	if !first {
		ahead = retryAfterCap
		e.state.since = now
		e.circuit.recover(now)
		e.recovers()
	}
	e.grace = now.Add(min(e.state.settings.policy.budget, graceAfterResume))
	e.hurry(ahead)
}

// open makes the route of the settings in force. It reports false when the URL cannot be called.
func (e *endpoint) open() bool {
	s := e.state.settings
	route, err := e.d.newRoute(e.sdkAppID, s)
	if err != nil {
		e.d.o.Log.Error("callbacks wait: the endpoint cannot be called", "sdkappid", e.sdkAppID, "error", err)
		e.dropReady()
		return false
	}
	e.route = route
	e.limit = newLimiter(s.concurrency, s.timeout)
	return true
}
