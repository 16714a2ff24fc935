package dispatch

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/relation"
)

func (w *world) endpoint() relation.EndpointStatus {
	w.t.Helper()
	s, ok := w.d.Endpoint(appA)
	if !ok {
		w.t.Fatal("there is no endpoint")
	}
	return s
}

func (w *world) expect(when string, want relation.EndpointState) {
	w.t.Helper()
	if s := w.endpoint(); s.State != want {
		w.t.Errorf("%s: %+v, want %s", when, s, want)
	}
}

// checkDelivered holds that each owner's events were taken in order, once each.
func (rc *receiver) checkDelivered(t *testing.T, want map[string][]string) {
	t.Helper()
	rc.checkOneAtATime(t)
	rc.checkAttempts(t)
	for owner, ids := range want {
		if got := rc.ids(owner); !slices.Equal(got, ids) {
			t.Errorf("%s got %v, want %v", owner, got, ids)
		}
	}
}

// TestDownForThreeDays has accounts that make events while nothing answers, with a budget that outlasts it. Nothing is lost,
// nothing is out of order, the endpoint is left in peace, and the backlog is there within seconds of its return.
func TestDownForThreeDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(72 * time.Hour)
		rc := &receiver{answer: failUntil(&up)}
		w := newWorld(t, rc)
		w.o.Budget = 96 * time.Hour
		w.start()
		want := map[string][]string{}
		for n := range 360 {
			owner := fmt.Sprint("user", n%120)
			want[owner] = append(want[owner], w.outbox.commit(appA, owner, "x").ID)
			pass(10 * time.Minute)
		}
		w.expect("meanwhile", relation.EndpointFailing)
		if s := w.endpoint(); s.Reason != "status: 500" || s.Since.IsZero() || s.NextProbe.IsZero() || s.Limit != 1 {
			t.Errorf("status %+v", s)
		}
		pass(time.Until(up))
		requests, least := len(rc.seen()), int(72*time.Hour/probeCap)
		if requests < least || requests > least*13/10 {
			t.Errorf("%d requests in three days, want one about each %v", requests, probeCap)
		}
		w.until("a probe succeeds", probeCap+time.Second, func() bool { return len(rc.ids("")) > 0 })
		w.drained(2 * time.Second)
		w.expect("at the end", relation.EndpointHealthy)
		w.stop()
		rc.checkDelivered(t, want)
	})
}

// TestDeadLettersExactlyWhenTheBudgetSays has an app whose events are tried for two hours. While its endpoint is down, they
// are parked in order, each two hours after its first failure and not before.
func TestDeadLettersExactlyWhenTheBudgetSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(72 * time.Hour)
		rc := &receiver{answer: failUntil(&up)}
		w := newWorld(t, rc)
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb", MaxAgeMS: 2 * time.Hour.Milliseconds()}))
		w.start()
		first := map[string]time.Time{}
		for n := range 5 {
			w.outbox.commit(appA, fmt.Sprint("user", n), "x")
		}
		w.drained(4 * time.Hour)
		w.stop()
		for _, d := range rc.seen() {
			if _, ok := first[d.ID]; !ok {
				first[d.ID] = d.At
			}
		}
		dead := w.outbox.letters()
		if len(dead) != 5 {
			t.Fatalf("%d dead letters, want 5", len(dead))
		}
		for _, e := range dead {
			if age := e.Settled.Sub(first[e.ID]); age < 2*time.Hour || age > 2*time.Hour+6*probeCap {
				t.Errorf("%s was parked %v after its first failure", e.ID, age)
			}
			if !strings.Contains(e.Reason, "; given up after "+strconv.Itoa(e.Attempts)+" attempts in 2h") {
				t.Errorf("%s: reason %q after %d attempts", e.ID, e.Reason, e.Attempts)
			}
		}
	})
}

