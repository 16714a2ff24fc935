package webhook

import (
	"context"
	"errors"
	"sync"
)

// errRunning puts a repetition off until the first delivery is decided.
var errRunning = errors.New("the same event is still being handled: send it again later")

// eventKey identifies an event. Ids of different apps never meet.
type eventKey struct {
	app uint32
	id  string
}

// delivery identifies what is handled once: an event, or a replay of it.
type delivery struct {
	eventKey
	replay string // empty: none
}

// seen remembers the latest handled deliveries, up to a fixed number, and the events being handled now. Its methods are safe
// for concurrent use.
type seen struct {
	mu      sync.Mutex
	running map[eventKey]struct{}
	done    map[delivery]struct{}
	size    int
	ring    []delivery // the keys of done; grows to size, then each key replaces the oldest
	oldest  int
}

func newSeen(size int) *seen {
	return &seen{
		running: make(map[eventKey]struct{}),
		done:    make(map[delivery]struct{}),
		size:    size,
	}
}

// once returns call such that it runs for one delivery of the event at a time, and never again for the same delivery after
// it returned nil. One whose call failed or panicked is not remembered.
func (s *seen) once(key delivery, call func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		known, err := s.begin(key)
		if known || err != nil {
			return err
		}
		handled := false
		defer func() { s.end(key, handled) }()
		err = call(ctx)
		handled = err == nil
		return err
	}
}

func (s *seen) begin(key delivery) (known bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.done[key]; ok {
		return true, nil
	}
	if _, ok := s.running[key.eventKey]; ok {
		return false, errRunning
	}
	s.running[key.eventKey] = struct{}{}
	return false, nil
}

func (s *seen) end(key delivery, handled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, key.eventKey)
	if !handled {
		return
	}
	s.done[key] = struct{}{}
	if len(s.ring) < s.size {
		s.ring = append(s.ring, key)
		return
	}
	delete(s.done, s.ring[s.oldest])
	s.ring[s.oldest] = key
	s.oldest = (s.oldest + 1) % len(s.ring)
}
