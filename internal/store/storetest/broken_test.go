package storetest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// broken is a model with a defect: each function that is set spoils what passes through it.
type broken struct {
	*model
	change   func(*relation.Change)
	page     func(q relation.BlockQuery, p *relation.BlockPage)
	states   func([]relation.BlockState)
	settle   func(*relation.Settlement)
	due      func([]relation.DueHead)
	next     func([]relation.EventKey) []relation.EventKey
	follow   func([]relation.Event) []relation.Event
	dead     func([]relation.DeadEvent)
	stats    func([]relation.OutboxStats)
	app      func(*relation.App)
	restart  func(*model)
	imported func(string) string
}

func (b *broken) Apply(ctx context.Context, scope relation.Scope, decide func(relation.Snapshot) relation.Change) error {
	return b.model.Apply(ctx, scope, func(s relation.Snapshot) relation.Change {
		change := decide(s)
		if b.change != nil {
			b.change(&change)
		}
		return change
	})
}

func (b *broken) Imported(ctx context.Context, q relation.AccountSet) ([]bool, error) {
	if b.imported != nil {
		q.UserIDs = slices.Clone(q.UserIDs)
		for i, id := range q.UserIDs {
			q.UserIDs[i] = b.imported(id)
		}
	}
	return b.model.Imported(ctx, q)
}

func (b *broken) Blocklist(ctx context.Context, q relation.BlockQuery) (relation.BlockPage, error) {
	p, err := b.model.Blocklist(ctx, q)
	if b.page != nil {
		b.page(q, &p)
	}
	return p, err
}

func (b *broken) CheckBlocks(ctx context.Context, q relation.BlockCheckQuery) ([]relation.BlockState, error) {
	states, err := b.model.CheckBlocks(ctx, q)
	if b.states != nil {
		b.states(states)
	}
	return states, err
}

func (b *broken) Settle(ctx context.Context, settlements []relation.Settlement) ([]relation.EventKey, error) {
	settlements = slices.Clone(settlements)
	for i := range settlements {
		if b.settle != nil {
			b.settle(&settlements[i])
		}
	}
	next, err := b.model.Settle(ctx, settlements)
	if b.next != nil {
		next = b.next(next)
	}
	return next, err
}

func (b *broken) Due(ctx context.Context, q relation.DueQuery) ([]relation.DueHead, error) {
	heads, err := b.model.Due(ctx, q)
	if b.due != nil {
		b.due(heads)
	}
	return heads, err
}

func (b *broken) Following(ctx context.Context, key relation.EventKey, limit int) ([]relation.Event, error) {
	events, err := b.model.Following(ctx, key, limit)
	if b.follow != nil {
		events = b.follow(events)
	}
	return events, err
}

func (b *broken) Dead(ctx context.Context, q relation.DeadQuery) ([]relation.DeadEvent, error) {
	letters, err := b.model.Dead(ctx, q)
	if b.dead != nil {
		b.dead(letters)
	}
	return letters, err
}

func (b *broken) OutboxStats(ctx context.Context) ([]relation.OutboxStats, error) {
	stats, err := b.model.OutboxStats(ctx)
	if b.stats != nil {
		b.stats(stats)
	}
	return stats, err
}

func (b *broken) CreateApp(ctx context.Context, app relation.App) error {
	if b.app != nil {
		b.app(&app)
	}
	return b.model.CreateApp(ctx, app)
}

// factory opens models with the defect.
func (b broken) factory(t testing.TB, o Options) func() Engine {
	open := newModel(t, o)
	return func() Engine {
		m := open().(*model)
		if b.restart != nil {
			b.restart(m)
		}
		b := b
		b.model = m
		return &b
	}
}

