package dispatch

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// few is an Isolation that lets an app have so many attempts at a time. It remembers what it was told.
type few struct {
	most    atomic.Int64
	mu      sync.Mutex
	slowest time.Duration
}

func (f *few) Attempt(_ uint32, others int, answers time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slowest = max(f.slowest, answers)
	return others < int(f.most.Load())
}

// A backlog goes out no faster than the isolation lets it, and as fast as the endpoint takes it once that is over.
func TestIsolationHoldsABacklogBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const answers = 50 * time.Millisecond
		isolation := &few{}
		isolation.most.Store(3)
		rc := &receiver{answer: func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
			pass(answers)
			_, _ = io.WriteString(w, answerOK)
			return true
		}}
		w := newWorld(t, rc)
		w.o.Isolation = isolation
		for i := range 400 {
			w.outbox.commit(appA, fmt.Sprint("user", i), "x")
		}
		w.start()
		w.until("half is told", time.Minute, func() bool { return w.outbox.waiting() <= 200 })
		if most := rc.mostAtOnce(); most != 3 {
			t.Errorf("%d attempts at a time, want 3", most)
		}
		isolation.most.Store(1000)
		w.drained(time.Minute)
		if most := rc.mostAtOnce(); most < 16 {
			t.Errorf("%d attempts at a time once all were allowed", most)
		}
		if isolation.slowest != answers {
			t.Errorf("the isolation was told of answers within %v, want %v", isolation.slowest, answers)
		}
		w.stop()
	})
}
