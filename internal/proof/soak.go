package proof

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/kithchat/kith/internal/hostile"
)

const (
	// soakTimeout is the time for an attempt of a callback in a soak.
	soakTimeout = time.Second
	// soakUnhurried is how long a soak lasts at least in which nothing is hurried, so that a short one has some of all.
	soakUnhurried = 30 * time.Second
	// soakCalm is the time for an attempt once everything is sound, however slow the machine is.
	soakCalm = 30 * time.Second
	// soakLag is how long a verdict may wait for the store, which is locked, out of room or restarting at times.
	soakLag = 10 * time.Second
	// soakMemory is the most that kith may take, in bytes, whatever receivers send and however much waits.
	soakMemory = 512 << 20
)

// SoakOptions says what a soak is like. All must be set but for what says otherwise.
type SoakOptions struct {
	For    time.Duration // how long everything is broken
	Drain  time.Duration // how long the backlog may take afterwards
	Dir    string        // for the data, and for the journal of the receiver
	Store  string        // URL of PostgreSQL; empty: SQLite
	Seed   uint64
	Owners int     // of each of two apps
	Rate   float64 // calls a second
	// RestartStore restarts PostgreSQL; nil: it stays.
	RestartStore func() error
	Say          func(format string, args ...any) // gets a line now and then; nil: nobody does
}

// Summary is what came of a soak.
type Summary struct {
	Findings
	Engine        string
	Seed          uint64
	Took          time.Duration // without the drain
	Drained       time.Duration
	Memory        int64 // highest of kith, in bytes
	Calls, Cut    int64 // answered, and not
	ServerKills   int
	ReceiverKills int
	StoreFaults   int
	Replayed      int64 // events that replays were about
	InVain        int64 // of them, given up
	Counts        hostile.Counts
}

// Passed reports whether every promise was kept.
func (s Summary) Passed() bool {
	return len(s.Problems) == 0 && s.Events > 0 && s.Lost+s.Invented+s.OutOfOrder == 0
}

// String is the one line that sums up.
func (s Summary) String() string {
	verdict := "soak passed"
	if !s.Passed() {
		verdict = "soak FAILED"
	}
	return fmt.Sprintf("%s: %s, %s: %d events of %d calls (%d more cut off), %d kills of kith, %d of the receiver, "+
		"%d store faults, %d events replayed (%d in vain), repeats %d, out of order %d, lost %d, invented %d, longest gap %s, drained in %s, kith took %d MiB at most, seed %d",
		verdict, s.Engine, s.Took.Round(time.Second), s.Events, s.Calls, s.Cut, s.ServerKills, s.ReceiverKills,
		s.StoreFaults, s.Replayed, s.InVain, s.Counts.Repeats, s.OutOfOrder, s.Lost, s.Invented, s.Counts.Gap.Round(100*time.Millisecond),
		s.Drained.Round(100*time.Millisecond), s.Memory>>20, s.Seed)
}

// soak is one that runs.
type soak struct {
	SoakOptions
	world   *World
	backend *Backend
	random  *rand.Rand
	sum     Summary
}

// Soak kills kith and the receiver of its callbacks again and again, spoils the network and the receiver's answers, and
// now and then the store, under a steady load of REST calls, and verifies at the end what was promised. The error says why
// the soak could not be carried out; what it found is in the summary.
func Soak(ctx context.Context, o SoakOptions) (sum Summary, err error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	s := &soak{SoakOptions: o, random: rand.New(rand.NewPCG(o.Seed, 4)), sum: Summary{Seed: o.Seed, Engine: "sqlite"}}
	if o.Store != "" {
		s.sum.Engine = "postgres"
	}
	program, err := Build(ctx, o.Dir)
	if err != nil {
		return s.sum, err
	}
	if s.backend, err = NewBackend(ctx, filepath.Join(o.Dir, "journal.jsonl"), o.Seed, soakTimeout); err != nil {
		return s.sum, err
	}
	defer func() { err = errors.Join(err, s.backend.Kill()) }()
	endpoint := Endpoint{Receiver: s.backend.address, URL: s.backend.URL}
	s.world, err = NewWorld(ctx, Options{
		Launcher:  Launcher{Program: program, Data: filepath.Join(o.Dir, "data"), Store: o.Store, Args: []string{"--shutdown-timeout", "1s"}},
		Endpoints: []Endpoint{endpoint, endpoint}, Owners: o.Owners, Seed: o.Seed, Timeout: soakTimeout, Say: o.Say,
	})
	if err != nil {
		return s.sum, err
	}
	defer func() { err = errors.Join(err, s.world.Close()) }()
	if err := s.disturb(ctx); err != nil {
		return s.sum, err
	}
	return s.sum, s.verify(ctx)
}

