package restapi

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// slowStore decides at once and takes its time to commit, or does not get to decide at all.
type slowStore struct {
	nullStore
	commit   time.Duration
	stuck    bool // waits for the context, as a store does whose queue does not move
	panicked any
	err      error
}

func (s *slowStore) Apply(ctx context.Context, scope relation.Scope, decide func(relation.Snapshot) relation.Change) error {
	if s.panicked != nil {
		panic(s.panicked)
	}
	if s.stuck {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := s.nullStore.Apply(ctx, scope, decide); err != nil {
		return err
	}
	time.Sleep(s.commit) // on synctest's clock
	return s.err
}

const tooLate = "the call took too long and may still be carried out; ask again, which is safe"

// TestTimeLimit: open question 64.
func TestTimeLimit(t *testing.T) {
	tests := []struct {
		name    string
		store   *slowStore
		want    string
		took    time.Duration
		changes int64
		log     string
	}{
		{name: "in time", store: &slowStore{commit: 2999 * time.Millisecond}, want: results([]string{resultItem("b", 0, "")}), took: 2999 * time.Millisecond, changes: 1},
		{name: "in the middle of its commit", store: &slowStore{commit: time.Minute}, want: failSns(60008, tooLate), took: 3 * time.Second, changes: 1, log: "carried out"},
		{name: "commit fails late", store: &slowStore{commit: time.Minute, err: relation.ErrUnavailable}, want: failSns(60008, tooLate), took: 3 * time.Second, changes: 1, log: "store is unavailable"},
		{name: "never decided", store: &slowStore{stuck: true}, want: failSns(60008, tooLate), took: 3 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, tt.store, nil)
				start := time.Now()
				sameJSON(t, f.post(f.target(deleteCmd), `{"From_Account":"a","To_Account":["b"]}`), tt.want)
				if took := time.Since(start); took != tt.took {
					t.Errorf("answered after %v, want %v", took, tt.took)
				}
				f.h.Wait()
				if got := tt.store.changes.Load(); got != tt.changes {
					t.Errorf("%d changes, want %d", got, tt.changes)
				}
				if log := f.log.String(); !strings.Contains(log, tt.log) {
					t.Errorf("log %q lacks %q", log, tt.log)
				}
			})
		})
	}
}

// TestCallerHangsUp: a call that was taken is carried out.
func TestCallerHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{commit: time.Second}
		f := newFixture(t, store, nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequestWithContext(ctx, "POST", f.target(deleteCmd), strings.NewReader(addABC))
		f.wantCode(f.envelope(f.body(f.do(r))), api.OK)
		if store.changes.Load() != 1 {
			t.Error("the change was dropped")
		}
	})
}

func TestPanic(t *testing.T) {
	f := newFixture(t, &slowStore{panicked: "boom"}, nil)
	const internal = "internal error; try again, the server's log has the reason"
	sameJSON(t, f.post(f.target(deleteCmd), addABC), failSns(30006, internal))
	sameJSON(t, f.post(f.target(importCmd), `{"UserID":"a"}`), failLogin(70500, internal))
	if log := f.log.String(); !strings.Contains(log, "boom") || !strings.Contains(log, "call_test.go") {
		t.Errorf("log lacks the panic or its stack: %s", log)
	}
	f.apps.put(relation.App{SDKAppID: 5})
	f.h.apps = nil // a panic outside of the rule
	f.wantCode(f.call(deleteCmd, addABC), api.CodeSnsInternal)
}
