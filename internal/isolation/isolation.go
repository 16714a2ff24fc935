package isolation

import (
	"sync"
	"time"
)

const (
	// rivalFor is for how long an app that was at work counts as one that may be again.
	rivalFor = time.Minute
	// lookEvery is the time between two looks at how busy the processors are.
	lookEvery = 20 * time.Millisecond
	// The calls of an app that are under way at most, where that is limited. It starts anew from limitStart.
	limitLeast = 2
	limitStart = 4
	limitMost  = 4096
	// For each processor, queueLong goroutines that can run but wait are too many, queueShort are few.
	queueLong  = 1.0
	queueShort = 0.5
)

// Isolation says when the work of an app may begin. Make one with New.
type Isolation struct {
	now   func() time.Time
	queue func() float64 // how many goroutines waited for each processor since it was last asked

	mu      sync.Mutex
	apps    map[uint32]*work
	limit   int  // calls of an app under way
	rate    int  // attempts of an app a second
	limited bool // more than one app is at work
	delayed bool // an attempt had to wait since the last look
	looked  time.Time
}

// work is what one app has to do.
type work struct {
	under   int             // calls under way
	waiting []chan struct{} // calls that wait; each is closed when its call may begin. They wait only behind others under way.
	next    time.Time       // when the next attempt may begin; may be passed already
	last    time.Time       // when the app was last at work
}

// New returns an Isolation that asks the Go runtime how busy the processors are.
func New() *Isolation { return newIsolation(time.Now, newRunQueue().length) }

func newIsolation(now func() time.Time, queue func() float64) *Isolation {
	return &Isolation{now: now, queue: queue, apps: map[uint32]*work{}, limit: limitStart, rate: rateStart}
}

// of returns the work of an app that is at work now.
func (s *Isolation) of(app uint32, now time.Time) *work {
	w := s.apps[app]
	if w == nil {
		w = &work{}
		s.apps[app] = w
	}
	w.last = now
	return w
}

// look adapts the limits now and then, and forgets apps that have nothing to do any more.
func (s *Isolation) look(now time.Time) {
	if since := now.Sub(s.looked); since >= 0 && since < lookEvery {
		return
	}
	s.looked = now
	queue, held := s.queue(), false
	for app, w := range s.apps {
		held = held || len(w.waiting) > 0
		if w.under == 0 && now.Sub(w.last) > rivalFor {
			delete(s.apps, app)
		}
	}
	rivals := len(s.apps) > 1
	if rivals && s.limited {
		s.adapt(queue, held)
	} else {
		s.limit, s.rate = limitStart, rateStart
	}
	s.limited, s.delayed = rivals, false
}

// adapt moves the limits. Of an app that floods, what is accepted is told first: while calls wait only their limit is lowered, and
// while attempts wait only their rate is raised.
func (s *Isolation) adapt(queue float64, held bool) {
	switch {
	case queue > queueLong && held && s.limit > limitLeast:
		s.limit = max(limitLeast, s.limit*4/5)
	case queue > queueLong:
		s.limit = max(limitLeast, s.limit*4/5)
		s.rate = max(rateLeast, s.rate*4/5)
	case queue < queueShort && s.delayed:
		s.rate = min(rateMost, s.rate+s.rate/16)
	case queue < queueShort && held:
		s.limit = min(limitMost, s.limit+max(1, s.limit/16))
	}
}
