package dispatch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// TestResumeWhileThePauseOfA410CannotBeStored has an operator resume the endpoint before Kith could write down why it is
// paused. What the endpoint said must not come back after that.
func TestResumeWhileThePauseOfA410CannotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(time.Hour)
		w := newWorld(t, &receiver{answer: gone(&up)})
		w.o.Pause = func(context.Context, uint32, time.Time, relation.Pause) error {
			if time.Now().Before(up.Add(time.Minute)) {
				return errors.New("the disk is full")
			}
			t.Error("the pause was stored after the resume")
			return nil
		}
		w.start()
		w.outbox.commit(appA, "mira.k", "x")
		pass(time.Until(up))
		w.expect("before", relation.EndpointPaused)
		resumed := pausedApp(nil)
		resumed.Updated = time.Now()
		w.apps.set(resumed)
		w.d.AppsChanged()
		w.drained(time.Second)
		pass(time.Hour)
		w.expect("at the end", relation.EndpointHealthy)
		w.stop()
	})
}

// An endpoint that nothing waits for has nothing to recover for.
func TestResumeOfAnEndpointThatNothingWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &receiver{})
		w.start()
		w.apps.set(pausedApp(&relation.Pause{}))
		w.d.AppsChanged()
		w.expect("before", relation.EndpointPaused)
		w.apps.set(pausedApp(nil))
		w.d.AppsChanged()
		pass(time.Second)
		w.expect("at the end", relation.EndpointHealthy)
		w.stop()
	})
}
