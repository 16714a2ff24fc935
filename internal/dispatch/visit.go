package dispatch

import (
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// visit is what came of sending a guest.
type visit struct {
	made    bool
	verdict relation.Verdict
	due     time.Time // Retry only
	from    time.Time // BudgetFrom from now on; Retry only
	reason  string
	fault   bool // of our own
	attempt relation.Attempt
}

// sendGuest makes one attempt for an account's first guest.
func (e *endpoint) sendGuest(j job) {
	g := j.guest
	q := queued{Event: g.event}
	m := messageOf(&q.Event)
	m.replay = g.replay
	t, ok := e.d.attempt(e.d.attempts, j.route, &q, m)
	v := visit{}
	if ok {
		j.head = q
		s := e.observe(j, t)
		v = visit{
			made: true, verdict: s.Verdict, due: s.Due, from: s.BudgetFrom, reason: s.Reason, fault: t.outcome.Ours, attempt: t.record,
		}
		if j.probe && s.Verdict != relation.Delivered && t.outcome.Reason != ReasonAppError {
			// That the endpoint still fails says nothing about the event, and costs it nothing.
			v.verdict, v.due, v.from, v.fault = relation.Retry, t.ended, g.event.BudgetFrom, true
		}
		e.d.tell(j.route, &q.Event, t, v.verdict, v.due)
	}
	e.leave(j.host)
	g.back(v)
}

// leave moves an account on after its guest's attempt.
func (e *endpoint) leave(l *guestLane) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.guests.busy--
	if e.guests.probe == l {
		e.guests.probe = nil
		e.wakeLoader()
	}
	l.guests = l.guests[1:]
	l.state = guestReady
	e.unpark(l)
	if len(l.guests) == 0 {
		delete(e.guests.owners, l.owner)
	} else {
		e.guests.ready = append(e.guests.ready, l)
	}
	e.startWorkers()
}

func (e *endpoint) dismissCancelled(l *guestLane) {
	for len(l.guests) > 0 && l.guests[0].cancelled() {
		l.guests[0].back(visit{})
		l.guests = l.guests[1:]
	}
}

// dismissGuests hands back all guests whose attempts have not begun, and drops the lanes that wait for the others.
func (e *endpoint) dismissGuests() {
	for owner, l := range e.guests.owners {
		keep := 0
		if l.state == guestBusy {
			keep = 1
		} else {
			delete(e.guests.owners, owner)
		}
		for _, g := range l.guests[keep:] {
			g.back(visit{})
		}
		l.guests = l.guests[:keep]
		if l.parked != nil {
			parked := l.parked
			l.parked = nil
			e.drop(parked)
		}
	}
	e.guests.ready = nil
	if l := e.guests.probe; l != nil && l.state != guestBusy {
		e.guests.probe = nil
	}
}
