package store_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
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

// An export keeps the log from starting over. Once it ends, the log does, and its file does not stay large.
func TestLogStartsOverAfterAnExport(t *testing.T) {
	s := openDir(t, t.TempDir())
	app := seed(t, s)
	if err := block(s, app); err != nil {
		t.Fatal(err)
	}
	load := func(first int) {
		for i := range 120 {
			cmd := relation.AccountImport{SDKAppID: app.SDKAppID}
			for k := range 100 {
				cmd.Profiles = append(cmd.Profiles, relation.Profile{UserID: userID(first + i*100 + k), Nick: strings.Repeat("n", 400)})
			}
			if _, err := relation.NewService(s, nil).Import(context.WithoutCancel(t.Context()), cmd); err != nil {
				t.Fatal(err)
			}
		}
	}
	begin := func(string) error { load(0); load(100000); return nil }
	if err := s.ExportBlocklists(t.Context(), app.SDKAppID, begin, func(relation.ListExport) error { return nil }); err != nil {
		t.Fatal(err)
	}
	_, held := s.Size()
	for i := range 4 {
		load(200000 + i*100000)
	}
	if _, log := s.Size(); log > held*3/2 {
		t.Errorf("the log grew from %d to %d MiB after the export", held>>20, log>>20)
	}
}
