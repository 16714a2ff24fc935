package store_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// While one app has thousands of calls waiting, and verdicts, another's call is in the next commit.
func TestPromise4AppsTakeTurnsAtTheStore(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		var armed atomic.Bool
		var commits, turn atomic.Int64 // turn is the commit that had the other app's call
		held, released := make(chan struct{}), make(chan struct{})
		release := sync.OnceFunc(func() { close(released) })
		o.Retention = 0
		o.Fault = func(step string) error {
			if step == "begin" && armed.CompareAndSwap(true, false) {
				close(held)
				<-released
			}
			if step == "committed" {
				commits.Add(1)
			}
			return nil
		}
		other := testApp()
		other.SDKAppID++
		o.OnCommit = func(c relation.Commit) {
			if len(c.Events) > 0 && c.Events[0].SDKAppID == other.SDKAppID {
				turn.Store(commits.Load()) // the caller may be told much later
			}
		}
		s := open(t, o)
		flooding := seed(t, s)
		if err := s.CreateApp(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		importAccounts(t, s, other.SDKAppID, "mira.k", "troll_77")

		armed.Store(true)
		var calls sync.WaitGroup
		defer calls.Wait()
		defer release()
		flood := func(i int) {
			_, err := relation.NewService(s, nil).Import(t.Context(), relation.AccountImport{
				SDKAppID: flooding.SDKAppID, Profiles: []relation.Profile{{UserID: fmt.Sprint("user", i)}},
			})
			if err != nil {
				t.Error(err)
			}
		}
		calls.Go(func() { flood(0) })
		<-held
		const many = 3000
		for i := range many {
			calls.Go(func() { flood(1 + i) })
		}
		calls.Go(func() {
			if _, err := s.Settle(t.Context(), verdictsOn(flooding.SDKAppID, many)); err != nil {
				t.Error(err)
			}
		})
		waitQueued(t, s, many+1)
		before := commits.Load()
		calls.Go(func() {
			if err := block(s, other); err != nil {
				t.Error(err)
			}
			if n := turn.Load() - before; n > 2 {
				t.Errorf("the other app waited for %d commits, want the one under way and its own", n)
			}
		})
		waitQueued(t, s, many+2)
		release()
		calls.Wait()
		if n := commits.Load() - before; n < 4 {
			t.Errorf("all was done in %d commits: nothing had to wait", n)
		}
	})
}

// waitQueued polls: nothing tells that a call waits.
func waitQueued(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); s.Queued() < n; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d calls wait, want %d", s.Queued(), n)
		}
	}
}

// verdictsOn are verdicts on events that are not there.
func verdictsOn(app uint32, n int) []relation.Settlement {
	all := make([]relation.Settlement, n)
	for i := range all {
		all[i] = relation.Settlement{EventKey: relation.EventKey{SDKAppID: app, Owner: "mira.k", Seq: int64(i)}, Verdict: relation.Delivered, Attempts: 1}
	}
	return all
}
