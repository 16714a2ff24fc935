package dispatch

import (
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// laneQueue is how many events of one owner are kept in memory; later ones are read again when it is their turn.
const laneQueue = 16

type laneState uint8

const (
	// laneReady: in the endpoint's ready queue, waiting for a worker.
	laneReady laneState = iota
	// laneBusy: an attempt is under way, or its verdict is on the way to disk.
	laneBusy
	// laneIdle: done, but kept while a load is under way, because what that load read may still hold the lane's event.
	laneIdle
)

// lane is an owner whose head can be sent now, with the events that follow. It is guarded by its endpoint's mutex.
type lane struct {
	owner string
	state laneState
	queue []queued
	bytes int
	// tail is the Seq of the last event that was put into the queue, whether it is still there or not.
	tail int64
	// more says that events after tail wait on disk.
	more bool
	// freed is closed when the lane is not busy any more, for claims; nil: nobody waits for that.
	freed chan struct{}
}

// free lets claims go on.
func (l *lane) free() {
	if l.freed != nil {
		close(l.freed)
		l.freed = nil
	}
}

// queued is an event in memory. offered is when its commit was reported, zero when it was read from disk.
type queued struct {
	relation.Event
	offered time.Time
}

// push appends an event and reports whether it took it. It takes nothing but the event directly after tail: after a gap,
// the outbox is asked. An event up to tail is known already.
func (l *lane) push(e queued, room int) bool {
	if e.Seq <= l.tail {
		return false
	}
	size := eventBytes(&e.Event)
	if l.more || e.Seq != l.tail+1 || len(l.queue) >= laneQueue || size > room {
		l.more = true
		return false
	}
	l.add(e, size)
	return true
}

func (l *lane) add(e queued, size int) {
	l.queue = append(l.queue, e)
	l.bytes += size
	l.tail = e.Seq
}

// pop removes the head and returns its size.
func (l *lane) pop() int {
	size := eventBytes(&l.queue[0].Event)
	l.queue[0] = queued{}
	l.queue = l.queue[1:]
	l.bytes -= size
	return size
}

// eventBytes estimates what an event takes in memory.
func eventBytes(e *relation.Event) int {
	const fixed, state, perText = 256, 64, 16
	size := fixed + len(e.Owner) + len(e.ID) + len(e.Origin.ClientIP)
	for _, target := range e.Targets {
		size += perText + len(target)
	}
	if e.State == nil {
		return size
	}
	for _, platform := range e.State.Kicked {
		size += perText + len(platform)
	}
	return size + state + len(e.State.Action) + len(e.State.Reason)
}