// disturb runs the load and everything that goes wrong meanwhile.
func (s *soak) disturb(ctx context.Context) error {
	load := StartLoad(ctx, s.world.Owners, s.Rate)
	defer load.Stop()
	began := time.Now()
	actors := []*actor{
		{from: 1500 * time.Millisecond, to: 6 * time.Second, do: s.killServer},
		{from: 2 * time.Second, to: 9 * time.Second, do: s.killReceiver},
		{from: 300 * time.Millisecond, to: 2500 * time.Millisecond, do: s.changeWeather},
		{from: 4 * time.Second, to: 25 * time.Second, do: s.spoilStore},
		{from: 4 * time.Second, to: 20 * time.Second, do: s.replay},
		{from: 3 * time.Second, to: 10 * time.Second, do: s.world.Tend},
		{from: 30 * time.Second, to: 30 * time.Second, do: func(context.Context) error {
			answered, _ := load.Calls()
			s.Say("%s: %d calls, %d kills of kith, %d of the receiver", time.Since(began).Round(time.Second), answered,
				s.world.Kills, s.sum.ReceiverKills)
			return nil
		}},
	}
	for _, a := range actors {
		a.hurry(min(1, float64(s.For)/float64(soakUnhurried)))
		a.plan(s.random)
	}
	// On a slow machine one fault can take all the time. It goes on until both processes were killed, or nothing would be shown.
	for end := began.Add(s.For); time.Now().Before(end) || s.world.Kills == 0 || s.sum.ReceiverKills == 0; {
		next := slices.MinFunc(actors, func(a, b *actor) int { return a.at.Compare(b.at) })
		if next.at.After(end) && s.world.Kills > 0 && s.sum.ReceiverKills > 0 {
			if err := pause(ctx, time.Until(end)); err != nil {
				return err
			}
			break
		}
		if err := pause(ctx, time.Until(next.at)); err != nil {
			return err
		}
		if err := next.do(ctx); err != nil {
			return err
		}
		next.plan(s.random)
	}
	load.Stop()
	s.sum.Took = time.Since(began)
	s.sum.Calls, s.sum.Cut = load.Calls()
	s.sum.ServerKills = s.world.Kills
	return nil
}

// verify makes all sound, waits for the backlog, and compares.
func (s *soak) verify(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.Drain)
	defer cancel()
	if err := s.backend.Use(ctx, hostile.Good); err != nil {
		return err
	}
	for _, link := range s.world.Links {
		if err := link.Use(); err != nil {
			return err
		}
	}
	for _, o := range s.world.Owners {
		o.Settle(ctx)
	}
	if err := s.world.SetTimeout(ctx, soakCalm); err != nil {
		return err
	}
	began := time.Now()
	if err := s.world.Heal(ctx); err != nil {
		return err
	}
	s.sum.Drained = time.Since(began)
	// Replays that are still under way write on in the journal, so it is read once they are done.
	for _, id := range s.world.replays {
		if _, err := s.world.awaitReplay(ctx, id); err != nil {
			return err
		}
	}
	journal, err := s.backend.Read()
	if err != nil {
		return err
	}
	if s.sum.Replayed, s.sum.InVain, err = s.world.AwaitReplays(ctx, journal, soakLag); err != nil {
		s.sum.add("%v", err)
	}
	s.sum.Counts = journal.Counts()
	if s.sum.Findings, err = s.world.Verify(ctx, journal); err != nil {
		return err
	}
	err = s.world.Stop()
	if s.sum.Memory = s.world.Memory; err != nil {
		return err
	}
	if s.sum.Memory > soakMemory {
		s.sum.add("kith took %d MiB of memory", s.sum.Memory>>20)
	}
	if s.Store != "" {
		return nil
	}
	out, err := exec.CommandContext(ctx, s.world.o.Launcher.Program, "check", "--data", s.world.o.Launcher.Data).CombinedOutput()
	if err != nil {
		s.sum.add("kith check: %v\n%s", err, out)
	}
	return nil
}
