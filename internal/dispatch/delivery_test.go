package dispatch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// failUntil refuses requests until a moment, given by a test.
func failUntil(up *time.Time) func(delivery, http.ResponseWriter, *http.Request) bool {
	return answerUntil(up, http.StatusInternalServerError)
}

func answerUntil(up *time.Time, status int) func(delivery, http.ResponseWriter, *http.Request) bool {
	return func(d delivery, w http.ResponseWriter, _ *http.Request) bool {
		if d.At.Before(*up) {
			w.WriteHeader(status)
			return false
		}
		_, _ = io.WriteString(w, answerOK)
		return true
	}
}

func TestPromise3SameIDAtEachAttemptUntilItIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(10 * time.Second)
		rc := &receiver{answer: failUntil(&up)}
		w := newWorld(t, rc)
		w.start()
		begun := time.Now()
		event := w.outbox.commit(appA, "mira.k", "troll_77", "troll_78")
		w.drained(time.Minute)
		w.stop()
		var at []time.Duration
		for i, d := range rc.seen() {
			if d.ID != event.ID || d.Attempt != i+1 || !slices.Equal(d.Targets, event.Targets) {
				t.Errorf("attempt %d carried %+v", i+1, d)
			}
			at = append(at, d.At.Sub(begun).Round(100*time.Millisecond))
		}
		ms := time.Millisecond
		want := []time.Duration{0, 300 * ms, 800 * ms, 1800 * ms, 3800 * ms, 7800 * ms, 15800 * ms}
		if !slices.Equal(at, want) {
			t.Errorf("attempts at %v, want %v", at, want)
		}
	})
}

func TestPromise3DeadLetterAfterTheBudgetAndTheNextGoesOn(t *testing.T) {
	for _, downtime := range []time.Duration{time.Hour, 24*time.Hour + time.Minute, 72 * time.Hour} {
		t.Run(fmt.Sprint("down for ", downtime), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { budgetScenario(t, downtime) })
		})
	}
}

func budgetScenario(t *testing.T, downtime time.Duration) {
	up := time.Now().Add(downtime)
	rc := &receiver{answer: failUntil(&up)}
	w := newWorld(t, rc)
	w.start()
	begun := time.Now()
	first := w.outbox.commit(appA, "mira.k", "a")
	pass(30 * time.Minute)
	second := w.outbox.commit(appA, "mira.k", "b")
	w.drained(100 * time.Hour)
	w.stop()
	dead := w.outbox.letters()
	var deadIDs []string
	for _, e := range dead {
		deadIDs = append(deadIDs, e.ID)
		if age := e.Settled.Sub(e.BudgetFrom); age < 24*time.Hour || age > 25*time.Hour {
			t.Errorf("%s was parked after %v, want soon after a day", e.ID, age)
		}
		if !strings.HasPrefix(e.Reason, "status: 500; given up after ") || e.Attempts < 1 {
			t.Errorf("%s: reason %q after %d attempts", e.ID, e.Reason, e.Attempts)
		}
	}
	wantDead := map[time.Duration][]string{
		time.Hour: nil, 24*time.Hour + time.Minute: {first.ID}, 72 * time.Hour: {first.ID, second.ID},
	}[downtime]
	if !slices.Equal(deadIDs, wantDead) {
		t.Errorf("dead: %v, want %v", deadIDs, wantDead)
	}
	all := []string{first.ID, second.ID}
	if got, want := rc.ids(""), all[len(wantDead):]; !slices.Equal(got, want) {
		t.Errorf("delivered: %v, want %v", got, want)
	}
	if took := time.Since(begun); took > 49*time.Hour {
		t.Errorf("took %v", took)
	}
}

func TestNoRetryParksAtTheFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(time.Second)
		rc := &receiver{answer: failUntil(&up)}
		w := newWorld(t, rc)
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/", Retry: relation.RetryOff}))
		w.start()
		first := w.outbox.commit(appA, "mira.k", "a")
		pass(time.Second)
		second := w.outbox.commit(appA, "mira.k", "b")
		w.drained(time.Minute)
		w.stop()
		dead := w.outbox.letters()
		if len(dead) != 1 || dead[0].ID != first.ID || len(rc.seen()) != 2 || rc.ids("")[0] != second.ID {
			t.Errorf("dead %+v, requests %+v", dead, rc.seen())
		}
	})
}

