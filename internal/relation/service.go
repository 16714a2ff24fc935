package relation

import "time"

// Service carries out calls: it runs a rule on what the store read and has the change committed. Make one with
// NewService; it holds no state of its own.
type Service struct {
	store Store
	now   func() time.Time
}

// NewService returns a Service on store. now is the clock, time.Now when nil.
func NewService(store Store, now func() time.Time) *Service {
	if now == nil {
		now = time.Now
	}
	return &Service{store: store, now: now}
}
