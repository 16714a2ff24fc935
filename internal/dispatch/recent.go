package dispatch

import (
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// recentSlot is the length of each of the recentSlots in which attempts are counted, about a minute in all.
const (
	recentSlot  = 10 * time.Second
	recentSlots = 6
)

// recent is what an endpoint's last attempts came to, whatever the circuit makes of it. It has no clock and no lock.
type recent struct {
	failure string    // of the last attempt that failed
	at      time.Time // when it ended
	slots   [recentSlots]struct {
		number           int64 // of the slot since 1970
		attempts, failed int
	}
}

// count notes an attempt that ended.
func (r *recent) count(now time.Time, o Outcome) {
	number := now.UnixNano() / int64(recentSlot)
	slot := &r.slots[uint64(number)%recentSlots]
	if slot.number != number {
		slot.number, slot.attempts, slot.failed = number, 0, 0
	}
	slot.attempts++
	if !o.Delivered() {
		slot.failed++
		r.failure, r.at = o.String(), now
	}
}

// report adds what was counted in about the last minute, and the last failure.
func (r *recent) report(s *relation.EndpointStatus, now time.Time) {
	s.LastFailure, s.LastFailureAt = r.failure, r.at
	number := now.UnixNano() / int64(recentSlot)
	for _, slot := range r.slots {
		if age := number - slot.number; age >= 0 && age < recentSlots {
			s.RecentAttempts += slot.attempts
			s.RecentFailed += slot.failed
		}
	}
}