func TestPromise6RestartResumesWithTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(time.Hour)
		rc := &receiver{answer: failUntil(&up)}
		w := newWorld(t, rc)
		w.start()
		var want []string
		for i := range 5 {
			want = append(want, w.outbox.commit(appA, "mira.k", fmt.Sprint(i)).ID)
		}
		pass(10 * time.Second)
		w.stop()
		attempts := len(rc.seen())
		w.outbox.offer = nil
		want = append(want, w.outbox.commit(appA, "mira.k", "while Kith was down").ID)
		pass(2 * time.Hour)
		w.start()
		w.drained(time.Minute)
		w.stop()
		if got := rc.ids(""); !slices.Equal(got, want) {
			t.Errorf("delivered %v, want %v", got, want)
		}
		if next := rc.seen()[attempts]; next.Attempt != attempts+1 {
			t.Errorf("attempt %d after the restart, want %d", next.Attempt, attempts+1)
		}
	})
}

func TestCrashBeforeSettlementDeliversAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{}
		w := newWorld(t, rc)
		w.outbox.failWith(func(op string) error {
			if op == "settle" {
				return relation.ErrUnavailable
			}
			return nil
		})
		w.start()
		first := w.outbox.commit(appA, "mira.k", "a")
		second := w.outbox.commit(appA, "mira.k", "b")
		pass(10 * time.Minute)
		if got := rc.ids(""); !slices.Equal(got, []string{first.ID}) {
			t.Errorf("before the store works: %v; the second must wait for the first's settlement", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.d.Stop(ctx); err == nil {
			t.Error("Stop says that all is settled")
		}
		w.outbox.failWith(nil)
		w.start()
		w.drained(time.Minute)
		w.stop()
		if got := rc.ids(""); !slices.Equal(got, []string{first.ID, first.ID, second.ID}) {
			t.Errorf("delivered %v", got)
		}
		if again := rc.seen()[1]; again.Attempt != 1 {
			t.Errorf("attempt %d; what was not stored does not count", again.Attempt)
		}
	})
}

func TestSettleFailureLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{}
		w := newWorld(t, rc)
		fixed := time.Now().Add(3 * time.Hour) // longer than the budget
		w.outbox.failWith(func(op string) error {
			if op == "settle" && time.Now().Before(fixed) {
				return relation.ErrUnavailable
			}
			return nil
		})
		w.o.Budget = time.Hour
		w.start()
		var want []string
		for i := range 100 {
			want = append(want, w.outbox.commit(appA, fmt.Sprintf("user%02d", i), "a").ID)
		}
		pass(3*time.Hour + 5*time.Second)
		w.drained(time.Minute)
		w.stop()
		got := rc.ids("")
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("delivered %d events, want each of %d once", len(got), len(want))
		}
		for _, s := range w.outbox.verdicts() {
			if s.Verdict != relation.Delivered {
				t.Errorf("verdict %+v", s)
			}
		}
	})
}

func TestSignatureIsFreshAtEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(10 * time.Second)
		rc := &receiver{answer: failUntil(&up)}
		w := newWorld(t, rc)
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/", Token: "wh-token-7"}))
		w.start()
		w.outbox.commit(appA, "mira.k", "a")
		w.drained(time.Minute)
		w.stop()
		signs := map[string]bool{}
		for _, d := range rc.seen() {
			at, err := strconv.ParseInt(d.SignedAt, 10, 64)
			if err != nil || at != d.At.Unix() || d.Sign != webhook.Sign("wh-token-7", at) {
				t.Errorf("attempt %d at %d is signed for %q with %q", d.Attempt, d.At.Unix(), d.SignedAt, d.Sign)
			}
			signs[d.Sign] = true
		}
		if len(signs) < 5 {
			t.Errorf("%d signatures for %d attempts", len(signs), len(rc.seen()))
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: func(d delivery, w http.ResponseWriter, _ *http.Request) bool {
			if d.Attempt == 1 {
				w.Header().Set("Retry-After", "90")
				w.WriteHeader(http.StatusTooManyRequests)
				return false
			}
			_, _ = io.WriteString(w, answerOK)
			return true
		}}
		w := newWorld(t, rc)
		w.start()
		w.outbox.commit(appA, "mira.k", "a")
		w.drained(time.Hour)
		w.stop()
		if gap := rc.seen()[1].At.Sub(rc.seen()[0].At).Round(time.Second); gap != 90*time.Second {
			t.Errorf("came again after %v", gap)
		}
	})
}

