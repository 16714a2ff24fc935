package dispatch

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func TestPromise4OrderPerOwnerUnderFailures(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomHistory(t, seed) })
		})
	}
}

// randomHistory commits events of some owners at random moments, against a receiver that fails at random, an outbox that
// fails at random, and a dispatcher with little room that is restarted now and then.
func randomHistory(t *testing.T, seed uint64) {
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	rc := &receiver{answer: flaky(rand.New(rand.NewPCG(seed, 2)))}
	w := newWorld(t, rc)
	w.o.MaxLanes = 1 + random.IntN(8)
	w.o.MaxBytes = 2000 + random.IntN(20000)
	faults := rand.New(rand.NewPCG(seed, 3))
	w.outbox.failWith(func(string) error {
		if faults.IntN(8) == 0 {
			return relation.ErrUnavailable
		}
		return nil
	})
	w.start()
	want := map[string][]string{}
	for range 400 {
		owner := fmt.Sprint("owner", random.IntN(12))
		told := relation.NewEvent{Kind: relation.EventBlockDelete, Targets: []string{"target"}}
		if random.IntN(3) == 0 {
			told = stateEvent("Login", "Register", "Web")
		}
		event := w.outbox.append(appA, owner, told)
		want[owner] = append(want[owner], event.ID)
		switch random.IntN(40) {
		case 0:
			w.stop()
			w.start()
		case 1:
			pass(time.Duration(random.IntN(40)) * time.Second)
		default:
			pass(time.Duration(random.IntN(20)) * time.Millisecond)
		}
	}
	w.drained(6 * time.Hour)
	w.stop()
	rc.checkOneAtATime(t)
	for owner, ids := range want {
		if got := slices.Compact(rc.ids(owner)); !slices.Equal(got, ids) {
			t.Errorf("%s got\n%v\nwant\n%v", owner, got, ids)
		}
	}
	rc.checkAttempts(t)
}

// prompt is flaky without hanging: a handler that hangs learns a moment late that the dispatcher gave up.
func prompt(random *rand.Rand) func(delivery, http.ResponseWriter, *http.Request) bool {
	var mu sync.Mutex
	return func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
		mu.Lock()
		n, delay := random.IntN(10), time.Duration(random.IntN(30))*time.Millisecond
		mu.Unlock()
		pass(delay)
		switch n {
		case 0, 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			_, _ = io.WriteString(w, `{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"no"}`)
		case 3:
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.WriteString(w, answerOK)
			return true
		}
		return false
	}
}

// flaky fails two of five requests, each in one of several ways.
func flaky(random *rand.Rand) func(delivery, http.ResponseWriter, *http.Request) bool {
	var mu sync.Mutex
	return func(_ delivery, w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		n, delay := random.IntN(10), time.Duration(random.IntN(30))*time.Millisecond
		mu.Unlock()
		pass(delay)
		switch n {
		case 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1:
			_, _ = io.WriteString(w, `{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":"no"}`)
		case 2:
			<-r.Context().Done() // the dispatcher gives up
		case 3:
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.WriteString(w, answerOK)
			return true
		}
		return false
	}
}

func TestPromise4OwnersAndAppsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(d delivery, w http.ResponseWriter, r *http.Request) bool {
			if d.Owner == "slow" {
				<-r.Context().Done()
				return false
			}
			_, _ = io.WriteString(w, answerOK)
			return true
		}
		a, b := &receiver{answer: hang}, &receiver{}
		dead := &receiver{answer: func(_ delivery, _ http.ResponseWriter, r *http.Request) bool {
			<-r.Context().Done()
			return false
		}}
		w := newWorld(t, a)
		w.net.serve(t, "b.test:80", b)
		w.net.serve(t, "dead.test:80", dead)
		const appDead = appB + 1
		w.apps.set(
			testApp(appA, relation.Callback{URL: "http://a.test/cb"}),
			testApp(appB, relation.Callback{URL: "http://b.test/cb"}),
			testApp(appDead, relation.Callback{URL: "http://dead.test/cb", Concurrency: 2}),
		)
		w.start()
		for i := range 50 {
			w.outbox.commit(appDead, fmt.Sprint("u", i), "x")
		}
		w.outbox.commit(appA, "slow", "x")
		w.outbox.commit(appA, "slow", "y")
		begun := time.Now()
		for i := range 20 {
			w.outbox.commit(appA, "quick", fmt.Sprint(i))
			w.outbox.commit(appB, fmt.Sprint("u", i), "x")
		}
		w.until("the others are served", time.Second, func() bool {
			return len(a.ids("quick")) == 20 && len(b.ids("")) == 20
		})
		if took := time.Since(begun); took >= relation.DefaultCallbackTimeout {
			t.Errorf("the others took %v: they waited for an endpoint that hangs", took)
		}
		w.stop()
		if most := dead.mostAtOnce(); most != 2 {
			t.Errorf("%d attempts at a time, want the concurrency 2", most)
		}
	})
}

func TestAHotOwnerKeepsItsOrderBeyondItsQueueInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{}
		w := newWorld(t, rc)
		w.start()
		var want []string
		for i := range 10 * laneQueue {
			want = append(want, w.outbox.commit(appA, "mira.k", fmt.Sprint(i)).ID)
		}
		w.drained(time.Minute)
		w.stop()
		if got := rc.ids(""); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// flakyStatus refuses one request in eight.
func flakyStatus(random *rand.Rand) func(delivery, http.ResponseWriter, *http.Request) bool {
	var mu sync.Mutex
	return func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
		mu.Lock()
		fails := random.IntN(8) == 0
		mu.Unlock()
		if fails {
			w.WriteHeader(http.StatusServiceUnavailable)
			return false
		}
		_, _ = io.WriteString(w, answerOK)
		return true
	}
}
