package store_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/kithchat/kith/internal/relation"
)

// Callers that never pause must not keep the write-ahead log from starting over.
func TestLogStaysBoundedUnderLoad(t *testing.T) {
	s := openDir(t, t.TempDir())
	app := seed(t, s)
	service := relation.NewService(s, nil)
	const accounts, callers, calls, targets = 10000, 16, 45, 300
	var ids []string
	for i := range accounts {
		ids = append(ids, userID(i))
	}
	for batch := range slices.Chunk(ids, 100) {
		importAccounts(t, s, app.SDKAppID, batch...)
	}
	var done sync.WaitGroup
	for caller := range callers {
		rng := rand.New(rand.NewPCG(1, uint64(caller)))
		done.Go(func() {
			for call := range calls {
				cmd := relation.BlockCommand{App: &app, Owner: ids[caller*calls+call]}
				first := rng.IntN(accounts)
				for i := range targets { // spread over the whole index, so that a commit is large
					cmd.Targets = append(cmd.Targets, ids[(first+i*accounts/targets)%accounts])
				}
				if _, err := service.Block(context.WithoutCancel(t.Context()), cmd); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	const most = 64 << 20
	if total, wal := s.Size(); wal > most {
		t.Errorf("the log has %d MiB beside %d MiB of data; want at most %d", wal>>20, (total-wal)>>20, most>>20)
	}
}
