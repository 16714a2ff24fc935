package dispatch

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// failFirst fails the first attempt of each event.
func failFirst(d delivery, w http.ResponseWriter, _ *http.Request) bool {
	if d.Attempt == 1 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return false
	}
	_, _ = io.WriteString(w, answerOK)
	return true
}

// TestClockSetBackWhileRunning sets the clock back while an event waits for its retry and another is due much later.
func TestClockSetBackWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var back atomic.Int64
		now := func() time.Time { return time.Now().Add(-time.Duration(back.Load())).Round(0) } // without the monotonic clock
		rc := &receiver{answer: failFirst}
		w := newWorld(t, rc)
		w.outbox.now, w.o.Now = now, now
		w.start()
		w.outbox.commit(appA, "mira.k", "a")
		pass(100 * time.Millisecond)
		back.Store(int64(3 * time.Hour))
		w.drained(lookAlways + time.Second)
		w.outbox.commit(appA, "mira.k", "b")
		w.drained(lookAlways + time.Second)
		w.stop()
		if n := len(rc.ids("mira.k")); n != 2 {
			t.Errorf("%d delivered, want 2", n)
		}
	})
}

// TestHeadsFromTheFutureAreDue starts with heads that were written under a clock that was years ahead.
func TestHeadsFromTheFutureAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: failFirst}
		w := newWorld(t, rc)
		for i, ahead := range []time.Duration{2 * strayAfter, 24 * time.Hour, 30 * 365 * 24 * time.Hour} {
			w.outbox.now = func() time.Time { return time.Now().Add(ahead) }
			w.outbox.commit(appA, string(rune('a'+i)), "x")
			w.outbox.commit(appA, string(rune('a'+i)), "y")
		}
		w.outbox.now = time.Now
		w.start()
		w.drained(5 * time.Second)
		w.stop()
		rc.checkAttempts(t)
		if n := len(rc.seen()); n != 12 {
			t.Errorf("%d attempts, want two for each of 6 events", n)
		}
	})
}

// TestLongWaitsAreNotStrays lets an endpoint ask for the longest wait there is, beside a head from the future that hangs.
func TestLongWaitsAreNotStrays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: func(d delivery, w http.ResponseWriter, r *http.Request) bool {
			if d.Owner == "stray" {
				<-r.Context().Done()
				return false
			}
			w.Header().Set("Retry-After", "86400")
			return failFirst(d, w, r)
		}}
		w := newWorld(t, rc)
		w.outbox.now = func() time.Time { return time.Now().Add(24 * time.Hour) }
		w.outbox.commit(appA, "stray", "a")
		w.outbox.now = time.Now
		w.start()
		w.outbox.commit(appA, "mira.k", "a")
		pass(retryAfterCap - time.Second)
		w.outbox.mu.Lock()
		reads := w.outbox.reads
		w.outbox.mu.Unlock()
		if most := 6 * int(retryAfterCap/lookAlways); reads > most {
			t.Errorf("%d reads in %v, want at most %d", reads, retryAfterCap, most)
		}
		if n := len(rc.ids("mira.k")); n != 0 {
			t.Error("the wait that the endpoint asked for was cut short")
		}
		w.until("the retry", 2*time.Second, func() bool { return len(rc.ids("mira.k")) == 1 })
		w.stop()
	})
}
