package isolation

import "time"

const (
	// What an app is told at most, where that is limited, in attempts a second. It starts anew from rateStart. rateLeast is so
	// much that few apps ever want it, for processors can be busy with what is not ours.
	rateLeast = 1000
	rateStart = 2000
	rateMost  = 1 << 20
	// burst is for how long an app may save up what it does not use.
	burst = 5 * time.Millisecond
	// longestWait is for how long attempts wait at most; what would wait longer need not begin to wait yet.
	longestWait = 10 * time.Millisecond
)

// Attempt returns how long an attempt to tell an app something has to wait before it may begin; 0: not at all. It reports false when
// enough attempts of the app wait already; then this one is to be asked about again after one of them began. An attempt costs the
// same whether its endpoint is quick or slow, so what is limited is how many begin in a time, not how many are under way.
func (s *Isolation) Attempt(app uint32) (wait time.Duration, ok bool) {
	if s == nil {
		return 0, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	w := s.of(app, now)
	s.look(now)
	if !s.limited {
		return 0, true
	}
	if early := now.Add(-burst); w.next.Before(early) {
		w.next = early
	}
	if wait = max(0, w.next.Sub(now)); wait > 0 {
		s.delayed = true
	}
	if wait > longestWait {
		return 0, false
	}
	w.next = w.next.Add(time.Second / time.Duration(s.rate))
	return wait, true
}
