package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/hostile"
	"github.com/kithchat/kith/internal/operator"
)

// run makes a fault, lets it be for a while, and takes it back.
func (h *harness) run(ctx context.Context, f fault) error {
	if f.strict {
		h.journal.Strict(soundTimeout)
		defer h.journal.Strict(0)
	}
	for i, r := range h.receivers {
		if err := errors.Join(h.use(r, i == 1, f.modes), h.world.Links[i].Use(f.toxics...)); err != nil {
			return err
		}
		if f.cut {
			h.world.Links[i].Cut()
		}
	}
	undo := func() error { return nil }
	switch {
	case f.disk:
		if err := RefuseWrites(h.world.Server.PID(), true); err != nil {
			return err
		}
		undo = func() error {
			// What cannot be written may be lost in the kernel too, so Kith writes nothing more until it is started again.
			return errors.Join(RefuseWrites(h.world.Server.PID(), false), h.world.Restart(ctx))
		}
	case f.locked:
		var err error
		if undo, err = h.world.Lock(); err != nil {
			return err
		}
	}
	half := *phaseFlag / 2
	if err := pause(ctx, half); err != nil {
		return err
	}
	if f.disk || f.locked {
		if err := h.refused(ctx); err != nil {
			return err
		}
	}
	if f.kill {
		if err := h.world.Kill(ctx, time.Duration(h.random.Int64N(int64(50*time.Millisecond)))); err != nil {
			return err
		}
	}
	if err := pause(ctx, half); err != nil {
		return err
	}
	if err := undo(); err != nil {
		return err
	}
	return h.met(ctx, f.modes)
}

// met waits until somebody has met each of the modes. A failing endpoint is tested meanwhile, since its probes take time.
func (h *harness) met(ctx context.Context, modes []hostile.Mode) error {
	ctx, cancel := context.WithTimeout(ctx, faultMet)
	defer cancel()
	for looks := 1; ; looks++ {
		i := slices.IndexFunc(modes, func(m hostile.Mode) bool { return h.count(m) == 0 })
		if i < 0 {
			return nil
		}
		if pause(ctx, 5*time.Millisecond) != nil { // a receiver gives no signal
			return fmt.Errorf("nobody met the mode %q within %s", modes[i], faultMet)
		}
		if looks%20 == 0 {
			if err := h.world.Tend(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// refused waits until a call was not carried out: a store that takes no writes was noticed.
func (h *harness) refused(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, faultMet)
	defer cancel()
	_, before := h.load.Calls()
	for _, now := before, before; now == before; _, now = h.load.Calls() {
		if pause(ctx, 5*time.Millisecond) != nil { // a load gives no signal
			return errors.New("the store took every write")
		}
	}
	return nil
}

func (h *harness) count(m hostile.Mode) int {
	n := 0
	for _, r := range h.receivers {
		n += r.Count(m)
	}
	return n
}

// use sets the modes that a receiver has; none, or none that it has, makes it behave.
func (h *harness) use(r *hostile.Receiver, overTLS bool, modes []hostile.Mode) error {
	fit := slices.DeleteFunc(slices.Clone(modes), func(m hostile.Mode) bool { return !slices.Contains(hostile.Modes(overTLS), m) })
	if len(fit) == 0 {
		fit = []hostile.Mode{hostile.Good, hostile.GoodChunked, hostile.GoodSliced, hostile.GoodClose}
	}
	return r.Use(fit...)
}

// finish makes all sound, waits until nothing waits any more, and verifies.
func (h *harness) finish(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), faultDrain)
	defer cancel()
	for i, r := range h.receivers {
		if err := errors.Join(r.Use(hostile.Good), h.world.Links[i].Use()); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range h.world.Owners {
		o.Settle(ctx)
	}
	// A dead letter of the app that gives up after two attempts would stay one when both of its replay take too long.
	if err := h.world.SetTimeout(ctx, soundTimeout); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := h.world.Heal(ctx); err != nil {
		t.Fatal(err)
	}
	drained := time.Since(began)
	found := h.verify(ctx, t)
	t.Logf("drained in %s; %d kills; %+v; %+v", drained.Round(time.Millisecond), h.world.Kills, found, h.journal.Counts())
	h.replayDead(ctx, t, found.Dead)
	if again := h.verify(ctx, t); again.Dead > 0 || again.Events != found.Events {
		t.Errorf("after all dead letters were replayed: %+v", again)
	}
	if found.Events == 0 || found.Dead == 0 || h.journal.Counts().Repeats == 0 {
		t.Error("nothing was proved: there were no events, no dead letters, or no repeats")
	}
	for _, m := range hostile.Modes(true) {
		if h.count(m) == 0 {
			t.Errorf("nobody met the mode %q", m)
		}
	}
	if err := h.world.Stop(); err != nil {
		t.Error(err)
	}
}

// replayDead sends all dead letters again, of which there are so many.
func (h *harness) replayDead(ctx context.Context, t *testing.T, dead int) {
	t.Helper()
	for i, e := range h.world.o.Endpoints {
		if !e.Parks {
			continue
		}
		if err := h.world.StartReplay(ctx, operator.CreateReplay{SDKAppID: h.world.Apps[i].ID, Dead: true}); err != nil {
			t.Error(err)
		}
	}
	total, failed, err := h.world.AwaitReplays(ctx, h.journal, storeLag)
	if err != nil || total != int64(dead) || failed > 0 {
		t.Errorf("of %d dead letters %d were replayed, %d in vain: %v", dead, total, failed, err)
	}
}

func (h *harness) verify(ctx context.Context, t *testing.T) Findings {
	t.Helper()
	found, err := h.world.Verify(ctx, h.journal)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range found.Problems {
		t.Error(problem)
	}
	return found
}
