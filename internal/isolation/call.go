package isolation

import (
	"context"
	"slices"
)

// Enter waits until a call of an app may begin. It fails with the error of ctx when that ends first. After a nil, call Leave.
func (s *Isolation) Enter(ctx context.Context, app uint32) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	now := s.now()
	w := s.of(app, now)
	s.look(now)
	if len(w.waiting) == 0 && s.room(w) {
		w.under++
		s.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	w.waiting = append(w.waiting, turn)
	s.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(w.waiting, turn); i >= 0 {
		w.waiting = slices.Delete(w.waiting, i, i+1)
	} else { // its turn came at the same moment
		w.under--
		s.admit(w)
	}
	return ctx.Err()
}

// Leave ends a call that Enter let begin.
func (s *Isolation) Leave(app uint32) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.apps[app]
	w.under--
	s.look(s.now())
	s.admit(w)
}

func (s *Isolation) room(w *work) bool { return !s.limited || w.under < s.limit }

// admit lets calls begin that waited, as far as there is room.
func (s *Isolation) admit(w *work) {
	n := 0
	for ; n < len(w.waiting) && s.room(w); n++ {
		w.under++
		close(w.waiting[n])
	}
	w.waiting = slices.Delete(w.waiting, 0, n)
}

// Held returns how many calls of each app wait, of those that were at work lately.
func (s *Isolation) Held() map[uint32]int {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := make(map[uint32]int, len(s.apps))
	for app, w := range s.apps {
		n[app] = len(w.waiting)
	}
	return n
}
