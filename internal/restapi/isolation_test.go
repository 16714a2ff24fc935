package restapi

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/api"
)

// turns is an Isolation that lets as many calls be under way as it has room for.
type turns chan uint32

func (s turns) Enter(ctx context.Context, sdkAppID uint32) error {
	select {
	case s <- sdkAppID:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s turns) Leave(uint32) { <-s }

// Each call takes a turn of its app, and gives it back.
func TestCallsTakeTurns(t *testing.T) {
	s := make(turns, 1)
	f := newFixture(t, &nullStore{}, func(o *Options) { o.Isolation = s })
	for range 3 {
		f.mustCall(deleteCmd, addABC)
	}
	f.h.Wait()
	if len(s) != 0 {
		t.Errorf("the turn of app %d was not given back", <-s)
	}
}

// A call that waits for longer than the time limit is answered, and not carried out.
func TestHeldBackForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{commit: time.Minute}
		f := newFixture(t, store, func(o *Options) { o.Isolation = make(turns, 4) })
		var calls sync.WaitGroup
		var refused atomic.Int64
		for range 4 + 5 {
			calls.Go(func() {
				env := f.call(deleteCmd, addABC)
				f.wantCode(env, api.CodeServiceTimeout)
				if strings.Contains(env.ErrorInfo, "was not begun") {
					refused.Add(1)
				}
			})
		}
		calls.Wait()
		if n := store.changes.Load(); n != 4 || refused.Load() != 5 {
			t.Errorf("%d calls were carried out and %d not begun, want 4 and 5", n, refused.Load())
		}
	})
}
