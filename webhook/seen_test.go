package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kithchat/kith/api"
)

func requestWithID(t testing.TB, id string) *http.Request {
	r := unblockRequest(t)
	r.Header.Set(api.HeaderWebhookID, id)
	return r
}

func TestDedupRemembersHandledOnly(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Dedup = 2 })
	serve := func(id string, code, calls int) {
		t.Helper()
		before := f.calls()
		if _, got := f.serve(t, requestWithID(t, id)); got.ErrorCode != code || f.calls()-before != calls {
			t.Errorf("%s: code %d after %d calls, want %d after %d", id, got.ErrorCode, f.calls()-before, code, calls)
		}
	}
	f.result = errors.New("not now")
	serve("a", 1, 1)
	serve("a", 1, 1) // a failure is not remembered
	f.result = nil
	serve("a", 0, 1)
	serve("a", 0, 0)
	serve("b", 0, 1)
	serve("a", 0, 0)
	serve("c", 0, 1) // pushes out a, the oldest
	serve("b", 0, 0)
	serve("a", 0, 1) // pushes out b
	serve("c", 0, 0)
	serve("b", 0, 1)
	serve("", 0, 1) // without an id there is nothing to remember
	serve("", 0, 1)
}

func TestDedupIsOffByDefault(t *testing.T) {
	f := newFixture(t, nil)
	f.serve(t, requestWithID(t, "a"))
	f.serve(t, requestWithID(t, "a"))
	if f.calls() != 2 {
		t.Errorf("%d calls, want 2", f.calls())
	}
}

func TestDedupTellsAppsApart(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Dedup, o.SDKAppID, o.AnyApp = 9, 0, true })
	for _, app := range []string{"1", "2"} {
		r := requestWithID(t, "a")
		setQuery(r, api.QuerySdkAppid, app)
		f.serve(t, r)
	}
	if f.calls() != 2 {
		t.Errorf("%d calls, want 2", f.calls())
	}
}

// A replay was ordered, so it reaches the function though the event was handled, and once only.
func TestDedupLetsReplaysThrough(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Dedup = 3 })
	for _, row := range []struct {
		id, replay string
		calls      int
	}{
		{"a", "", 1},
		{"a", "", 0},
		{"a", "r1", 1},
		{"a", "r1", 0},
		{"a", "r2", 1},
		{"a", "r1", 0},
		{"a", "", 0},   // a late attempt of the ordinary delivery
		{"b", "r3", 1}, // pushes out the oldest, which is the ordinary delivery of a
		{"a", "r2", 0},
		{"a", "", 1},
	} {
		before, r := f.calls(), requestWithID(t, row.id)
		r.Header.Set(api.HeaderReplay, row.replay)
		if _, got := f.serve(t, r); got.ErrorCode != 0 || f.calls()-before != row.calls {
			t.Errorf("%s in replay %q: %+v after %d calls, want OK after %d", row.id, row.replay, got, f.calls()-before, row.calls)
		}
	}
}

// A sender that timed out sends again while the first delivery still runs.
func TestDedupPutsOffWhileRunning(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	f := newFixture(t, func(o *Options) {
		o.Dedup = 1
		o.OnBlackListDelete = func(context.Context, BlackListEvent) error {
			close(started)
			<-finish
			return nil
		}
	})
	var first sync.WaitGroup
	first.Go(func() { f.serve(t, requestWithID(t, "a")) })
	<-started
	for _, replay := range []string{"", "r1"} {
		again := requestWithID(t, "a")
		again.Header.Set(api.HeaderReplay, replay)
		if status, got := f.serve(t, again); status != 200 || got.ErrorCode != 1 {
			t.Errorf("during the first, replay %q: %d %+v, want FAIL", replay, status, got)
		}
	}
	close(finish)
	first.Wait()
	if _, got := f.serve(t, requestWithID(t, "a")); got.ErrorCode != 0 {
		t.Errorf("after the first: %+v, want OK", got)
	}
}

func TestDedupForgetsPanic(t *testing.T) {
	calls := 0
	f := newFixture(t, func(o *Options) {
		o.Dedup = 1
		o.OnBlackListDelete = func(context.Context, BlackListEvent) error {
			calls++
			if calls == 1 {
				panic("once")
			}
			return nil
		}
	})
	f.serve(t, requestWithID(t, "a"))
	if _, got := f.serve(t, requestWithID(t, "a")); got.ErrorCode != 0 || calls != 2 {
		t.Errorf("%+v after %d calls, want OK after 2", got, calls)
	}
}

func TestSeenUnderConcurrency(t *testing.T) {
	const size, ids = 64, 64
	s := newSeen(size)
	var handled [ids]atomic.Int32
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := range ids {
				call := s.once(delivery{eventKey{1, fmt.Sprint(i)}, ""}, func(context.Context) error {
					handled[i].Add(1)
					return nil
				})
				_ = call(t.Context()) // nil or errRunning
			}
		})
	}
	workers.Wait()
	for i := range handled {
		if n := handled[i].Load(); n != 1 {
			t.Errorf("event %d was handled %d times", i, n)
		}
	}
	if len(s.done) != ids || len(s.ring) != ids || len(s.running) != 0 {
		t.Errorf("done %d, ring %d, running %d", len(s.done), len(s.ring), len(s.running))
	}
}
