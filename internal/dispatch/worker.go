package dispatch

import (
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// job is a lane that a worker took, with what it needs for an attempt.
type job struct {
	lane  *lane
	head  queued
	empty bool  // the lane's events are on disk; read them after tail
	tail  int64 // the lane's, for reading on
	route *route
	probe bool
	guest *guest // nil: lane
	host  *guestLane
}

// turn is when a worker may take something: after a wait, or, if it is not granted, when it has asked again after the wait.
type turn struct {
	wait    time.Duration
	granted bool
}

// turnAgain is the time between two questions for a turn after one was refused.
const turnAgain = 10 * time.Millisecond

// startWorkers starts workers for ready lanes, up to the endpoint's limit, while more turns can be had.
func (e *endpoint) startWorkers() {
	if e.closed || e.route == nil {
		return
	}
	for n := len(e.ready) + len(e.guests.ready); n > 0 && e.room(e.workers); n-- {
		t, ok := e.askTurn()
		if !ok {
			return
		}
		e.workers++
		e.d.workers.Go(func() { e.work(t) })
	}
}

// room reports whether one more attempt may be made beside some others. A probe always may.
func (e *endpoint) room(others int) bool { return e.circuit.failing() || others < e.limit.at() }

// askTurn asks the isolation for a worker's turn. When that refuses, one worker is enough to ask again, and askTurn reports false for
// all others. A probe now and then is no work that others could feel.
func (e *endpoint) askTurn() (t turn, ok bool) {
	t.granted = e.circuit.failing()
	if !t.granted {
		t.wait, t.granted = e.d.o.Isolation.Attempt(e.sdkAppID)
	}
	if !t.granted {
		if e.asking {
			return turn{}, false
		}
		e.asking, t.wait = true, turnAgain
	}
	e.waiting++
	return t, true
}

// work takes lanes until none is ready, or enough other workers wait.
func (e *endpoint) work(t turn) {
	for ok := true; ok; t, ok = e.nextTurn(t) {
		e.await(t.wait)
		if !t.granted {
			continue
		}
		j, taken := e.take()
		switch {
		case !taken:
			return
		case j.guest != nil:
			e.sendGuest(j)
		default:
			e.attempt(j)
		}
	}
}

// nextTurn is for a worker whose last turn is over. It ends the worker when it reports false.
func (e *endpoint) nextTurn(last turn) (t turn, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !last.granted {
		e.asking = false
		e.waiting--
	}
	if e.takes() {
		t, ok = e.askTurn()
	}
	switch {
	case !ok:
		e.workers--
	case t.granted && !last.granted:
		e.startWorkers() // what it may take now can take long, and nobody else asks for the others that are ready
	}
	return t, ok
}

// await lets time pass, unless the endpoint is closed.
func (e *endpoint) await(wait time.Duration) {
	if wait == 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-e.gone:
	}
}

// takes reports whether a worker may take something, and there may be something for it.
func (e *endpoint) takes() bool {
	return !e.closed && e.route != nil && len(e.ready)+len(e.guests.ready) > 0 && e.room(e.workers-1)
}

func (e *endpoint) take() (job, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting--
	if e.takes() {
		if g := e.takeGuest(); g != nil {
			e.guests.last = true
			return job{guest: g.guests[0], host: g, route: e.route, probe: g == e.guests.probe}, true
		}
		if l := e.takeLane(); l != nil {
			e.guests.last = false
			j := job{lane: l, tail: l.tail, empty: len(l.queue) == 0, route: e.route, probe: l == e.probe}
			if !j.empty {
				j.head = l.queue[0]
			}
			return j, true
		}
		e.guests.last = false
		if g := e.takeGuest(); g != nil { // all lanes wait for guests
			return job{guest: g.guests[0], host: g, route: e.route, probe: g == e.guests.probe}, true
		}
	}
	e.workers--
	return job{}, false
}

// takeLane returns the next lane whose head can be sent now, or nil.
func (e *endpoint) takeLane() *lane {
	for len(e.ready) > 0 {
		l := e.ready[0]
		e.ready[0] = nil
		e.ready = e.ready[1:]
		if !e.parks(l) {
			l.state = laneBusy
			return l
		}
	}
	return nil
}

// attempt makes one attempt for a lane and hands its verdict to the settler.
func (e *endpoint) attempt(j job) {
	if j.empty && !e.readOn(&j) {
		return
	}
	if !e.begin(j) {
		return
	}
	t, ok := e.d.attempt(e.d.attempts, j.route, &j.head, messageOf(&j.head.Event))
	if !ok {
		return // the dispatcher is being stopped by force; the lane is not needed any more
	}
	s := e.observe(j, t)
	s.Attempt = t.record
	e.d.tell(j.route, &j.head.Event, t, s.Verdict, s.Due)
	e.report(&j.head.Event, t.outcome, s)
	e.d.settler.add(verdict{s, func(more bool) { e.settled(j.lane, s, more) }})
}

// readOn reads a lane's next events from disk. When there is none, or the disk fails, it drops the lane.
func (e *endpoint) readOn(j *job) bool {
	e.mu.Lock()
	j.lane.more = false // an Offer during the read sets it again
	e.mu.Unlock()
	key := relation.EventKey{SDKAppID: e.sdkAppID, Owner: j.lane.owner, Seq: j.tail}
	events, err := e.d.o.Outbox.Following(e.d.reads, key, laneQueue)

	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		e.append(j.lane, events)
	} else if e.d.reads.Err() == nil {
		e.d.o.Log.Warn("waiting events cannot be read; trying again", "sdkappid", e.sdkAppID, "error", err)
	}
	if len(j.lane.queue) == 0 {
		if err != nil || j.lane.more {
			e.load.wanted = true
			e.load.hold(e.d.o.Now())
		}
		e.drop(j.lane)
		return false
	}
	j.lane.more = j.lane.more || err != nil
	j.head = j.lane.queue[0]
	return true
}

// append adds events that were read to their lane, as far as there is room. One always has.
func (e *endpoint) append(l *lane, events []relation.Event) {
	for _, event := range events {
		if event.Seq <= l.tail {
			continue // offered during the read
		}
		size := eventBytes(&event)
		if len(l.queue) > 0 && !e.roomFor(size) {
			l.more = true
			return
		}
		l.add(queued{Event: event}, size)
		e.bytes += size
	}
	l.more = l.more || len(events) == laneQueue
}

// begin reports whether the attempt may be made: the settings can have changed since its lane was taken. If they did, the
// lane is made ready to be taken with the new ones, or dropped when there are none.
func (e *endpoint) begin(j job) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed || e.route == nil:
		e.drop(j.lane)
		return false
	case e.route != j.route:
		j.lane.state = laneReady
		j.lane.free()
		e.ready = append(e.ready, j.lane)
		return false
	}
	return true
}
