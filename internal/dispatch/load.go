package dispatch

import (
	"context"
	"math"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

const (
	// loadPage is how many due heads are read at a time.
	loadPage = 128
	// lookAlways is the longest time between two looks. It finds what nobody told of, such as the events of a commit whose
	// answer the engine lost, and covers steps of the clock.
	lookAlways = 10 * time.Second
	// strayAfter is how far ahead a head must be due to be a stray. No wait is that long, so the clock was wrong when the
	// head was written; the minute is for small corrections of the clock.
	strayAfter = max(retryLongest, retryAfterCap) + time.Minute
	// The wait after a failed read doubles from holdBase to holdCap.
	holdBase = 100 * time.Millisecond
	holdCap  = 5 * time.Second
)

// forever is later than any due time.
var forever = time.UnixMilli(math.MaxInt64)

// load is the state of an endpoint's loader. The loader reads due heads in passes: a pass goes page by page through the
// order of (due, owner), as room allows, until a page is not full. Heads that become due or are refused during a pass lie
// ahead of it, or set wanted, which starts another pass. Every lookAlways a pass takes the strays before.
type load struct {
	wanted  bool // heads may wait that no pass will meet
	passing bool
	after   relation.DueCursor // of the pass
	next    time.Time          // when to start a pass at the latest
	// horizon makes the pass take heads that are due up to then as due now; zero: only what is due.
	horizon time.Time

	probing bool      // the read under way looks for the head to probe a failing endpoint with
	probeAt time.Time // when to look for one again; none waited

	strays   bool      // the pass is over the strays
	straysAt time.Time // when to start the next such pass

	loading bool // a read is under way
	idle    []*lane

	holdUntil time.Time // no read before; after a fault
	holdFor   time.Duration
}

// waiting reports whether heads may wait on disk for room.
func (s *load) waiting() bool { return s.wanted || s.passing }

// sweep makes one pass over everything that is due at most so far ahead, within retryAfterCap.
func (s *load) sweep(now time.Time, ahead time.Duration) {
	if at := now.Add(ahead); !soon(now, s.horizon, retryAfterCap) || s.horizon.Before(at) {
		s.horizon = at
	}
	s.wanted = s.wanted || !s.passing
}

// begin starts a pass. One over the strays takes only them, and another follows it. What it took and failed gets a due time
// behind it, so it takes nothing twice.
func (s *load) begin(now time.Time) {
	s.passing = true
	if s.strays = !soon(now, s.straysAt, lookAlways); s.strays {
		s.wanted, s.straysAt = true, now.Add(lookAlways)
		s.after = relation.DueCursor{Due: now.Add(strayAfter).UnixMilli()}
		return
	}
	s.wanted, s.after, s.next = false, relation.DueCursor{}, now.Add(lookAlways)
}

// soon reports whether a time, which was set at most limit ahead, is still to come. If it lies further ahead, the clock was
// set back since, and it counts as past.
func soon(now, at time.Time, limit time.Duration) bool {
	wait := at.Sub(now)
	return wait > 0 && wait <= limit
}

// hold delays the next read after a fault.
func (s *load) hold(now time.Time) {
	s.holdFor = min(max(2*s.holdFor, holdBase), holdCap)
	s.holdUntil = now.Add(s.holdFor)
}

// runLoader loads until ctx ends or the endpoint is closed.
func (e *endpoint) runLoader(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-e.wake:
		case <-e.gone:
			return
		case <-ctx.Done():
			return
		}
		timer.Reset(e.loadWhilePossible(ctx))
	}
}

// loadWhilePossible reads as long as there is something to read and room for it. It returns when to look again.
func (e *endpoint) loadWhilePossible(ctx context.Context) time.Duration {
	for {
		q, wait, ok := e.beginLoad()
		if !ok {
			return wait
		}
		heads, err := e.d.o.Outbox.Due(ctx, q)
		var next time.Time
		if err == nil && len(heads) < q.Limit && q.Now.Before(forever) {
			next, err = e.d.o.Outbox.NextDue(ctx, e.sdkAppID, q.Now)
		}
		if first := e.endLoad(q, heads, next, err); first && ctx.Err() == nil {
			e.d.o.Log.Warn("due events cannot be read; trying until they can", "sdkappid", e.sdkAppID, "error", err)
		}
	}
}

// beginLoad returns the next page to read, or how long to wait for one.
func (e *endpoint) beginLoad() (relation.DueQuery, time.Duration, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.d.o.Now()
	s := &e.load
	if e.closed || e.route == nil {
		return relation.DueQuery{}, lookAlways, false
	}
	if soon(now, s.holdUntil, holdCap) {
		return relation.DueQuery{}, s.holdUntil.Sub(now), false
	}
	if e.circuit.failing() {
		return e.beginProbe(now)
	}
	if !s.passing {
		if !s.wanted && soon(now, s.next, lookAlways) {
			return relation.DueQuery{}, s.next.Sub(now), false
		}
		s.begin(now)
	}
	if !e.roomToLoad() {
		return relation.DueQuery{}, lookAlways, false
	}
	s.loading = true
	until := now
	if s.strays {
		until = forever
	} else if s.horizon.After(now) {
		until = s.horizon
	}
	return relation.DueQuery{SDKAppID: e.sdkAppID, Now: until, After: s.after, Limit: loadPage}, 0, true
}

// endLoad takes in a page.
func (e *endpoint) endLoad(q relation.DueQuery, heads []relation.DueHead, next time.Time, err error) (first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &e.load
	s.loading = false
	defer e.calm() // there may be nothing to recover for
	defer e.removeIdle()
	defer func() { s.probing = false }()
	if err != nil {
		first = s.holdFor == 0
		s.hold(e.d.o.Now())
		return first
	}
	s.holdFor = 0
	if s.probing || e.route == nil || e.circuit.failing() {
		e.endProbe(heads)
		return false
	}
	all := e.admitPage(heads)
	e.startWorkers()
	if !all || len(heads) == q.Limit || s.horizon.After(q.Now) {
		return false
	}
	s.passing = false
	if s.strays {
		return false // a sweep that was asked for meanwhile is still to come
	}
	s.horizon = time.Time{}
	if !next.IsZero() && next.Before(s.next) {
		s.next = next
	}
	return false
}

// admitPage makes lanes of a page, as far as there is room, and moves the pass on. It reports whether all had room.
func (e *endpoint) admitPage(heads []relation.DueHead) bool {
	for i := range heads {
		h := &heads[i]
		// An owner with a lane is served already, and a lane that became idle during the read knows better than the page.
		if e.lanes[h.Owner] == nil {
			if len(e.lanes) >= e.d.o.MaxLanes || !e.roomFor(eventBytes(&h.Event)) {
				return false
			}
			e.admit(queued{Event: h.Event}, h.More)
		}
		e.load.after = relation.DueCursor{Due: h.Due.UnixMilli(), Owner: h.Owner}
	}
	return true
}

// removeIdle removes the lanes that were kept for the time of the read.
func (e *endpoint) removeIdle() {
	for _, l := range e.load.idle {
		if l.state == laneIdle && e.lanes[l.owner] == l {
			delete(e.lanes, l.owner)
		}
	}
	e.load.idle = nil
}
