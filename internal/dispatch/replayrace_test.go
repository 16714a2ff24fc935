package dispatch

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// lateReplays tells of replays as they were some time ago.
type lateReplays struct {
	*memoryReplays
	late atomic.Bool
}

func (l *lateReplays) Replays(ctx context.Context, sdkAppID uint32) ([]relation.Replay, error) {
	if l.late.Load() {
		defer pass(time.Minute)
	}
	return l.memoryReplays.Replays(ctx, sdkAppID)
}

// TestReplayThatEndedIsNotBegunAgain has the list of replays arrive after the end of one that it says runs.
func TestReplayThatEndedIsNotBegunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: answerAfter(100 * time.Millisecond)}
		m := newMemoryReplays(100, 7)
		w := newWorld(t, rc)
		late := &lateReplays{memoryReplays: m}
		w.o.Replays = late
		w.start()
		m.order(w.d, running)
		pass(10 * time.Millisecond) // it is under way
		late.late.Store(true)
		w.d.ReplaysChanged()
		w.replayed(m, "job-1", 10*time.Second)
		pass(time.Hour)
		w.stop()
		if n := len(rc.seen()); n != 100 {
			t.Errorf("%d requests, want one for each of 100 events", n)
		}
	})
}

// TestReplayOfADeletedAppIsNotSentToTheNextOne has an app deleted in the middle of a replay, and another made with its id.
func TestReplayOfADeletedAppIsNotSentToTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemoryReplays(1000, 1)
		w := replayWorld(t, &receiver{answer: answerAfter(100 * time.Millisecond)}, m)
		next := &receiver{}
		w.net.serve(t, "b.test:80", next)
		w.start()
		m.order(w.d, running)
		pass(1500 * time.Millisecond) // its progress was stored a moment ago
		m.mu.Lock()
		clear(m.jobs)
		m.mu.Unlock()
		w.apps.set()
		w.d.AppsChanged()
		w.apps.set(testApp(appA, relation.Callback{URL: "http://b.test/"}))
		w.d.AppsChanged()
		pass(time.Hour)
		w.stop()
		if n := len(next.seen()); n > 0 {
			t.Errorf("the new app was sent %d events of the old one", n)
		}
	})
}