// TestFlappingForADay has an endpoint that works for one minute in four.
func TestFlappingForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		rc := &receiver{answer: func(d delivery, w http.ResponseWriter, _ *http.Request) bool {
			if d.At.Sub(begun)%(4*time.Minute) < 3*time.Minute {
				w.WriteHeader(http.StatusBadGateway)
				return false
			}
			_, _ = io.WriteString(w, answerOK)
			return true
		}}
		log := &logBuffer{}
		w := newWorld(t, rc)
		w.o.Log = log.logger()
		w.start()
		want := map[string][]string{}
		for n := range 2880 {
			owner := fmt.Sprint("user", n%100)
			want[owner] = append(want[owner], w.outbox.commit(appA, owner, "x").ID)
			pass(30 * time.Second)
		}
		w.drained(10 * time.Minute)
		w.stop()
		rc.checkDelivered(t, want)
		if n := len(rc.seen()); n > 3*2880+24*15*20 {
			t.Errorf("%d requests for 2880 events", n)
		}
		lines := strings.Count(log.String(), "level=WARN") + strings.Count(log.String(), "level=INFO")
		if lines > 2*24*15+10 {
			t.Errorf("%d lines in the log", lines)
		}
	})
}

// TestThrottledForADay has an endpoint that takes ten events and then asks for a minute of peace.
func TestThrottledForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taken := 0
		var free time.Time
		early := 0
		rc := &receiver{}
		rc.answer = func(d delivery, w http.ResponseWriter, _ *http.Request) bool {
			rc.mu.Lock()
			defer rc.mu.Unlock()
			if taken == 10 && !d.At.Before(free) {
				taken = 0
			}
			if taken == 10 {
				early++
				w.Header().Set("Retry-After", strconv.Itoa(int(free.Sub(d.At).Seconds())+1))
				w.WriteHeader(http.StatusTooManyRequests)
				return false
			}
			if taken++; taken == 10 {
				free = d.At.Add(time.Minute)
			}
			_, _ = io.WriteString(w, answerOK)
			return true
		}
		w := newWorld(t, rc)
		w.start()
		want := map[string][]string{}
		for n := range 1000 {
			owner := fmt.Sprint("user", n%200)
			want[owner] = append(want[owner], w.outbox.commit(appA, owner, "x").ID)
		}
		w.drained(24 * time.Hour)
		w.stop()
		rc.checkDelivered(t, want)
		if early > 20*100 {
			t.Errorf("%d requests during the minutes of peace", early)
		}
	})
}

// TestOneAccountsAppErrors has an app backend that refuses one account's events for a day. Nobody else notices.
func TestOneAccountsAppErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(20 * time.Hour)
		rc := &receiver{answer: answerRefusing(func(d delivery) bool { return d.Owner == "odd" && d.At.Before(up) })}
		w := newWorld(t, rc)
		w.start()
		want := map[string][]string{"odd": {w.outbox.commit(appA, "odd", "x").ID, w.outbox.commit(appA, "odd", "y").ID}}
		for n := range 1000 {
			owner := fmt.Sprint("user", n%50)
			want[owner] = append(want[owner], w.outbox.commit(appA, owner, "x").ID)
			w.until("the others' events arrive", time.Second, func() bool { return w.outbox.waiting() == 2 })
			w.expect("meanwhile", relation.EndpointHealthy)
			pass(time.Minute)
		}
		if n := len(rc.seen()) - 1000; n > int(1010*time.Minute/(24*time.Second))+10 {
			t.Errorf("the refused event was tried %d times", n)
		}
		w.drained(5 * time.Hour)
		w.stop()
		rc.checkDelivered(t, want)
	})
}

// TestAPoisonousEventDoesNotKeepTheCircuitOpen has an outage that leaves behind an event which breaks its receiver.
func TestAPoisonousEventDoesNotKeepTheCircuitOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(time.Hour)
		rc := &receiver{answer: func(d delivery, w http.ResponseWriter, _ *http.Request) bool {
			if d.Owner == "a-poison" || d.At.Before(up) {
				w.WriteHeader(http.StatusInternalServerError)
				return false
			}
			_, _ = io.WriteString(w, answerOK)
			return true
		}}
		w := newWorld(t, rc)
		w.start()
		w.outbox.commit(appA, "a-poison", "x")
		for n := range 300 {
			w.outbox.commit(appA, fmt.Sprint("user", n), "x")
		}
		pass(time.Until(up))
		w.expect("before", relation.EndpointFailing)
		w.until("all others are delivered", 2*probeCap+5*time.Second, func() bool { return w.outbox.waiting() == 1 })
		for n := range 100 {
			w.outbox.commit(appA, fmt.Sprint("user", n), "y")
			w.until("new ones are delivered at once", time.Second, func() bool { return w.outbox.waiting() == 1 })
			pass(time.Minute)
		}
		w.expect("after", relation.EndpointHealthy)
		w.stop()
	})
}

