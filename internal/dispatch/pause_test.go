package dispatch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func pausedApp(p *relation.Pause) *relation.App {
	return testApp(appA, relation.Callback{URL: "http://a.test/cb", Paused: p})
}

// TestPauseHoldsEverythingAndKillsNothing pauses an endpoint that fails for longer than the budget.
func TestPauseHoldsEverythingAndKillsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(101*time.Hour + 30*time.Minute)
		rc := &receiver{answer: failUntil(&up)}
		w := newWorld(t, rc)
		w.start()
		var want []string
		for n := range 20 {
			want = append(want, w.outbox.commit(appA, fmt.Sprintf("user%02d", n), "x").ID)
		}
		pass(time.Hour)
		w.expect("before", relation.EndpointFailing)
		since := time.Now()
		w.apps.set(pausedApp(&relation.Pause{Since: since, By: relation.PausedByOperator, Reason: "moving house"}))
		w.d.AppsChanged()
		before := len(rc.seen())
		want = append(want, w.outbox.commit(appA, "mira.k", "x").ID)
		pass(100 * time.Hour)
		if s := w.endpoint(); s.State != relation.EndpointPaused || s.Reason != "moving house" || !s.Since.Equal(since) {
			t.Errorf("status %+v", s)
		}
		if n := len(rc.seen()) - before; n > 0 {
			t.Errorf("%d requests during the pause", n)
		}
		w.apps.set(pausedApp(nil))
		w.d.AppsChanged()
		w.expect("resumed", relation.EndpointRecovering)
		w.drained(time.Hour)
		w.expect("at the end", relation.EndpointHealthy)
		w.stop()
		got := rc.ids("")
		slices.Sort(got)
		slices.Sort(want)
		if dead := w.outbox.letters(); len(dead) > 0 || !slices.Equal(got, want) {
			t.Errorf("%d dead, %d delivered of %d", len(dead), len(got), len(want))
		}
	})
}

func TestAttemptsUnderWayFinishDuringAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: answerAfter(time.Second)}
		w := newWorld(t, rc)
		w.start()
		w.outbox.commit(appA, "mira.k", "a")
		w.outbox.commit(appA, "mira.k", "b")
		pass(100 * time.Millisecond)
		w.apps.set(pausedApp(&relation.Pause{}))
		w.d.AppsChanged()
		pass(time.Hour)
		w.stop()
		if n, waiting := len(rc.ids("")), w.outbox.waiting(); n != 1 || waiting != 1 {
			t.Errorf("%d delivered, %d wait; want the one under way delivered", n, waiting)
		}
	})
}

// gone answers 410 until a moment.
func gone(up *time.Time) func(delivery, http.ResponseWriter, *http.Request) bool {
	return answerUntil(up, http.StatusGone)
}

// TestGonePausesUntilSomebodyResumes has an endpoint that answers 410, while the record cannot be written for an hour.
func TestGonePausesUntilSomebodyResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(50 * time.Hour)
		rc := &receiver{answer: gone(&up)}
		w := newWorld(t, rc)
		writable := time.Now().Add(time.Hour)
		var mu sync.Mutex
		tries := 0
		w.o.Pause = func(_ context.Context, id uint32, _ time.Time, p relation.Pause) error {
			mu.Lock()
			defer mu.Unlock()
			tries++
			if time.Now().Before(writable) {
				return errors.New("the disk is full")
			}
			if id != appA || p.By != relation.PausedByEndpoint || p.Since.IsZero() || p.Reason == "" {
				t.Errorf("paused app %d with %+v", id, p)
			}
			w.apps.set(pausedApp(&p))
			w.d.AppsChanged()
			return nil
		}
		w.start()
		event := w.outbox.commit(appA, "mira.k", "x")
		pass(time.Second)
		w.expect("at once", relation.EndpointPaused)
		w.outbox.commit(appA, "other", "x")
		w.d.AppsChanged() // about something else
		pass(40 * time.Hour)
		w.expect("two days later", relation.EndpointPaused)
		mu.Lock()
		if n := len(rc.seen()); n != 1 || tries < 60 || tries > 200 {
			t.Errorf("%d requests during the pause, %d tries to write it", n, tries)
		}
		mu.Unlock()
		if w.apps.All()[0].Callback.Paused == nil {
			t.Error("the pause was never written")
		}
		pass(time.Until(up))
		w.apps.set(pausedApp(nil))
		w.d.AppsChanged()
		w.drained(time.Second)
		w.stop()
		if got := rc.ids("mira.k"); !slices.Equal(got, []string{event.ID}) {
			t.Errorf("delivered %v", got)
		}
	})
}

func TestAnotherURLEndsThePauseOfA410(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(50 * time.Hour)
		w := newWorld(t, &receiver{answer: gone(&up)})
		moved := &receiver{}
		w.net.serve(t, "b.test:80", moved)
		w.start() // without Options.Pause
		w.outbox.commit(appA, "mira.k", "x")
		pass(time.Hour)
		w.expect("before", relation.EndpointPaused)
		w.apps.set(testApp(appA, relation.Callback{URL: "http://b.test/"}))
		w.d.AppsChanged()
		w.drained(time.Second)
		w.stop()
	})
}

func TestStatusOfEndpointsThatAreOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &receiver{})
		disabled := testApp(appB, relation.Callback{URL: "http://a.test/"})
		disabled.Disabled = true
		w.apps.set(disabled, testApp(appA, relation.Callback{}))
		w.start()
		all := w.d.Endpoints()
		if len(all) != 2 || all[0].SDKAppID != appA || all[0].State != relation.EndpointOff || all[1].State != relation.EndpointOff {
			t.Errorf("endpoints %+v", all)
		}
		if _, ok := w.d.Endpoint(7); ok {
			t.Error("there is an endpoint of no app")
		}
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/"}))
		w.d.AppsChanged()
		w.outbox.commit(appA, "mira.k", "x")
		w.drained(time.Second)
		w.expect("switched on", relation.EndpointHealthy)
		w.stop()
	})
}

// TestWhatEndsAFailureAtOnce leaves an endpoint failing for so long that the next probe is far away, and then does what tells
// Kith that it may be well.
func TestWhatEndsAFailureAtOnce(t *testing.T) {
	for name, cure := range map[string]func(*world){
		"other settings": func(w *world) {
			w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb", TimeoutMS: 1500}))
			w.d.AppsChanged()
		},
		"a test that succeeds": func(w *world) {
			if report, err := w.d.TestCallback(w.t.Context(), w.apps.All()[0]); err != nil || !report.OK {
				w.t.Errorf("report %+v, error %v", report, err)
			}
		},
		"a pause and a resume": func(w *world) {
			w.apps.set(pausedApp(&relation.Pause{}))
			w.d.AppsChanged()
			w.apps.set(pausedApp(nil))
			w.d.AppsChanged()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := time.Now().Add(time.Hour)
				w := newWorld(t, &receiver{answer: failUntil(&up)})
				w.start()
				for n := range 500 {
					w.outbox.commit(appA, fmt.Sprint("user", n), "x")
				}
				pass(time.Until(up))
				w.expect("before", relation.EndpointFailing)
				cure(w)
				w.expect("at once", relation.EndpointRecovering)
				w.drained(time.Second)
				w.expect("at the end", relation.EndpointHealthy)
				w.stop()
			})
		})
	}
}
