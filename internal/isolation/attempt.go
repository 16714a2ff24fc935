package isolation

import "time"

// quickAnswer is how long an endpoint takes at most for whose attempts the limit holds as it is.
const quickAnswer = time.Millisecond

// Attempt reports whether one more attempt to tell an app's endpoint may begin beside others under way. The endpoint takes about
// answers long for each, 0 if that is not known: one that takes longer is let have more at a time. Whoever is refused asks again when
// one of the others has ended.
func (s *Isolation) Attempt(app uint32, others int, answers time.Duration) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.of(app, now)
	s.look(now)
	if !s.limited || others < s.limit*int(max(1, answers/quickAnswer)) {
		return true
	}
	s.refused = true
	return false
}
