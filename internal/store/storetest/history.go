package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

const (
	// historySeeds is how many histories Compare runs, with seeds from 1, unless KITH_TEST_SEED names one.
	historySeeds = 2
	// historySteps is the length of a history unless KITH_TEST_STEPS says otherwise.
	historySteps = 250
	// historyRetention is short, so that a history outlives what it did.
	historyRetention = 3 * time.Minute
	// lookEvery is after how many steps everything is compared; between, it is what the step touched.
	lookEvery = 25
)

// Compare runs seeded random histories on two engines, step by step, and fails at the first difference that can be seen:
// outcomes, events and their order, pages, checks, due heads, dead letters, figures, app records. Ids of events, their
// numbers and the due times of heads that are due are the engine's own affair; the rules about them are checked for each
// engine by itself.
func Compare(t *testing.T, a, b Factory) {
	steps := fromEnv(t, "KITH_TEST_STEPS", historySteps)
	first, last := 1, historySeeds
	if seed := fromEnv(t, "KITH_TEST_SEED", 0); seed != 0 {
		first, last = seed, seed
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			t.Logf("run this alone with KITH_TEST_SEED=%d KITH_TEST_STEPS=%d", seed, steps)
			newHistory(t, a, b, uint64(seed)).run(steps)
		})
	}
}

func fromEnv(t testing.TB, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a number from 1", name, s)
	}
	return n
}

// history is a random history on its way, on two engines with one clock.
type history struct {
	testing.TB
	rng   *rand.Rand
	seed  uint64
	clock *clock
	sides [2]*side
	apps  []*relation.App
	trace []string

	// newLife holds who was deleted after the last event: the number of the next one may jump.
	newLife map[account]bool
	// left holds the events that were given a final verdict, as places in side.stream.
	left []int
}

// side is one of the two engines. stream holds its events in commit order; an event's place there is its name for both.
type side struct {
	*fixture
	stream []relation.Event
	places map[relation.EventKey]int
	// commits is how many of those told were compared.
	commits int
	// base holds each list's sequence after the last sweep, 0 if it is not in it. An engine may count what it sweeps or
	// not, so sequences are compared from there. It is nil while entries may still be swept.
	base map[account]int64
}

// op is a step. run carries it out on a side and returns what it answered, as text that both sides must agree on.
type op struct {
	what string
	run  func(s *side) string
}

func newHistory(t testing.TB, a, b Factory, seed uint64) *history {
	h := &history{
		TB: t, rng: rand.New(rand.NewPCG(seed, 0)), seed: seed, clock: newClock(), newLife: make(map[account]bool),
	}
	for i, f := range []Factory{a, b} {
		h.sides[i] = &side{
			fixture: openFixture(t, f, h.clock, Options{Retention: historyRetention}), places: make(map[relation.EventKey]int), base: make(map[account]int64),
		}
	}
	for i := range historyApps {
		app := newApp(appID+uint32(i), h.clock.Now())
		app.Callback.On = []relation.EventKind{relation.EventState}
		h.apps = append(h.apps, &app)
		h.both(op{fmt.Sprint("create app ", app.SDKAppID), func(s *side) string { return sentinel(s.CreateApp(s.ctx, app)) }})
	}
	return h
}

func (h *history) run(steps int) {
	for i := range steps {
		// A millisecond at least, so that no two events are of the same time.
		h.clock.advance(time.Millisecond + time.Duration(h.rng.Int64N(int64(4*time.Second))))
		app := h.apps[h.rng.IntN(len(h.apps))]
		h.both(h.next(app))
		h.gather()
		h.both(h.lookBriefly(app))
		if i%lookEvery == 0 || i == steps-1 {
			h.lookAtAll()
		}
	}
	h.both(op{"restart", restart})
	h.lookAtAll()
}

// both runs a step on both sides and compares the answers.
func (h *history) both(o op) {
	h.Helper()
	h.trace = append(h.trace, o.what)
	got, want := o.run(h.sides[0]), o.run(h.sides[1])
	if got != want {
		h.diverged(o.what + ":\n" + difference(got, want))
	}
}

// difference shows the first line in which two answers differ.
func difference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf(" first %s\nsecond %s", a[i], b[i])
		}
	}
	return fmt.Sprintf(" first %s\nsecond %s", got, want)
}

// diverged fails the test and shows the steps that led there.
func (h *history) diverged(how string) {
	h.Helper()
	recent := h.trace[max(0, len(h.trace)-40):]
	h.Fatalf("seed %d: the engines differ at %s\n\nthe last of %d steps:\n%s", h.seed, how, len(h.trace), strings.Join(recent, "\n"))
}

