package dispatch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// slowDisk is a memory outbox whose commits take as long as on a common disk: a flush each, and some time for each row.
// There is one commit at a time.
type slowDisk struct {
	*memoryOutbox
	disk chan struct{}
}

func (s *slowDisk) Settle(ctx context.Context, all []relation.Settlement) ([]relation.EventKey, error) {
	s.disk <- struct{}{}
	defer func() { <-s.disk }()
	pass(time.Millisecond + time.Duration(len(all))*20*time.Microsecond)
	return s.memoryOutbox.Settle(ctx, all)
}

// TestOneAppsTroubleDoesNotSlowAnother measures how long app B's events take from commit to arrival, in bubble time: alone,
// beside an app that floods the dispatcher, and beside one whose endpoint hangs or refuses. Each account of B makes events
// in pairs, so that what the second waits for the first one's verdict counts.
func TestOneAppsTroubleDoesNotSlowAnother(t *testing.T) {
	alone := p99BesideAppA(t, func(*world) {}, answerAfter(2*time.Millisecond))
	for _, tt := range []struct {
		name   string
		flood  int // events of A, of as many accounts
		answer func(delivery, http.ResponseWriter, *http.Request) bool
	}{
		{"flood", 5500, answerAfter(2 * time.Millisecond)},
		{"hangs", 3000, func(_ delivery, _ http.ResponseWriter, r *http.Request) bool {
			<-r.Context().Done()
			return false
		}},
		{"refuses", 3000, func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return false
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			beside := p99BesideAppA(t, func(w *world) {
				for n := range tt.flood {
					w.outbox.commit(appA, fmt.Sprintf("flood%05d", n), "x")
				}
			}, tt.answer)
			t.Logf("p99 of B: %v alone, %v beside A", alone, beside)
			if beside > 2*alone {
				t.Errorf("p99 of B is %v beside A and %v alone", beside, alone)
			}
		})
	}
}

func answerAfter(after time.Duration) func(delivery, http.ResponseWriter, *http.Request) bool {
	return func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
		pass(after)
		_, _ = io.WriteString(w, answerOK)
		return true
	}
}

// answerRefusing answers what matches with an app-error, and settles the rest.
func answerRefusing(match func(delivery) bool) func(delivery, http.ResponseWriter, *http.Request) bool {
	return func(d delivery, w http.ResponseWriter, _ *http.Request) bool {
		if match(d) {
			_, _ = io.WriteString(w, `{"ErrorCode":17}`)
			return false
		}
		_, _ = io.WriteString(w, answerOK)
		return true
	}
}

func p99BesideAppA(t *testing.T, trouble func(*world), a func(delivery, http.ResponseWriter, *http.Request) bool) (p99 time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		b := &receiver{answer: answerAfter(2 * time.Millisecond)}
		w := newWorld(t, &receiver{answer: a})
		w.net.serve(t, "b.test:80", b)
		w.apps.set(
			testApp(appA, relation.Callback{URL: "http://a.test/"}), testApp(appB, relation.Callback{URL: "http://b.test/"}),
		)
		w.o.Outbox = &slowDisk{w.outbox, make(chan struct{}, 1)}
		w.start()
		trouble(w)
		const pairs = 40
		committed := map[string]time.Time{}
		for n := range pairs {
			owner := fmt.Sprint("user", n%10)
			for range 2 {
				committed[w.outbox.commit(appB, owner, "x").ID] = time.Now()
			}
			pass(3 * time.Millisecond)
		}
		w.until("B's events arrive", time.Minute, func() bool { return len(b.ids("")) == 2*pairs })
		var took []time.Duration
		for _, d := range b.seen() {
			took = append(took, d.At.Sub(committed[d.ID]))
		}
		slices.Sort(took)
		p99 = took[len(took)*99/100]
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_ = w.d.Stop(ctx) // A's events need not be delivered
	})
	return p99
}

// TestSettlerTakesTurns holds that no app waits for another's verdicts, and that each commit is bounded for each app.
func TestSettlerTakesTurns(t *testing.T) {
	s := newSettler(nil, nil)
	add := func(app uint32, n int) {
		for i := range n {
			s.add(verdict{Settlement: relation.Settlement{EventKey: relation.EventKey{SDKAppID: app, Seq: int64(i)}}})
		}
	}
	add(1, 1000)
	for app := range uint32(400) {
		add(2+app, 1)
	}
	seen := map[uint32]int64{}
	for range 2 {
		batch, _ := s.gather(t.Context())
		for _, v := range batch {
			if v.SDKAppID == 1 && v.Seq != seen[1] {
				t.Fatalf("verdict %d of app 1 after %d", v.Seq, seen[1])
			}
			seen[v.SDKAppID]++
		}
		if len(batch) != settleBatch {
			t.Errorf("a batch of %d", len(batch))
		}
	}
	if len(seen) != 401 || seen[1] > settleShare {
		t.Errorf("%d apps had a turn, app 1 with %d verdicts", len(seen), seen[1])
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { add(7, 100) })
	}
	all.Wait()
	for n := 0; ; n++ {
		batch, _ := s.gather(t.Context())
		if len(batch) == 0 {
			break
		}
		if n > 20 {
			t.Fatal("the settler never empties")
		}
	}
}
