package dispatch

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// few is an Isolation that lets so many attempts begin a second. It has at most one wait.
type few struct {
	mu   sync.Mutex
	gap  time.Duration
	next time.Time
	asks int
}

func (f *few) Attempt(uint32) (wait time.Duration, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asks++
	now := time.Now()
	if f.next.Before(now) {
		f.next = now
	}
	if wait = f.next.Sub(now); wait > f.gap {
		return 0, false
	}
	f.next = f.next.Add(f.gap)
	return wait, true
}

func (f *few) set(gap time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gap = gap
}

// A backlog goes out no faster than the isolation lets it, however slow the endpoint is, and as fast as the endpoint takes it once
// that is over.
func TestIsolationHoldsABacklogBack(t *testing.T) {
	for _, answers := range []time.Duration{time.Millisecond, 200 * time.Millisecond} {
		t.Run(fmt.Sprint("answers in ", answers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				isolation := &few{gap: 20 * time.Millisecond}
				rc := &receiver{answer: func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
					pass(answers)
					_, _ = io.WriteString(w, answerOK)
					return true
				}}
				w := newWorld(t, rc)
				w.o.Isolation = isolation
				for i := range 600 {
					w.outbox.commit(appA, fmt.Sprint("user", i), "x")
				}
				w.start()
				for range 8 {
					before := len(rc.seen())
					pass(time.Second)
					if n := len(rc.seen()) - before; n > 51 || n < 49 && before > 0 {
						t.Errorf("%d were told in a second, want 50", n)
					}
				}
				isolation.set(0)
				w.drained(10 * time.Second)
				w.stop()
			})
		})
	}
}

// An attempt that waits for its turn is not under way: an endpoint whose callbacks wait for the machine is not the brake.
func TestIsolationShowsInInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		isolation := &few{gap: time.Minute, next: time.Now().Add(time.Minute)}
		rc := &receiver{}
		w := newWorld(t, rc)
		w.o.Isolation = isolation
		for i := range 20 {
			w.outbox.commit(appA, fmt.Sprint("user", i), "x")
		}
		w.start()
		pass(time.Second) // one waits for its turn, and one to ask again
		if s := w.endpoint(); s.InFlight != 0 || len(rc.seen()) != 0 {
			t.Errorf("%d attempts are under way, and %d arrived", s.InFlight, len(rc.seen()))
		}
		isolation.set(0)
		w.drained(2 * time.Minute)
		w.stop()
	})
}

// While attempts hang, others begin as soon as the isolation lets them.
func TestIsolationBesideHangingAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		isolation := &few{}
		w := newWorld(t, &receiver{answer: func(d delivery, w http.ResponseWriter, r *http.Request) bool {
			if d.Owner == "hangs" {
				<-r.Context().Done()
				return false
			}
			_, _ = io.WriteString(w, answerOK)
			return true
		}})
		w.o.Isolation = isolation
		w.start()
		w.outbox.commit(appA, "hangs", "x")
		pass(time.Millisecond)
		isolation.mu.Lock()
		isolation.next = time.Now().Add(100 * time.Millisecond) // turns that nobody uses any more
		isolation.mu.Unlock()
		w.outbox.commit(appA, "mira", "x")
		pass(150 * time.Millisecond)
		if n := w.outbox.waiting(); n != 1 {
			t.Errorf("%d events wait, want the one that hangs", n)
		}
		w.stop()
	})
}

// Whoever asked for a turn for all that is ready, and got one, leaves nothing to wait for its own attempt's answer.
func TestIsolationAsksOnBesideAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		w := newWorld(t, &receiver{answer: func(d delivery, w http.ResponseWriter, _ *http.Request) bool {
			if strings.HasPrefix(d.Owner, "hangs") {
				<-hang
			}
			_, _ = io.WriteString(w, answerOK)
			return true
		}})
		w.o.Isolation = &few{gap: time.Millisecond}
		for i := range 8 {
			w.outbox.commit(appA, fmt.Sprint("hangs", i), "x")
		}
		for i := range 50 {
			w.outbox.commit(appA, fmt.Sprint("user", i), "x")
		}
		w.start()
		pass(400 * time.Millisecond)
		if n := w.outbox.waiting(); n != 8 {
			t.Errorf("%d events wait, want the 8 that hang", n)
		}
		close(hang)
		w.drained(time.Second)
		pass(time.Second)
		if n := w.endpoint().InFlight; n != 0 {
			t.Errorf("%d attempts are under way at rest", n)
		}
		w.stop()
	})
}

// An app whose endpoint is probed now and then is not at work.
func TestIsolationKnowsNothingOfProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		isolation := &few{}
		w := newWorld(t, &receiver{answer: func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return false
		}})
		w.o.Isolation = isolation
		w.start()
		for i := range 20 {
			w.outbox.commit(appA, fmt.Sprint("user", i), "x")
		}
		w.until("the endpoint fails", time.Hour, func() bool { return w.endpoint().State == relation.EndpointFailing })
		asked := func() int {
			isolation.mu.Lock()
			defer isolation.mu.Unlock()
			return isolation.asks
		}
		before, attempts := asked(), w.endpoint().InFlight
		pass(time.Hour)
		if n := asked() - before; n > attempts {
			t.Errorf("it was asked %d times for probes", n)
		}
		w.stop()
	})
}