// A test that is answered tells that the endpoint takes events now, whatever it asked for before; a start of ours does not.
func TestAWaitThatWasAskedForEndsWithASuccessfulTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: func(d delivery, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Retry-After", "86400")
			if d.Owner == "" { // the test
				d.Attempt++
			}
			return failFirst(d, w, r)
		}}
		w := newWorld(t, rc)
		w.start()
		w.outbox.commit(appA, "mira.k", "a")
		pass(time.Second)
		w.stop()
		w.start()
		pass(time.Minute)
		if n := len(rc.seen()); n != 1 {
			t.Fatalf("%d attempts within a minute and a start, want one", n)
		}
		if report, err := w.d.TestCallback(t.Context(), w.apps.All()[0]); err != nil || !report.OK {
			t.Fatalf("report %+v, error %v", report, err)
		}
		w.drained(time.Second)
		w.stop()
	})
}

func TestRecoveryDoesNotWaitOutTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(5 * time.Minute)
		rc := &receiver{answer: failUntil(&up)}
		w := newWorld(t, rc)
		w.start()
		for i := range 300 {
			w.outbox.commit(appA, fmt.Sprint("user", i), "a")
		}
		pass(time.Until(up))
		fresh := w.outbox.commit(appA, "fresh", "a")
		w.drained(probeCap + 2*time.Second)
		w.stop()
		if got := rc.ids(""); !slices.Contains(got, fresh.ID) || len(got) != 301 {
			t.Errorf("%d delivered", len(got))
		}
	})
}

// An operator who mended an endpoint and tests it sees what waited arrive.
func TestASuccessfulTestBringsWaitingEventsForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(5 * time.Minute)
		w := newWorld(t, &receiver{answer: failUntil(&up)})
		w.start()
		w.outbox.commit(appA, "mira.k", "a")
		pass(time.Until(up))
		if report, err := w.d.TestCallback(t.Context(), w.apps.All()[0]); err != nil || !report.OK {
			t.Fatalf("report %+v, error %v", report, err)
		}
		w.drained(time.Second)
		w.stop()
	})
}

func TestAFailingEndpointIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(1000 * time.Hour)
		rc := &receiver{answer: failUntil(&up)}
		w := newWorld(t, rc)
		w.start()
		for i := range 5000 {
			w.outbox.commit(appA, fmt.Sprint("user", i), "a")
		}
		pass(time.Minute)
		w.stop()
		if n, limit := len(rc.seen()), limitStart+opensAfter+10; n > limit || n < 10 {
			t.Errorf("%d attempts in a minute, want steady ones but at most %d", n, limit)
		}
	})
}

func TestSecretsStayOutOfLogsAndReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const secret = "s3cr3t"
		log := &logBuffer{}
		for _, address := range []string{"a.test", "nowhere.test"} {
			up := time.Now().Add(1000 * time.Hour)
			w := newWorld(t, &receiver{answer: failUntil(&up)})
			w.o.Log = log.logger()
			w.o.Budget = time.Minute
			w.apps.set(testApp(appA, relation.Callback{URL: "http://" + address + "/?key=" + secret, Token: secret}))
			w.start()
			for i := range 20 {
				w.outbox.commit(appA, fmt.Sprint("user", i), "a")
			}
			w.drained(time.Hour)
			w.stop()
			for _, s := range w.outbox.verdicts() {
				if strings.Contains(s.Reason, secret) || len(s.Reason) > 300 {
					t.Errorf("reason %q", s.Reason)
				}
			}
		}
		if text := log.String(); strings.Contains(text, secret) || !strings.Contains(text, "callback endpoint fails") {
			t.Errorf("log:\n%s", text)
		}
	})
}
