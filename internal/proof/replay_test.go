package proof

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/hostile"
	"github.com/kithchat/kith/internal/operator"
)

// TestReplayBesideLive replays an app, and some of its accounts at the same time, while they go on making changes and the
// server is killed. Nothing is between the server and a receiver that behaves, but takes its time. So it can be told that
// one callback of an account is in flight at a time, whether it is a new event or a replay, that both are in order, and
// that no event comes again after a newer one without being marked.
func TestReplayBesideLive(t *testing.T) {
	const patience = 30 * time.Second // nothing hangs, so an attempt that takes too long is the fault of this machine
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	receiver, err := hostile.Start(hostile.Options{Seed: seed, Patience: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := receiver.Close(); err != nil {
			t.Error(err)
		}
	}()
	journal := receiver.Journal()
	journal.Strict(patience)
	if err := receiver.Use(hostile.Good, hostile.GoodChunked, hostile.GoodSliced, hostile.GoodClose, hostile.GoodSlow); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program, err := Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWorld(t.Context(), Options{
		Launcher:  Launcher{Program: program, Data: filepath.Join(dir, "data")},
		Endpoints: []Endpoint{{Receiver: receiver.Address(), URL: receiver.URLAt, Direct: true}},
		Owners:    10, Seed: seed, Timeout: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	load := StartLoad(t.Context(), w.Owners, 100)
	random := rand.New(rand.NewPCG(seed, 5))
	for range 3 {
		time.Sleep(500 * time.Millisecond) // so long the load goes on by itself
		for _, account := range []string{"", OwnerName(random.IntN(10)), OwnerName(random.IntN(10)), ""} {
			what := operator.CreateReplay{SDKAppID: w.Apps[0].ID, Account: account, From: "5s"}
			if err := w.StartReplay(t.Context(), what); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Duration(random.Int64N(int64(300 * time.Millisecond)))) // so far the replays come
		if err := w.Kill(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	load.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), faultDrain)
	defer cancel()
	for _, o := range w.Owners {
		o.Settle(ctx)
	}
	if err := w.Heal(ctx); err != nil {
		t.Fatal(err)
	}
	total, failed, err := w.AwaitReplays(ctx, journal, storeLag)
	if err != nil || failed > 0 || total == 0 {
		t.Errorf("replays of %d events, %d in vain: %v", total, failed, err)
	}
	found, err := w.Verify(ctx, journal)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range found.Problems {
		t.Error(problem)
	}
	counts := journal.Counts()
	t.Logf("%d events, %d replayed; %+v", found.Events, total, counts)
	if counts.Late > 0 || found.Events == 0 {
		t.Errorf("of %d events %d came again after newer ones", found.Events, counts.Late)
	}
	if err := w.Stop(); err != nil {
		t.Error(err)
	}
}
