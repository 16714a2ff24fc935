package dispatch

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kithchat/kith/internal/relation"
)

// watchQueue is how many activities wait for one watcher.
const watchQueue = 256

// watches are who watches. Nothing is done for them while there are none.
type watches struct {
	mu   sync.Mutex
	all  atomic.Pointer[[]*watch] // replaced, never changed
	lost atomic.Int64             // by all watches, those that ended included
}

type watch struct {
	sdkAppID  uint32 // 0: all apps
	exchanges bool
	c         chan relation.Activity
	lost      atomic.Int64
	mu        sync.Mutex // guards closed, and sending on c
	closed    bool
}

// Watch follows the attempts of an app, or of all apps for 0, from now on. exchanges asks for what goes out, too. A watcher
// that falls behind by 256 activities loses some. The watch ends with Close and with Stop.
func (d *Dispatcher) Watch(sdkAppID uint32, exchanges bool) relation.Watch {
	w := &watch{sdkAppID: sdkAppID, exchanges: exchanges, c: make(chan relation.Activity, watchQueue)}
	d.watches.change(func(all []*watch) []*watch { return append(all, w) })
	d.mu.Lock()
	if d.state == stateStopped {
		d.watches.end(w)
	}
	d.mu.Unlock()
	return relation.Watch{C: w.c, Lost: w.lost.Load, Close: func() { d.watches.end(w) }}
}

// Watchers returns how many watch now, and how many activities were not told since the start because one fell behind.
func (d *Dispatcher) Watchers() (now int, lost int64) {
	return len(d.watches.list()), d.watches.lost.Load()
}

func (s *watches) change(f func([]*watch) []*watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := f(slices.Clone(s.list()))
	s.all.Store(&next)
}

func (s *watches) list() []*watch {
	if all := s.all.Load(); all != nil {
		return *all
	}
	return nil
}

func (s *watches) end(w *watch) {
	s.change(func(all []*watch) []*watch {
		return slices.DeleteFunc(all, func(o *watch) bool { return o == w })
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		close(w.c)
	}
}

// clear ends all watches.
func (s *watches) clear() {
	for _, w := range s.list() {
		s.end(w)
	}
}

// tell hands an activity to who watches the app. It never waits.
func (s *watches) tell(a relation.Activity, o outgoing) {
	for _, w := range s.list() {
		if (w.sdkAppID == 0 || w.sdkAppID == a.Event.SDKAppID) && !w.tell(a, o) {
			s.lost.Add(1)
		}
	}
}

// tell reports false when the watcher has fallen behind, and so loses the activity.
func (w *watch) tell(a relation.Activity, o outgoing) bool {
	if w.exchanges {
		x := o.exchange("")
		a.Exchange = &x
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return true
	}
	select {
	case w.c <- a:
		return true
	default:
		w.lost.Add(1)
		return false
	}
}
