package dispatch

import (
	"context"
	"fmt"
	"slices"

	"github.com/kithchat/kith/internal/relation"
)

// errStopping is told to whoever would settle an event of an endpoint that is removed, or whose server stops.
var errStopping = fmt.Errorf("%w: the app is being deleted, or the server is stopping", relation.ErrUnavailable)

// claim takes an owner as a worker does, so that no attempt of the owner begins until the lane it returns is settled or given
// back. An attempt under way is waited for, with its verdict.
func (e *endpoint) claim(ctx context.Context, owner string) (*lane, error) {
	for {
		l, freed, err := e.tryClaim(owner)
		if freed == nil {
			return l, err
		}
		select {
		case <-freed:
		case <-e.gone:
			return nil, errStopping
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// tryClaim returns the lane, or a channel that is closed when it is worth trying again.
func (e *endpoint) tryClaim(owner string) (*lane, <-chan struct{}, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil, errStopping
	}
	switch l := e.lanes[owner]; {
	case l == nil:
	case l.state == laneBusy:
		if l.freed == nil {
			l.freed = make(chan struct{})
		}
		return nil, l.freed, nil
	case l.state == laneReady:
		e.withdraw(l)
	}
	l := &lane{owner: owner, state: laneBusy, more: true}
	e.lanes[owner] = l
	return l, nil, nil
}

// withdraw sends a ready lane back to disk.
func (e *endpoint) withdraw(l *lane) {
	if i := slices.Index(e.ready, l); i >= 0 {
		e.ready = slices.Delete(e.ready, i, i+1)
	}
	if g := e.guests.owners[l.owner]; g != nil && g.parked == l {
		g.parked = nil
	}
	e.drop(l)
}

// takeHead puts the owner's head, as it is on disk, into a claimed lane if it is the event with this key. Otherwise it gives
// the lane back.
func (e *endpoint) takeHead(ctx context.Context, l *lane, key relation.EventKey) (relation.Event, error) {
	heads, err := e.d.o.Outbox.Following(ctx, relation.EventKey{SDKAppID: key.SDKAppID, Owner: key.Owner}, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err != nil:
	case len(heads) == 0 || heads[0].Seq > key.Seq:
		err = relation.ErrSettled
	case heads[0].Seq < key.Seq:
		err = &relation.BehindError{Head: heads[0].ID}
	default:
		size := eventBytes(&heads[0])
		l.add(queued{Event: heads[0]}, size)
		e.bytes += size
		return heads[0], nil
	}
	e.release(l)
	return relation.Event{}, err
}

// release drops a lane whose events on disk nobody else looks for.
func (e *endpoint) release(l *lane) {
	e.drop(l)
	e.load.wanted = true
	e.wakeLoader()
}
