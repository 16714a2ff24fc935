package restapi

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// rivalFor is for how long an app that called counts as one that may call again.
	rivalFor = time.Minute
	// admissionEvery is the time between two looks at how busy the processors are.
	admissionEvery = 20 * time.Millisecond
	// The calls of an app that are under way at most, where that is limited. It starts anew from admissionStart.
	admissionLeast = 2
	admissionStart = 4
	admissionMost  = 4096
	// For each processor, queueLong goroutines that can run but wait are too many, queueShort are few.
	queueLong  = 1.0
	queueShort = 0.5
)

// admission lets calls begin. The Go scheduler runs goroutines in order of arrival, so behind the flood of one app's calls all
// that is done for other apps would wait, their callbacks too. Therefore, while more than one app calls, each may have so many
// calls under way that the goroutines which wait for a processor stay few; its others wait here, in order of arrival. A machine
// that has processors to spare, or one app alone, is not limited. A nil admission limits nobody. It is safe for concurrent use.
type admission struct {
	now   func() time.Time
	queue func() float64 // how many goroutines waited for each processor since it was last asked

	mu     sync.Mutex
	apps   map[uint32]*admitted
	limit  int
	rivals bool // more than one app calls
	looked time.Time
}

// admitted are the calls of an app. One waits only behind others that are under way.
type admitted struct {
	under   int
	waiting []chan struct{} // closed when the call may begin
	last    time.Time
}

func newAdmission(now func() time.Time, queue func() float64) *admission {
	return &admission{now: now, queue: queue, apps: map[uint32]*admitted{}, limit: admissionStart}
}

// enter waits until a call of an app may begin. It fails with the error of ctx when that ends first. After a nil, call leave.
func (a *admission) enter(ctx context.Context, app uint32) error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	of := a.apps[app]
	if of == nil {
		of = &admitted{}
		a.apps[app] = of
	}
	now := a.now()
	of.last = now
	a.look(now)
	if len(of.waiting) == 0 && a.room(of) {
		of.under++
		a.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	of.waiting = append(of.waiting, turn)
	a.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(of.waiting, turn); i >= 0 {
		of.waiting = slices.Delete(of.waiting, i, i+1)
	} else { // its turn came at the same moment
		of.under--
		a.admit(of)
	}
	return ctx.Err()
}

// leave ends a call.
func (a *admission) leave(app uint32) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	of := a.apps[app]
	of.under--
	a.look(a.now())
	a.admit(of)
}

func (a *admission) room(of *admitted) bool { return !a.rivals || of.under < a.limit }

// admit lets calls begin that waited, as far as there is room.
func (a *admission) admit(of *admitted) {
	n := 0
	for ; n < len(of.waiting) && a.room(of); n++ {
		of.under++
		close(of.waiting[n])
	}
	of.waiting = slices.Delete(of.waiting, 0, n)
}

// look adapts the limit now and then, and forgets apps that do not call any more.
func (a *admission) look(now time.Time) {
	if since := now.Sub(a.looked); since >= 0 && since < admissionEvery {
		return
	}
	a.looked = now
	queue, held := a.queue(), false
	for app, of := range a.apps {
		held = held || len(of.waiting) > 0
		if of.under == 0 && now.Sub(of.last) > rivalFor {
			delete(a.apps, app)
		}
	}
	rivals := len(a.apps) > 1
	switch {
	case !rivals || !a.rivals:
		a.limit = admissionStart
	case queue > queueLong:
		a.limit = max(admissionLeast, a.limit*4/5)
	case queue < queueShort && held:
		a.limit = min(admissionMost, a.limit+max(1, a.limit/16))
	}
	a.rivals = rivals
}

// held returns how many calls of each app wait, of those that have any under way.
func (a *admission) held() map[uint32]int {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n := make(map[uint32]int, len(a.apps))
	for app, of := range a.apps {
		n[app] = len(of.waiting)
	}
	return n
}
