package dispatch

import (
	"context"
	"errors"
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

func TestStopIsSafeUnstartedAndTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &receiver{})
		unstarted := New(w.o)
		unstarted.Offer([]relation.Event{{SDKAppID: appA, Owner: "a", Head: true}})
		unstarted.AppsChanged()
		for range 2 {
			if err := unstarted.Stop(t.Context()); err != nil {
				t.Errorf("unstarted: %v", err)
			}
		}
		unstarted.Start() // too late, does nothing
		w.start()
		w.stop()
		w.stop()
		w.outbox.commit(appA, "mira.k", "a")
		w.d.AppsChanged()
		pass(time.Hour)
		if n := w.outbox.waiting(); n != 1 {
			t.Errorf("%d events wait after Stop, want 1", n)
		}
	})
}

func TestStopSettlesWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
			pass(time.Second)
			_, _ = io.WriteString(w, answerOK)
			return true
		}}
		w := newWorld(t, rc)
		w.start()
		for i := range limitStart {
			w.outbox.commit(appA, fmt.Sprint("user", i), "a")
			w.outbox.commit(appA, fmt.Sprint("user", i), "b")
		}
		pass(500 * time.Millisecond)
		w.stop()
		if n, m := w.outbox.waiting(), len(rc.ids("")); n != limitStart || m != limitStart {
			t.Errorf("%d wait and %d were delivered, want the 16 under way delivered and no other started", n, m)
		}
	})
}

func TestStopBreaksOffAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: func(_ delivery, _ http.ResponseWriter, r *http.Request) bool {
			<-r.Context().Done()
			return false
		}}
		w := newWorld(t, rc)
		w.start()
		w.outbox.commit(appA, "mira.k", "a")
		pass(100 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begun := time.Now()
		if err := w.d.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop: %v", err)
		}
		if took := time.Since(begun); took > 200*time.Millisecond {
			t.Errorf("Stop took %v", took)
		}
		if verdicts := w.outbox.verdicts(); len(verdicts) > 0 {
			t.Errorf("an attempt that we broke off counts against the receiver: %+v", verdicts)
		}
	})
}

func TestStartStopStress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &receiver{})
		for round := range 50 {
			w.start()
			d := w.d
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() { w.outbox.commit(appA, fmt.Sprint("user", i), fmt.Sprint(round)) })
				all.Go(d.AppsChanged)
				all.Go(d.Start)
				if i > 1 {
					all.Go(func() { _ = d.Stop(context.Background()) })
				}
			}
			all.Wait()
			w.stop()
		}
		w.start()
		w.drained(time.Minute)
		w.stop()
	})
}

func TestAppsChangedWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, moved := &receiver{}, &receiver{}
		w := newWorld(t, old)
		w.net.serve(t, "b.test:80", moved)
		at := func(c relation.Callback, disabled bool) *relation.App {
			app := testApp(appA, c)
			app.Disabled = disabled
			return app
		}
		change := func(apps ...*relation.App) {
			w.apps.set(apps...)
			w.d.AppsChanged()
		}
		w.start()
		commit := func(target string) { w.outbox.commit(appA, "mira.k", target) }
		commit("first")
		w.drained(time.Second)

		change(at(relation.Callback{URL: "http://a.test/cb"}, true))
		commit("while disabled")
		pass(48 * time.Hour)
		if n := len(old.seen()); n != 1 {
			t.Errorf("%d requests for a disabled app", n-1)
		}
		change(at(relation.Callback{}, false))
		commit("without a URL")
		pass(time.Hour)
		change(at(relation.Callback{URL: "http://b.test/new", Token: "t"}, false))
		w.drained(time.Second)
		commit("moved")
		w.drained(time.Second)
		change()
		commit("deleted")
		pass(time.Hour)
		w.stop()
		var got []string
		for _, d := range append(old.seen(), moved.seen()...) {
			got = append(got, fmt.Sprint(d.Path, " ", d.Sign != "", " ", d.Targets[0]))
		}
		want := []string{
			"/cb false first", "/new true while disabled", "/new true without a URL", "/new true moved",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestAttemptsUnderWayFinishOnTheOldSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := &receiver{answer: func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
			pass(time.Second)
			_, _ = io.WriteString(w, answerOK)
			return true
		}}
		moved := &receiver{}
		w := newWorld(t, old)
		w.net.serve(t, "b.test:80", moved)
		w.start()
		first := w.outbox.commit(appA, "mira.k", "a")
		second := w.outbox.commit(appA, "mira.k", "b")
		pass(100 * time.Millisecond)
		w.apps.set(testApp(appA, relation.Callback{URL: "http://b.test/"}))
		w.d.AppsChanged()
		w.drained(time.Minute)
		w.stop()
		if got := old.ids(""); !slices.Equal(got, []string{first.ID}) {
			t.Errorf("the old endpoint got %v", got)
		}
		if got := moved.ids(""); !slices.Equal(got, []string{second.ID}) {
			t.Errorf("the new endpoint got %v", got)
		}
	})
}

// TestAttemptsNotBegunFollowTheNewSettings changes the app while workers wait for their turns at an endpoint that fails.
func TestAttemptsNotBegunFollowTheNewSettings(t *testing.T) {
	const owners = 300
	disabled := testApp(appA, relation.Callback{URL: "http://a.test/cb"})
	disabled.Disabled = true
	for _, tt := range []struct {
		name string
		app  *relation.App
		want int // delivered to the new URL
	}{
		{"moved", testApp(appA, relation.Callback{URL: "http://b.test/"}), owners},
		{"disabled", disabled, 0},
		{"without a URL", testApp(appA, relation.Callback{}), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old := &receiver{answer: func(_ delivery, w http.ResponseWriter, _ *http.Request) bool {
					w.WriteHeader(http.StatusInternalServerError)
					return false
				}}
				moved := &receiver{}
				w := newWorld(t, old)
				w.net.serve(t, "b.test:80", moved)
				w.start()
				for i := range owners {
					w.outbox.commit(appA, fmt.Sprintf("user%03d", i), "a")
				}
				pass(305 * time.Millisecond)
				synctest.Wait()
				before := len(old.seen())
				w.apps.set(tt.app)
				w.d.AppsChanged()
				pass(time.Minute)
				if n := len(old.seen()) - before; n > 0 {
					t.Errorf("%d attempts on the old settings after the change", n)
				}
				if n := len(moved.ids("")); n != tt.want {
					t.Errorf("%d delivered to the new URL, want %d", n, tt.want)
				}
				w.apps.set(testApp(appA, relation.Callback{URL: "http://b.test/"}))
				w.d.AppsChanged()
				w.drained(time.Minute)
				w.stop()
				moved.checkOneAtATime(t)
			})
		})
	}
}
