package dispatch

import "github.com/kithchat/kith/internal/relation"

// guest is an event that a replay sends again through the endpoint of its app.
type guest struct {
	event  relation.Event // Attempts and BudgetFrom count within the replay
	replay string
	// cancelled reports whether it need not be sent any more. It is called with the endpoint's mutex held.
	cancelled func() bool
	// back hands the guest back, once and without blocking. A zero visit says that it was not sent.
	back func(visit)
}

type guestState uint8

const (
	guestReady   guestState = iota // in the ready queue
	guestWaiting                   // for the account's live event
	guestBusy                      // its first guest's attempt is under way
)

// guestLane is an account with guests, in the order in which they came. Its guests and the events of its lane are sent one at
// a time, whichever comes first.
type guestLane struct {
	owner  string
	state  guestState
	guests []*guest
	parked *lane // ready, and waiting for the attempt under way
}

// guests are all guests of an endpoint, guarded by its mutex.
type guests struct {
	owners map[string]*guestLane
	ready  []*guestLane
	busy   int
	last   bool       // the last lane taken was one of guests
	probe  *guestLane // whose guest is the probe, while the endpoint fails
}

// room reports whether one more guest may be sent: live events keep half of the endpoint's limit.
func (g *guests) room(limit int) bool { return g.busy < max(1, limit/2) }

// welcome takes a guest. It reports false when the endpoint sends nothing now. One that fails takes a guest as its probe when
// it is time for one, since nothing else may be there to probe it with.
func (e *endpoint) welcome(g *guest) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.hasRoomForGuests() {
		return false
	}
	l := e.guests.owners[g.event.Owner]
	if l == nil {
		l = &guestLane{owner: g.event.Owner}
		e.guests.owners[l.owner] = l
		e.guests.ready = append(e.guests.ready, l)
	}
	l.guests = append(l.guests, g)
	if e.circuit.failing() {
		e.guests.probe = l
	}
	e.startWorkers()
	return true
}

// takesGuests reports whether welcome would take one.
func (e *endpoint) takesGuests() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.hasRoomForGuests()
}

func (e *endpoint) hasRoomForGuests() bool {
	switch {
	case e.closed || e.route == nil:
		return false
	case !e.circuit.failing():
		return true
	}
	return e.probe == nil && e.guests.probe == nil && !soon(e.d.o.Now(), e.circuit.probeAt, retryAfterCap)
}

// takeGuest returns the next account whose guest can be sent now, or nil.
func (e *endpoint) takeGuest() *guestLane {
	s := &e.guests
	if len(e.ready) > 0 && s.last {
		return nil // a live event's turn
	}
	for len(s.ready) > 0 && s.room(e.limit.at()) {
		l := s.ready[0]
		s.ready[0] = nil
		s.ready = s.ready[1:]
		e.dismissCancelled(l)
		switch live := e.lanes[l.owner]; {
		case len(l.guests) == 0:
			e.unpark(l)
			delete(s.owners, l.owner)
			if s.probe == l {
				s.probe = nil
			}
		case live != nil && live.state == laneBusy:
			l.state = guestWaiting
		default:
			l.state = guestBusy
			s.busy++
			return l
		}
	}
	return nil
}

// parks reports whether a lane has to wait for a guest of its account, and sees to it that it comes back.
func (e *endpoint) parks(l *lane) bool {
	g := e.guests.owners[l.owner]
	if g == nil || g.state != guestBusy {
		return false
	}
	g.parked = l
	return true
}

// unpark makes a lane ready that waited for a guest.
func (e *endpoint) unpark(g *guestLane) {
	if g.parked != nil {
		e.ready = append(e.ready, g.parked)
		g.parked = nil
	}
}

// released lets an account's guests go on after its live event.
func (e *endpoint) released(owner string) {
	if g := e.guests.owners[owner]; g != nil && g.state == guestWaiting {
		g.state = guestReady
		e.guests.ready = append([]*guestLane{g}, e.guests.ready...)
		e.startWorkers()
	}
}
