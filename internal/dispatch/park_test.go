package dispatch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// poisoned is an app backend that cannot take events about one account, and takes a second for each.
func poisoned(target string) *receiver {
	return &receiver{answer: func(d delivery, w http.ResponseWriter, _ *http.Request) bool {
		pass(time.Second)
		if slices.Contains(d.Targets, target) {
			_, _ = io.WriteString(w, `{"ErrorCode":1}`)
			return false
		}
		_, _ = io.WriteString(w, answerOK)
		return true
	}}
}

func (w *world) park(e relation.Event) error { return w.d.Park(context.Background(), e.Key()) }

func TestAParkedEventLetsTheAccountGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := poisoned("poison")
		w := newWorld(t, rc)
		w.start()
		first := w.outbox.commit(appA, "mira.k", "poison")
		second := w.outbox.commit(appA, "mira.k", "x")
		pass(time.Hour)

		var behind *relation.BehindError
		if err := w.park(second); !errors.As(err, &behind) || behind.Head != first.ID {
			t.Errorf("park of one that waits behind another: %v", err)
		}
		if err := w.d.Hurry(t.Context(), second.Key(), ""); !errors.As(err, &behind) {
			t.Errorf("hurry of one that waits behind another: %v", err)
		}
		if err := w.park(first); err != nil {
			t.Fatal(err)
		}
		w.drained(2 * time.Second)
		if err := w.park(first); !errors.Is(err, relation.ErrSettled) {
			t.Errorf("park of a dead letter: %v", err)
		}
		if err := w.park(second); !errors.Is(err, relation.ErrSettled) {
			t.Errorf("park of one that was delivered: %v", err)
		}
		if err := w.d.Park(t.Context(), relation.EventKey{SDKAppID: appB, Owner: "mira.k", Seq: 1}); !errors.Is(err, relation.ErrNoApp) {
			t.Errorf("park without an app: %v", err)
		}
		w.stop()
		if err := w.park(second); !errors.Is(err, relation.ErrUnavailable) {
			t.Errorf("park after Stop: %v", err)
		}
		dead := w.outbox.letters()
		if len(dead) != 1 || dead[0].ID != first.ID || dead[0].Reason != "parked by an operator" || dead[0].Attempts == 0 {
			t.Errorf("dead letters %+v", dead)
		}
		if got := rc.ids("mira.k"); !slices.Equal(got, []string{second.ID}) {
			t.Errorf("delivered %v", got)
		}
		rc.checkOneAtATime(t)
	})
}

// An attempt under way wins: what it delivered cannot be parked, and what it failed is parked after it.
func TestParkWaitsForTheAttemptUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := poisoned("poison")
		w := newWorld(t, rc)
		w.start()
		good := w.outbox.commit(appA, "mira.k", "x")
		pass(100 * time.Millisecond)
		if err := w.park(good); !errors.Is(err, relation.ErrSettled) {
			t.Errorf("park of one that is being delivered: %v", err)
		}
		bad := w.outbox.commit(appA, "mira.k", "poison")
		pass(100 * time.Millisecond)
		if err := w.park(bad); err != nil {
			t.Error(err)
		}
		if dead := w.outbox.letters(); len(dead) != 1 || dead[0].ID != bad.ID || dead[0].Attempts != 1 {
			t.Errorf("dead letters %+v", dead)
		}
		busy := w.outbox.commit(appA, "mira.k", "y")
		pass(100 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := w.d.Park(ctx, busy.Key()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("park of a hurried caller: %v", err)
		}
		w.drained(time.Minute)
		w.stop()
		if n := len(rc.seen()); n != 3 {
			t.Errorf("%d requests", n)
		}
	})
}

// What an endpoint that takes nothing holds up can be parked, too.
func TestParkWhileNothingIsSent(t *testing.T) {
	paused := &relation.Pause{Since: time.Unix(1, 0), By: relation.PausedByOperator}
	for name, c := range map[string]relation.Callback{
		"paused":  {URL: "http://a.test/cb", Paused: paused},
		"off":     {},
		"failing": {URL: "http://nobody.test/cb"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rc := &receiver{}
				w := newWorld(t, rc)
				w.apps.set(testApp(appA, c))
				w.start()
				var parked, kept []relation.Event
				for _, owner := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
					parked = append(parked, w.outbox.commit(appA, owner, "x"))
					kept = append(kept, w.outbox.commit(appA, owner, "y"))
				}
				pass(time.Hour)
				if s := w.endpoint(); string(s.State) != name {
					t.Fatalf("state %s", s.State)
				}
				for _, e := range parked {
					if err := w.park(e); err != nil {
						t.Error(err)
					}
				}
				w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb"}))
				w.d.AppsChanged()
				w.drained(time.Minute)
				w.stop()
				if n := len(rc.seen()); n != len(kept) {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

func TestAHurriedEventIsTriedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := poisoned("poison")
		w := newWorld(t, rc)
		w.start()
		e := w.outbox.commit(appA, "mira.k", "poison")
		w.until("the wait is long", time.Minute, func() bool { return len(rc.seen()) == 7 })
		pass(time.Second)
		if err := w.d.Hurry(t.Context(), e.Key(), "app-error"); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		if n := len(rc.seen()); n != 8 {
			t.Errorf("%d requests", n)
		}
		for _, s := range w.outbox.verdicts() {
			if s.Attempt.At.IsZero() && (s.Attempts != 7 || s.BudgetFrom.IsZero() || s.Reason != "app-error" || s.Verdict != relation.Retry) {
				t.Errorf("settled %+v", s)
			}
		}
		rc.checkAttempts(t)
		w.stop()
	})
}