// TestRecoveryDrainsQuicklyWithoutAStampede has an endpoint that comes back to a long backlog.
func TestRecoveryDrainsQuicklyWithoutAStampede(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(time.Hour)
		var begun time.Time // of the recovery
		first := 0          // most at a time within its first 15 ms
		rc := &receiver{}
		rc.answer = func(d delivery, w http.ResponseWriter, r *http.Request) bool {
			if d.At.Before(up) {
				return failUntil(&up)(d, w, r)
			}
			rc.mu.Lock()
			if begun.IsZero() {
				begun = d.At
			}
			if d.At.Sub(begun) < 15*time.Millisecond {
				now := 0
				for _, n := range rc.inFlight {
					now += n
				}
				first = max(first, now)
			}
			rc.mu.Unlock()
			return answerAfter(10*time.Millisecond)(d, w, r)
		}
		w := newWorld(t, rc)
		w.start()
		for n := range 2500 {
			w.outbox.commit(appA, fmt.Sprint("user", n), "x")
		}
		pass(time.Until(up))
		w.until("a probe succeeds", probeCap+time.Second, func() bool { return len(rc.ids("")) > 0 })
		w.drained(2 * time.Second)
		w.expect("after", relation.EndpointHealthy)
		w.stop()
		if first > 4 {
			t.Errorf("%d requests at a time right after the probe", first)
		}
		if most := rc.mostAtOnce(); most > relation.DefaultCallbackConcurrency || most < relation.DefaultCallbackConcurrency/2 {
			t.Errorf("%d at a time at full speed", most)
		}
	})
}

// TestOurOwnFaultsCostNothing has a resolver that is down for half a day, with a budget of an hour and of three attempts.
func TestOurOwnFaultsCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(12 * time.Hour)
		rc := &receiver{}
		w := newWorld(t, rc)
		var mu sync.Mutex
		dials := 0
		w.o.Egress = egressOf(t, egress.Options{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if time.Now().Before(up) {
				mu.Lock()
				defer mu.Unlock()
				dials++
				return nil, &net.DNSError{Err: "server misbehaving", IsTemporary: true}
			}
			return w.net.dial(ctx, network, address)
		}})
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb", MaxAttempts: 2, MaxAgeMS: time.Hour.Milliseconds()}))
		w.start()
		want := map[string][]string{}
		for n := range 20 {
			owner := fmt.Sprint("user", n)
			want[owner] = append(want[owner], w.outbox.commit(appA, owner, "x").ID)
		}
		pass(time.Until(up))
		w.expect("a fault of our own", relation.EndpointHealthy)
		mu.Lock()
		if most := 20 * int(12*time.Hour/ownCap) * 11 / 10; dials > most {
			t.Errorf("%d tries, want at most %d", dials, most)
		}
		mu.Unlock()
		w.drained(ownCap + 5*time.Second)
		w.stop()
		rc.checkDelivered(t, want)
	})
}

// TestAThirdOfAllRequestsFail has an endpoint that is neither well nor down. It stays in use, and so after a recovery.
func TestAThirdOfAllRequestsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(10 * time.Minute)
		flaws := rand.New(rand.NewPCG(1, 1))
		var mu sync.Mutex
		rc := &receiver{answer: func(d delivery, w http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			fails := flaws.IntN(3) == 0
			mu.Unlock()
			if fails {
				w.WriteHeader(http.StatusInternalServerError)
				return false
			}
			return failUntil(&up)(d, w, r)
		}}
		w := newWorld(t, rc)
		w.start()
		want := map[string][]string{}
		for n := range 500 {
			owner := fmt.Sprint("user", n)
			want[owner] = append(want[owner], w.outbox.commit(appA, owner, "x").ID)
		}
		pass(time.Until(up))
		w.until("nearly all are delivered", 3*probeCap, func() bool { return w.outbox.waiting() < 10 })
		w.drained(5 * time.Minute)
		w.stop()
		rc.checkDelivered(t, want)
	})
}