// TestDefects runs the suite on broken engines. The areas and the histories must each find every defect.
func TestDefects(t *testing.T) {
	for name, b := range map[string]broken{
		"an entry is added at the wrong place": {change: func(c *relation.Change) { c.Block = reversed(c.Block) }},
		"an entry is not removed":              {change: func(c *relation.Change) { c.Unblock = c.Unblock[min(1, len(c.Unblock)):] }},
		"an event loses a target": {change: func(c *relation.Change) {
			for i := range c.Events {
				c.Events[i].Targets = c.Events[i].Targets[:1]
			}
		}},
		"an entry has another time":     {change: func(c *relation.Change) { c.At = c.At.Add(time.Second) }},
		"a kick has no effect":          {change: func(c *relation.Change) { c.Kick = nil }},
		"a deleted account stays":       {change: func(c *relation.Change) { c.Delete = nil }},
		"ids lose their case":           {imported: strings.ToLower},
		"a page ends early":             {page: func(_ relation.BlockQuery, p *relation.BlockPage) { p.Next = 0 }},
		"the last page has another":     {page: func(q relation.BlockQuery, p *relation.BlockPage) { p.Next = q.Start + len(p.Entries) }},
		"the sequence stands still":     {page: func(_ relation.BlockQuery, p *relation.BlockPage) { p.Sequence = min(p.Sequence, 1) }},
		"the other list is not checked": {states: func(s []relation.BlockState) { each(s, func(s *relation.BlockState) { s.BlockedBy = false }) }},
		"a verdict is forgotten":        {settle: func(s *relation.Settlement) { s.Seq = -1 }},
		"attempts are not counted":      {settle: func(s *relation.Settlement) { s.Attempts = 0 }},
		"a retry is due at once":        {settle: func(s *relation.Settlement) { s.Due = s.At }},
		"a reason is lost":              {settle: func(s *relation.Settlement) { s.Reason = "" }},
		"a dead letter is dropped": {settle: func(s *relation.Settlement) {
			if s.Verdict == relation.Dead {
				s.Verdict = relation.Delivered
			}
		}},
		"new heads are not named":       {next: func([]relation.EventKey) []relation.EventKey { return nil }},
		"due heads are out of order":    {due: slices.Reverse[[]relation.DueHead]},
		"a head hides what follows":     {due: func(h []relation.DueHead) { each(h, func(h *relation.DueHead) { h.More = false }) }},
		"a due head has a new id":       {due: func(h []relation.DueHead) { each(h, func(h *relation.DueHead) { h.ID = strings.ToUpper(h.ID) }) }},
		"the last event is left out":    {follow: func(e []relation.Event) []relation.Event { return e[:max(0, len(e)-1)] }},
		"the oldest letters come first": {dead: slices.Reverse[[]relation.DeadEvent]},
		"dead letters are not counted":  {stats: func(s []relation.OutboxStats) { each(s, func(s *relation.OutboxStats) { s.Dead = 0 }) }},
		"the oldest event is too young": {stats: func(s []relation.OutboxStats) {
			each(s, func(s *relation.OutboxStats) { s.Oldest = s.Oldest.Add(time.Second) })
		}},
		"an app loses its keys": {app: func(a *relation.App) { a.Keys = nil }},
		"a restart forgets attempts": {restart: func(m *model) {
			for _, q := range m.queues {
				each(q.rows, func(e *relation.Event) { e.Attempts = 0 })
			}
		}},
		"a restart forgets a sequence": {restart: func(m *model) {
			for _, a := range m.accounts {
				a.sequence = 0
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if found := failing(t, b.factory); len(found) == 0 {
				t.Error("no area finds it")
			}
			if !historyFails(t, b.factory) {
				t.Error("no history finds it")
			}
		})
	}
}

// impatience is how long a test waits for a model, which does everything at once.
const impatience = 10 * time.Millisecond

func each[T any](all []T, change func(*T)) {
	for i := range all {
		change(&all[i])
	}
}

func reversed(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Reverse(ids)
	return ids
}

// hasty decides on what it read a moment ago, as an engine does whose reads and writes are not one step.
type hasty struct{ *model }

func (h hasty) Apply(ctx context.Context, scope relation.Scope, decide func(relation.Snapshot) relation.Change) error {
	var change relation.Change
	err := h.model.Apply(ctx, scope, func(s relation.Snapshot) relation.Change {
		change = decide(s)
		return relation.Change{}
	})
	if err != nil {
		return err
	}
	runtime.Gosched()
	return h.model.Apply(ctx, scope, func(relation.Snapshot) relation.Change { return change })
}

// TestDefectsOfOrder has defects that only concurrent calls bring to light.
func TestDefectsOfOrder(t *testing.T) {
	factory := func(t testing.TB, o Options) func() Engine {
		open := newModel(t, o)
		return func() Engine { return hasty{open().(*model)} }
	}
	for _, c := range []test{
		{"decisions are serial", serialDecisions},
		{"one of many blocks the target", oneBlocks},
		{"calls are linearizable", linearizable},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !fails(t, func(r *recorder) { c.run(newFixture(r, factory)) }) {
				t.Error("does not find decisions on what was true a moment ago")
			}
		})
	}
}

// failing returns the tests of the areas that fail with engines of f.
func failing(t *testing.T, f Factory) (names []string) {
	for _, tests := range [][]test{accountTests(), blockTests(), eventTests(), settleTests(), appTests()} {
		for _, c := range tests {
			if fails(t, func(r *recorder) {
				x := newFixture(r, f)
				x.patience = impatience
				c.run(x)
			}) {
				names = append(names, c.name)
			}
		}
	}
	return names
}

func historyFails(t *testing.T, f Factory) bool {
	for seed := range uint64(historySeeds) {
		if fails(t, func(r *recorder) {
			h := newHistory(r, f, newModel, seed+1)
			h.sides[0].patience = impatience
			h.run(historySteps)
		}) {
			return true
		}
	}
	return false
}

// recorder takes in the failures of a test that has to fail.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	failed []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

func (r *recorder) Error(args ...any)   { r.Errorf("%s", fmt.Sprintln(args...)) }
func (r *recorder) Log(...any)          {}
func (r *recorder) Logf(string, ...any) {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprintln(args...)) }

// fails runs a test on a goroutine that it may end, and reports whether it failed.
func fails(t *testing.T, run func(r *recorder)) bool {
	r := &recorder{TB: t}
	var done sync.WaitGroup
	done.Go(func() {
		defer func() {
			if p := recover(); p != nil { // a test that takes the first of none
				r.Errorf("panic: %v", p)
			}
		}()
		run(r)
	})
	done.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failed) > 0
}
