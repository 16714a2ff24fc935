package dispatch

import (
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// probePage is how many heads are looked at to find one to probe with. Those whose attempts were under way when the
// endpoint began to fail are passed over.
const probePage = 8

// beginProbe returns what to read to find the next probe, or how long to wait for it. The probe is the head that is due
// first: after it failed it is due later than others, so that no event is the probe again and again while others wait.
func (e *endpoint) beginProbe(now time.Time) (relation.DueQuery, time.Duration, bool) {
	s := &e.load
	switch {
	case e.probe != nil, e.guests.probe != nil:
		return relation.DueQuery{}, lookAlways, false
	case soon(now, e.circuit.probeAt, retryAfterCap):
		return relation.DueQuery{}, e.circuit.probeAt.Sub(now), false
	case !s.wanted && soon(now, s.probeAt, strayAfter):
		return relation.DueQuery{}, min(s.probeAt.Sub(now), lookAlways), false
	}
	s.loading, s.probing, s.wanted = true, true, false
	return relation.DueQuery{SDKAppID: e.sdkAppID, Now: forever, Limit: probePage}, 0, true
}

// endProbe takes the probe from what was read. When the endpoint recovered meanwhile, or is not to be called at all or not now
// because a guest probed it, the next pass reads anew.
func (e *endpoint) endProbe(heads []relation.DueHead) {
	s := &e.load
	s.passing = false
	now := e.d.o.Now()
	if !s.probing || e.route == nil || !e.circuit.failing() || soon(now, e.circuit.probeAt, retryAfterCap) {
		s.wanted = true
		return
	}
	for _, h := range heads {
		if soon(now, h.Due, strayAfter) {
			s.probeAt = h.Due
			return
		}
		size := eventBytes(&h.Event)
		if e.lanes[h.Owner] == nil && e.roomFor(size) && e.probe == nil && e.guests.probe == nil {
			e.admit(queued{Event: h.Event}, h.More)
			e.probe = e.lanes[h.Owner]
			e.startWorkers()
			return
		}
	}
	s.probeAt = now.Add(lookAlways)
}
