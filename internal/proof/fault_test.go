package proof

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/hostile"
	"github.com/kithchat/kith/internal/operator"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "seed of the faults and the load; 0: a random one, which is printed")
	phaseFlag = flag.Duration("phase", 150*time.Millisecond, "length of each phase of TestFaults")
)

const (
	faultTimeout = 500 * time.Millisecond // of a callback, so that what hangs does not hold up the others
	soundTimeout = 30 * time.Second       // of a callback when nothing is wrong, however slow this machine is
	faultOwners  = 30                     // of each app
	faultRate    = 150                    // calls a second
	faultMet     = time.Minute            // until the modes of a phase were met, at the longest
	faultDrain   = 3 * time.Minute        // for what is left when all is sound again
)

// TestFaults runs the real program between a load and three hostile receivers (plain, over TLS, and one whose app gives
// up after two attempts) behind toxiproxy, and goes through every fault that they know, refused writes and kills of the
// server in between, in an order that the seed decides:
//
//	go test ./internal/proof -run TestFaults -seed 42 -phase 2s
//
// Afterwards everything is as World.Verify says, and once all dead letters were replayed there are none.
func TestFaults(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	h := newHarness(t, seed)
	load := StartLoad(t.Context(), h.world.Owners, faultRate)
	h.load = load
	began := time.Now()
	for i, p := range h.phases() {
		if err := h.run(t.Context(), p); err != nil {
			t.Fatalf("phase %d, %s: %v", i, p.name, err)
		}
		if p.strict {
			if err := h.world.SetTimeout(t.Context(), faultTimeout); err != nil {
				t.Fatal(err)
			}
		}
	}
	load.Stop()
	answered, failed := load.Calls()
	t.Logf("%d calls in %s, %d more without an answer", answered, time.Since(began).Round(time.Millisecond), failed)
	h.finish(t)
}

// harness is a world with its receivers.
type harness struct {
	world     *World
	receivers []*hostile.Receiver // of each app
	load      *Load
	journal   *hostile.Journal
	random    *rand.Rand
}

func newHarness(t *testing.T, seed uint64) *harness {
	t.Helper()
	dir := t.TempDir()
	program, err := Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{journal: hostile.NewJournal(nil), random: rand.New(rand.NewPCG(seed, 3))}
	twice := 2
	var endpoints []Endpoint
	for i, e := range []Endpoint{{}, {}, {Parks: true, Callback: func(c *operator.SetCallback) { c.MaxAttempts = &twice }}} {
		r, err := hostile.Start(hostile.Options{TLS: i == 1, Seed: seed + uint64(i), Patience: faultTimeout, Journal: h.journal})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
		h.receivers = append(h.receivers, r)
		e.Receiver, e.URL = r.Address(), r.URLAt
		if ca := string(r.CA()); ca != "" {
			e.Callback = func(c *operator.SetCallback) { c.CA = &ca }
		}
		endpoints = append(endpoints, e)
	}
	h.world, err = NewWorld(t.Context(), Options{
		Launcher: Launcher{
			Program: program, Data: filepath.Join(dir, "data"),
			// A server whose disk has failed stops when it has waited for so long for its last verdicts to be written.
			Args: []string{"--shutdown-timeout", "1s"},
		},
		Endpoints: endpoints, Owners: faultOwners, Seed: seed, Timeout: soundTimeout, Say: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.world.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// fault is one phase. What it does not name is sound.
type fault struct {
	name   string
	modes  []hostile.Mode // of the receivers
	toxics []Toxic
	cut    bool // the network
	disk   bool // takes no writes
	locked bool // somebody else holds the database
	kill   bool // the server, in the middle
	strict bool // nothing disturbs: check that one callback of an account is in flight
}

// phases returns all faults in an order of the seed, with a sound phase first and last.
func (h *harness) phases() []fault {
	var listener, connection, answer []hostile.Mode
	for _, m := range hostile.Modes(true) {
		switch {
		case m == hostile.Refuse || m == hostile.HangBacklog:
			listener = append(listener, m)
		case m.Early():
			connection = append(connection, m)
		default:
			answer = append(answer, m)
		}
	}
	var phases []fault
	for _, m := range listener {
		phases = append(phases, fault{name: string(m), modes: []hostile.Mode{m}})
	}
	// Each mode alone, so that all accounts meet it, would take long. Several at a time show the same: each is drawn.
	h.shuffle(connection)
	for modes := range slices.Chunk(connection, 5) {
		phases = append(phases, fault{name: fmt.Sprint(modes), modes: among(modes, hostile.GoodClose)})
	}
	h.shuffle(answer)
	for modes := range slices.Chunk(answer, 8) {
		phases = append(phases, fault{name: fmt.Sprint(modes), modes: among(modes, hostile.Good)})
	}
	all := among(answer, hostile.Good)
	for _, toxic := range Toxics(faultTimeout) {
		phases = append(phases, fault{name: toxic.String(), toxics: []Toxic{toxic}})
	}
	for _, wrong := range [][]hostile.Mode{{hostile.Status500}, {hostile.TakenClosed, hostile.TakenReset, hostile.Good}} {
		phases = append(phases, fault{name: "burst", modes: wrong}, fault{name: "flap"})
	}
	phases = append(phases,
		fault{name: "network is cut", cut: true},
		fault{name: "database is locked", locked: true},
		fault{name: "disk fails", disk: true},
		fault{name: "disk fails, and receivers", disk: true, modes: all},
		fault{name: "killed", kill: true},
		fault{name: "killed while receivers fail", kill: true, modes: all},
		fault{name: "killed while the disk fails", kill: true, disk: true},
	)
	h.random.Shuffle(len(phases), func(i, k int) { phases[i], phases[k] = phases[k], phases[i] })
	return append([]fault{{name: "sound", strict: true}}, phases...)
}

// among puts bad modes among as many good ones, or the endpoint would soon be probed only.
func among(bad []hostile.Mode, good hostile.Mode) []hostile.Mode {
	return append(slices.Clone(bad), slices.Repeat([]hostile.Mode{good}, len(bad))...)
}

func (h *harness) shuffle(modes []hostile.Mode) {
	h.random.Shuffle(len(modes), func(i, k int) { modes[i], modes[k] = modes[k], modes[i] })
}
