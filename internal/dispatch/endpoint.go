package dispatch

import (
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// endpoint sends the events of one app. Its state is guarded by mu, which is held for moments only and never over I/O, so
// that Offer cannot block.
//
// The loader (load.go) brings lanes from disk, Offer brings them right after a commit, workers (worker.go) take them from
// ready, and settled decides where each goes next.
type endpoint struct {
	d        *Dispatcher
	sdkAppID uint32
	wake     chan struct{} // capacity 1; makes the loader look again
	gone     chan struct{} // closed when the endpoint is removed

	mu      sync.Mutex
	closed  bool // removed or stopping: nothing new is started
	state   held
	route   *route           // nil: nothing is sent
	lanes   map[string]*lane // by owner
	bytes   int              // of all lanes
	ready   []*lane          // with something to send, in order of arrival
	workers int              // attempts under way, or about to begin
	waiting int              // workers whose attempts are not under way: they wait for their turn
	asking  bool             // a worker asks for its turn again
	circuit circuit
	limit   limiter
	probe   *lane     // whose head is the probe, while the endpoint fails
	grace   time.Time // until when no event is given up for its age
	own     int       // faults of our own in a row
	deaths  deaths
	load    load
	guests  guests
	recent  recent
	began   time.Time // when it was made
}

func newEndpoint(d *Dispatcher, sdkAppID uint32) *endpoint {
	return &endpoint{
		circuit:  newCircuit(),
		began:    d.o.Now(),
		d:        d,
		sdkAppID: sdkAppID,
		wake:     make(chan struct{}, 1),
		gone:     make(chan struct{}),
		lanes:    map[string]*lane{},
		guests:   guests{owners: map[string]*guestLane{}},
	}
}

// recheck is for whoever saw that the endpoint works.
func (e *endpoint) recheck() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed && e.route != nil {
		e.hurry(retryAfterCap)
	}
}

// hurry ends a failure, and brings events forward that are due at most so far ahead: all those that wait for a retry within
// retryAfterCap, those that the endpoint did not ask to wait longer for within retryLongest.
func (e *endpoint) hurry(ahead time.Duration) {
	now := e.d.o.Now()
	if e.circuit.close(now) {
		e.recovers()
	}
	e.own = 0
	e.load.sweep(now, ahead)
	e.startWorkers()
	e.wakeLoader()
}

// recovers follows the circuit to recovering.
func (e *endpoint) recovers() {
	e.limit.recover()
	e.probe = nil
	e.load.passing, e.load.wanted = false, true
}

// dropReady sends all lanes that are not busy back to disk, and guests to who sent them.
func (e *endpoint) dropReady() {
	e.dismissGuests()
	for _, l := range e.ready {
		e.drop(l)
	}
	e.ready = nil
}

// settled moves a lane on after the verdict on its head became durable. more says that the outbox has a next head.
func (e *endpoint) settled(l *lane, s relation.Settlement, more bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.bytes -= l.pop()
	switch {
	case s.Verdict == relation.Retry:
		e.drop(l)
		e.lookAt(s.Due)
	case e.circuit.failing():
		e.drop(l)
	case l.freed != nil: // whoever claims it comes before the next event
		e.release(l)
	case e.route != nil && !e.closed && (len(l.queue) > 0 || l.more || more):
		l.more = l.more || len(l.queue) == 0
		l.state = laneReady
		e.ready = append(e.ready, l)
		e.released(l.owner)
		e.startWorkers()
	default:
		e.drop(l)
	}
	if e.circuit.failing() && e.probe == nil {
		e.load.wanted = true
		e.wakeLoader()
	}
	e.calm()
	e.wakeIfRoom()
}

// calm ends a recovery when the endpoint is at full speed, or has nothing left to do.
func (e *endpoint) calm() {
	if e.circuit.recovering() && (e.limit.ramped() || len(e.lanes) == 0 && !e.load.waiting()) {
		e.circuit.recovered(e.d.o.Now())
	}
}

// drop removes a lane from memory. What it still holds is on disk.
func (e *endpoint) drop(l *lane) {
	l.free()
	if e.probe == l {
		e.probe = nil
		e.load.wanted = true
		e.wakeLoader()
	}
	e.bytes -= l.bytes
	l.queue, l.bytes, l.more = nil, 0, false
	l.state = laneIdle
	if e.load.loading {
		e.load.idle = append(e.load.idle, l)
	} else {
		delete(e.lanes, l.owner)
		e.wakeIfRoom()
	}
	e.released(l.owner)
}

// lookAt makes the loader look for due heads at a time, or earlier.
func (e *endpoint) lookAt(at time.Time) {
	if at.Before(e.load.next) {
		e.load.next = at
		e.wakeLoader()
	}
}

func (e *endpoint) wakeLoader() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// close stops new attempts for good. Attempts under way finish and are settled.
func (e *endpoint) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.closed = true
	close(e.gone)
	e.dropReady()
	if e.route != nil {
		e.route.close()
	}
}

// closeIdle lets go of the connections that the last attempts left behind.
func (e *endpoint) closeIdle() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.route != nil {
		e.route.close()
	}
}
