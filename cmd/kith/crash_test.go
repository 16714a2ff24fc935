package main

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/pgtest"
	"github.com/kithchat/kith/internal/store"
)

const (
	// crashOwners make calls at the same time, each on its own blocklist, with targets out of crashTargets.
	crashOwners, crashTargets = 8, 10
	// crashSettle is the longest wait for the callbacks that are left after the last kill.
	crashSettle = 30 * time.Second
)

// TestKill9 kills a real server process again and again in the middle of a load, on one data directory, while the app
// backend lives on. What it holds the server to:
//
//   - every change that was acknowledged is there, and of a call that was cut off all or nothing is,
//   - every change has its callback, under one id, at least once,
//   - callbacks of one account come in the order of its changes, also across kills,
//   - no callback reports a change that is not there.
func TestKill9(t *testing.T) {
	program := filepath.Join(t.TempDir(), "kith")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
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
	receiver := startCrashReceiver(t)
	launch := launcher{program: plan.program, data: dir, store: plan.store}

	first := launch.start(t)
	c := newCrashCaller(t, dir, receiver.url)
	c.connect(first.ready.HTTP)
	c.importAccounts(t)
	first.kill(t)

	histories := make([]*history, crashOwners)
	for i := range histories {
		histories[i] = newHistory(crashOwner(i), uint64(i))
	}
	for round := range plan.rounds {
		s := launch.start(t)
		c.connect(s.ready.HTTP)
		load(histories, c, s.killAfter(t, plan.life/3+time.Duration(random.Int64N(int64(plan.life*2/3)))))
		if round < plan.startKills {
			launch.startAndKill(t, time.Duration(random.Int64N(int64(60*time.Millisecond))))
		}
		if t.Failed() {
			t.Fatalf("after round %d", round+1)
		}
	}

	last := launch.start(t)
	c.connect(last.ready.HTTP)
	changes := 0
	for _, h := range histories {
		h.settlePending(c)
		c.checkList(t, h)
		changes += len(h.done)
		for _, problem := range h.problems {
			t.Error(problem)
		}
	}
	t.Logf("%d kills, %d changes, %d callbacks", plan.rounds+plan.startKills+1, changes, receiver.count())
	receiver.await(t, changes)
	checkOutboxEmpty(t, dir)
	for _, h := range histories {
		receiver.check(t, h)
	}
	last.stop(t)
	return dir
}

// load lets all owners call at once until the server is gone.
func load(histories []*history, c *crashCaller, killed <-chan struct{}) {
	var wg sync.WaitGroup
	for _, h := range histories {
		wg.Go(func() {
			for h.step(c) {
				select {
				case <-killed:
					return
				default:
				}
			}
		})
	}
	wg.Wait()
	<-killed
}

func crashOwner(i int) string  { return fmt.Sprintf("owner%d", i) }
func crashTarget(i int) string { return fmt.Sprintf("target%d", i) }

// change is one call that changes an owner's list.
type change struct {
	command string // of the callback
	targets []string
}

// history is what one owner did, and what its list must therefore hold. It is used by one goroutine at a time.
type history struct {
	owner    string
	random   *rand.Rand
	listed   map[string]bool
	done     []change // acknowledged, in order
	pending  *change  // sent, and cut off before an answer came
	problems []string
}

func newHistory(owner string, seed uint64) *history {
	return &history{owner: owner, random: rand.New(rand.NewPCG(seed, 7)), listed: map[string]bool{}}
}

// next makes up a change that is possible now: one to three targets that are all on the list, or all not.
func (h *history) next() change {
	first := crashTarget(h.random.IntN(crashTargets))
	c := change{command: api.CallbackBlackListAdd, targets: []string{first}}
	if h.listed[first] {
		c.command = api.CallbackBlackListDelete
	}
	for _, i := range h.random.Perm(crashTargets)[:h.random.IntN(3)] {
		if target := crashTarget(i); target != first && h.listed[target] == h.listed[first] {
			c.targets = append(c.targets, target)
		}
	}
	return c
}

// step makes the next call, or again the one that was cut off, and reports whether it was answered.
func (h *history) step(c *crashCaller) bool {
	retried := h.pending != nil
	if !retried {
		next := h.next()
		h.pending = &next
	}
	codes, err := c.change(h.owner, *h.pending)
	if err != nil {
		return false
	}
	for _, code := range codes {
		// A call that was cut off may have been carried out, but then as a whole.
		if code != codes[0] || code != api.OK && !(retried && code == api.CodeParameter) {
			h.problems = append(h.problems, fmt.Sprintf("%s %+v (retried: %t) was answered %v: an acknowledged change is lost, or half of one is there",
				h.owner, *h.pending, retried, codes))
			return false
		}
	}
	for _, target := range h.pending.targets {
		h.listed[target] = h.pending.command == api.CallbackBlackListAdd
	}
	h.done = append(h.done, *h.pending)
	h.pending = nil
	return true
}

// settlePending makes the last call known that was cut off.
func (h *history) settlePending(c *crashCaller) {
	if h.pending != nil && !h.step(c) {
		h.problems = append(h.problems, h.owner+": the call that was cut off could not be repeated")
	}
}

// checkOutboxEmpty makes sure that nothing is still to come, nor was given up.
func checkOutboxEmpty(t *testing.T, dir string) {
	client, err := operator.FromDataDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	// The last callback has arrived, but its verdict may not be committed yet.
	for deadline := time.Now().Add(crashSettle); ; {
		outbox, err := client.Outbox(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(outbox.Apps) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the outbox still holds %+v", outbox.Apps)
		}
		time.Sleep(5 * time.Millisecond) // another process's outbox gives no signal
	}
}
