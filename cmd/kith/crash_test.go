package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/hostile"
	"github.com/kithchat/kith/internal/pgtest"
	"github.com/kithchat/kith/internal/proof"
	"github.com/kithchat/kith/internal/store"
)

const (
	// crashOwners make calls at the same time, each on its own blocklist, with targets out of crashTargets.
	crashOwners, crashTargets = 8, 10
	// crashSettle is the longest wait for the callbacks that are left after the last kill.
	crashSettle = 3 * time.Minute
	// crashTimeout is for an attempt of a callback. Nothing hangs, so one that takes too long is the fault of this machine.
	crashTimeout = 30 * time.Second
	// crashRate is more calls a second than the owners can make.
	crashRate = 1e6
)

// TestKill9 kills a real server process again and again in the middle of a load, on one data directory, while the app
// backend lives on and behaves well. It holds the server to all that proof.World.Verify says, and, since nothing is between
// the two, to one callback of an account at a time, none of which comes again after a newer one.
func TestKill9(t *testing.T) {
	program, err := proof.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("sqlite", func(t *testing.T) {
		dir := crash(t, crashPlan{program: program, rounds: 50, startKills: 5, life: 200 * time.Millisecond})
		if problems, err := store.Check(t.Context(), dir); err != nil || len(problems) > 0 {
			t.Errorf("the database after all: %v %q", err, problems)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		crash(t, crashPlan{program: program, store: pgtest.NewDatabase(t), rounds: 5, life: 600 * time.Millisecond})
	})
}

type crashPlan struct {
	program, store string
	rounds         int           // kills under load
	startKills     int           // kills while the server starts
	life           time.Duration // the longest that a server lives under load; the shortest is a third
}

// crash carries out a plan and returns the data directory.
func crash(t *testing.T, plan crashPlan) string {
	dir := filepath.Join(t.TempDir(), "data")
	random := rand.New(rand.NewPCG(1, 2))
	receiver, err := hostile.Start(hostile.Options{Patience: crashTimeout})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := receiver.Close(); err != nil {
			t.Error(err)
		}
	}()
	receiver.Journal().Strict(crashTimeout)
	world, err := proof.NewWorld(t.Context(), proof.Options{
		Launcher:  proof.Launcher{Program: plan.program, Data: dir, Store: plan.store},
		Endpoints: []proof.Endpoint{{Receiver: receiver.Address(), URL: receiver.URLAt, Direct: true}},
		Owners:    crashOwners, Seed: 1, Timeout: crashTimeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := world.Close(); err != nil {
			t.Error(err)
		}
	}()
	load := proof.StartLoad(t.Context(), world.Owners, crashRate)
	for round := range plan.rounds {
		// The server lives for so long under load.
		time.Sleep(plan.life/3 + time.Duration(random.Int64N(int64(plan.life*2/3))))
		starting := time.Duration(0)
		if round < plan.startKills {
			starting = 1 + time.Duration(random.Int64N(int64(60*time.Millisecond)))
		}
		if err := world.Kill(t.Context(), starting); err != nil {
			t.Fatalf("round %d: %v", round+1, err)
		}
	}
	load.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), crashSettle)
	defer cancel()
	for _, o := range world.Owners {
		o.Settle(ctx)
	}
	if err := world.Heal(ctx); err != nil {
		t.Fatal(err)
	}
	found, err := world.Verify(ctx, receiver.Journal())
	for _, problem := range found.Problems {
		t.Error(problem)
	}
	counts := receiver.Journal().Counts()
	t.Logf("%d kills, %d changes, %d callbacks", world.Kills, found.Events, counts.Arrived)
	if counts.Late > 0 {
		t.Errorf("%d callbacks came again after newer ones", counts.Late)
	}
	if err := errors.Join(err, world.Stop()); err != nil {
		t.Error(err)
	}
	return dir
}

func crashOwner(i int) string  { return proof.OwnerName(i) }
func crashTarget(i int) string { return proof.TargetName(i) }