// gather takes in the events that were reported since the last step and compares them.
func (h *history) gather() {
	h.Helper()
	a, b := h.sides[0], h.sides[1]
	a.until("both engines report the same number of events", func() bool { return a.journal.count() == b.journal.count() })
	from := len(a.stream)
	for _, s := range h.sides {
		h.follow(s)
	}
	for i := from; i < len(a.stream); i++ {
		if got, want := a.describe(a.stream[i]), b.describe(b.stream[i]); got != want {
			h.diverged(fmt.Sprintf("event %d as reported:\n first %s\nsecond %s", i, got, want))
		}
	}
	for _, e := range a.stream[from:] {
		delete(h.newLife, account{e.SDKAppID, e.Owner})
	}
	h.gatherCommits()
}

// follow appends a side's new events to its stream and checks the rules about their ids and numbers.
func (h *history) follow(s *side) {
	h.Helper()
	for _, e := range times(s.journal.all()[len(s.stream):]) {
		if n := len(s.stream); n > 0 && e.ID <= s.stream[n-1].ID {
			h.diverged(fmt.Sprintf("the id %s after %s", e.ID, s.stream[n-1].ID))
		}
		k := account{e.SDKAppID, e.Owner}
		for i := len(s.stream) - 1; i >= 0; i-- {
			if before := s.stream[i]; (account{before.SDKAppID, before.Owner}) == k {
				if e.Seq != before.Seq+1 && (e.Seq <= before.Seq || !h.newLife[k]) {
					h.diverged(fmt.Sprintf("event number %d of %s after %d", e.Seq, e.Owner, before.Seq))
				}
				break
			}
		}
		s.places[e.Key()] = len(s.stream)
		s.stream = append(s.stream, e)
	}
}

// gatherCommits compares what else was told since the last step. Of what is swept each engine tells by itself.
func (h *history) gatherCommits() {
	h.Helper()
	var told [2]string
	for i, s := range h.sides {
		all := s.journal.told()
		var lists []relation.ListChange
		var kicked, deleted []relation.AccountKey
		for _, c := range all[s.commits:] {
			for _, change := range c.Lists {
				if !change.Reload {
					change.List, change.Sequence = 0, 0
					lists = append(lists, change)
				}
			}
			kicked, deleted = append(kicked, c.Kicked...), append(deleted, c.Deleted...)
		}
		s.commits = len(all)
		told[i] = "lists " + text(lists) + "\nkicked " + text(kicked) + "\ndeleted " + text(deleted)
	}
	if told[0] != told[1] {
		h.diverged("what was told:\n" + difference(told[0], told[1]))
	}
}

// unsettle notes that from now on rows may be left of deleted accounts.
func (h *history) unsettle() {
	for _, s := range h.sides {
		s.base = nil
	}
}

// settleDown waits until nothing is left of deleted accounts.
func (h *history) settleDown() {
	h.Helper()
	for _, s := range h.sides {
		if s.base != nil {
			continue
		}
		s.base = make(map[account]int64)
		for _, app := range h.apps {
			s.app = app
			for i, exists := range s.imported(historyUsers()...) {
				if exists {
					owner := historyUsers()[i]
					s.until("the count is that of the list", func() bool { return s.count(owner) == len(s.list(owner)) })
					s.base[account{app.SDKAppID, owner}] = s.page(owner, 0, 1).Sequence
				}
			}
		}
	}
}

// sequence prints a list's sequence, counted from the last sweep.
func (s *side) sequence(k account, sequence int64) string {
	if s.base == nil {
		return "?"
	}
	return fmt.Sprint(sequence - s.base[k])
}

// describe prints an event without what is the engine's own affair. It wants to know the event by its key and id.
func (s *side) describe(e relation.Event) string {
	place, known := s.places[e.Key()]
	if !known || s.stream[place].ID != e.ID {
		return fmt.Sprintf("an event that was never reported: %+v", e)
	}
	return fmt.Sprintf("#%d %d %s %s created %v attempts %d budget from %v head %v", place, e.SDKAppID, e.Owner,
		text(e.NewEvent), milli(e.Created), e.Attempts, milli(e.BudgetFrom), e.Head)
}

func restart(s *side) string {
	s.restart()
	return ""
}

// sentinel names an error by its class.
func sentinel(err error) string {
	classes := []error{
		relation.ErrParameter, relation.ErrNoAccount, relation.ErrNoApp, relation.ErrAppExists, relation.ErrUnavailable,
		relation.ErrNoEvent, relation.ErrNoReplay,
	}
	i := slices.IndexFunc(classes, func(class error) bool { return errors.Is(err, class) })
	switch {
	case err == nil:
		return "ok"
	case i < 0:
		return "unclassified: " + err.Error()
	}
	return classes[i].Error()
}
