package dispatch

import (
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// offer takes events of this app that were just committed at about now, in order of Seq for each owner.
func (e *endpoint) offer(events []relation.Event, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.route == nil {
		return
	}
	for i := range events {
		e.offerOne(queued{Event: events[i], offered: now})
	}
	e.startWorkers()
	if e.circuit.failing() && e.probe == nil && !e.circuit.probeAt.After(now) {
		e.wakeLoader()
	}
}

func (e *endpoint) offerOne(q queued) {
	l := e.lanes[q.Owner]
	switch {
	case l != nil && l.state != laneIdle:
		if l.push(q, e.d.o.MaxBytes-e.bytes) {
			e.bytes += eventBytes(&q.Event)
		}
	case !q.Head:
		// Its head waits on disk. When that is settled, the outbox names this event as the next head.
	case e.circuit.failing():
		e.load.wanted = true
	case e.roomForOffer(eventBytes(&q.Event)):
		e.admit(q, false)
	default:
		e.load.wanted = true
		e.wakeLoader()
	}
}

// admit makes a lane for a head. more says that later events of its owner wait on disk.
func (e *endpoint) admit(q queued, more bool) {
	l := &lane{owner: q.Owner, more: more}
	size := eventBytes(&q.Event)
	l.add(q, size)
	e.bytes += size
	e.lanes[q.Owner] = l
	e.ready = append(e.ready, l)
}

// wakeIfRoom makes the loader go on when it waits for room and there is enough.
func (e *endpoint) wakeIfRoom() {
	if e.load.waiting() && e.roomToLoad() {
		e.wakeLoader()
	}
}

// roomForOffer reports whether a head that was just committed can be taken. While older heads wait on disk, only a part of
// the lanes is given to newer ones, so that the older get their turn.
func (e *endpoint) roomForOffer(size int) bool {
	limit := e.d.o.MaxLanes
	if e.load.waiting() {
		limit /= 4
	}
	return len(e.lanes) < max(limit, 1) && e.roomFor(size)
}

// roomFor reports whether an event fits into memory. The first always does.
func (e *endpoint) roomFor(size int) bool {
	return e.bytes == 0 || e.bytes+size <= e.d.o.MaxBytes
}

// roomToLoad reports whether enough is free to make a read of the disk worth it.
func (e *endpoint) roomToLoad() bool {
	return len(e.lanes) <= e.d.o.MaxLanes/2 && e.bytes <= e.d.o.MaxBytes/2
}
