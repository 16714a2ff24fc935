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

// TestDefects runs the suite on broken engines. The areas and the histories must each find every defect.
func TestDefects(t *testing.T) {
	for name, b := range map[string]broken{
		"an entry is added at the wrong place": {change: func(c *relation.Change) { c.Block = reversed(c.Block) }},
		"an entry is not removed":              {change: func(c *relation.Change) { c.Unblock = c.Unblock[min(1, len(c.Unblock)):] }},
		"an event loses a target": {change: func(c *relation.Change) {
			for i := range c.Events {
				c.Events[i].Targets = c.Events[i].Targets[:min(1, len(c.Events[i].Targets))]
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
		"the oldest letters come first": {listed: func(p *relation.RecordPage) { slices.Reverse(p.Records) }},
		"dead letters are not counted":  {stats: func(s []relation.OutboxStats) { each(s, func(s *relation.OutboxStats) { s.Dead = 0 }) }},
		"the oldest event is too young": {stats: func(s []relation.OutboxStats) {
			each(s, func(s *relation.OutboxStats) { s.Oldest = s.Oldest.Add(time.Second) })
		}},
		"a change is not told": {told: func(c *relation.Commit) {
			c.Lists = slices.DeleteFunc(c.Lists, func(l relation.ListChange) bool { return len(l.Removed) > 0 })
		}},
		"a change is told twice": {told: func(c *relation.Commit) { c.Lists = append(c.Lists, c.Lists...) }},
		"a change loses an entry": {told: func(c *relation.Commit) {
			each(c.Lists, func(l *relation.ListChange) { l.Added = l.Added[:min(1, len(l.Added))] })
		}},
		"a change has a wrong number": {told: func(c *relation.Commit) { each(c.Lists, func(l *relation.ListChange) { l.Sequence++ }) }},
		"a change has a wrong list":   {told: func(c *relation.Commit) { each(c.Lists, func(l *relation.ListChange) { l.List++ }) }},
		"a change is told too early":  {early: true},
		"a swept list is not told": {told: func(c *relation.Commit) {
			c.Lists = slices.DeleteFunc(c.Lists, func(l relation.ListChange) bool { return l.Reload })
		}},
		"a kick is not told":        {told: func(c *relation.Commit) { c.Kicked = nil }},
		"a deletion is not told":    {told: func(c *relation.Commit) { c.Deleted = nil }},
		"a lost answer is not told": {told: func(c *relation.Commit) { c.Lost = false }, hidden: true},
		"a head stands still":       {head: func(h *relation.AccountHead) { h.Sequence = min(h.Sequence, 1) }},
		"a head forgets the kick":   {head: func(h *relation.AccountHead) { h.KickedAt = 0 }},
		"a page by cursor is the last": {page: func(q relation.BlockQuery, p *relation.BlockPage) {
			if q.After != 0 {
				p.Cursor = 0
			}
		}},
		"a page has another list":          {page: func(_ relation.BlockQuery, p *relation.BlockPage) { p.List++ }},
		"a device is not recorded":         {change: func(c *relation.Change) { c.Online = nil }},
		"a device that left is recorded":   {change: func(c *relation.Change) { c.Offline = nil }},
		"a device outlives its account":    {ghosts: true},
		"an event loses who was put out":   {follow: func(e []relation.Event) []relation.Event { return withoutKicked(e) }},
		"a dead letter loses what it told": {listed: func(p *relation.RecordPage) { each(p.Records, untold) }},
		"an attempt is not recorded":       {settle: func(s *relation.Settlement) { s.Attempt = relation.Attempt{} }},
		"an attempt loses its answer":      {settle: func(s *relation.Settlement) { s.Attempt.Answer = "" }},
		"an attempt is a fault of nobody":  {settle: func(s *relation.Settlement) { s.Attempt.Fault = false }},
		"a budget is forgotten":            {settle: func(s *relation.Settlement) { s.BudgetFrom = time.Time{} }},
		"a trace is lost":                  {change: func(c *relation.Change) { each(c.Events, func(e *relation.NewEvent) { e.Origin.Trace = "" }) }},
		"attempts are out of order":        {known: func(e *relation.Record) { slices.Reverse(e.Log) }},
		"a record says nothing of replays": {known: func(e *relation.Record) { e.Replayed = 0 }},
		"a record has another time":        {known: func(e *relation.Record) { e.Settled = e.Created }},
		"retrying events only wait":        {listed: func(p *relation.RecordPage) { each(p.Records, waits) }},
		"a page of records is the last":    {listed: func(p *relation.RecordPage) { p.Next = "" }},
		"a page of records loses one":      {listed: func(p *relation.RecordPage) { p.Records = p.Records[min(1, len(p.Records)):] }},
		"delivered events are not counted": {totals: func([]relation.RecordStats) []relation.RecordStats { return nil }, hidden: true},
		"a replay revives nothing":         {replayed: func(s *relation.ReplaySettlement) { s.Verdict = relation.Dead }},
		"a replay's attempt is lost":       {replayed: func(s *relation.ReplaySettlement) { s.Attempt.At = time.Time{} }},
		"a replay's attempt is anybody's":  {replayed: func(s *relation.ReplaySettlement) { s.Attempt.Replay = "" }},
		"a selection takes the living too": {selected: func(_ relation.ReplaySelection, p []relation.ReplayEvent) []relation.ReplayEvent {
			each(p, alive)
			return p
		}},
		"a selection ends early":                    {selected: func(_ relation.ReplaySelection, p []relation.ReplayEvent) []relation.ReplayEvent { return p[:0] }},
		"a replay forgets how far it is":            {progress: func(p *relation.ReplayProgress) { p.Cursor = "" }, hidden: true},
		"a replay cannot be ended":                  {progress: func(p *relation.ReplayProgress) { p.State = "" }, hidden: true},
		"a replay is given no other rate":           {progress: func(p *relation.ReplayProgress) { p.Rate = -1 }, hidden: true},
		"an export loses an entry":                  {part: func(p *relation.ListExport) { p.Entries = p.Entries[:len(p.Entries)-1] }},
		"an export has another time":                {part: func(p *relation.ListExport) { each(p.Entries, func(e *relation.BlockEntry) { e.Since++ }) }},
		"an export stands at the beginning":         {position: func(string) string { return "" }},
		"ids start over when the clock is set back": {restart: func(m *model) { m.last = 0 }, hidden: true},
		"a restart forgets the record": {restart: func(m *model) {
			m.settled = slices.DeleteFunc(m.settled, func(e relation.Record) bool { return e.State == relation.StateDelivered })
		}},
		"a restart forgets what is not kept": {restart: func(m *model) { clear(m.gone) }, hidden: true},
		"a restart forgets replays":          {restart: func(m *model) { m.replays = nil }, hidden: true},
		"records outlive the retention":      {keeps: true},
		"an app loses its keys":              {app: func(a *relation.App) { a.Keys = nil }},
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
			if !b.hidden && !historyFails(t, b.factory) {
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

func withoutKicked(events []relation.Event) []relation.Event {
	events = slices.Clone(events)
	for i, e := range events {
		if e.State != nil {
			events[i].State = &relation.StateChange{Action: e.State.Action, Reason: e.State.Reason}
		}
	}
	return events
}

func waits(e *relation.Record) {
	if e.State == relation.StateRetrying {
		e.State = relation.StateWaiting
	}
}

// untold takes from a dead letter what it tells of a login.
func untold(e *relation.Record) {
	if e.State == relation.StateDead {
		e.Event.State = nil
	}
}

func alive(e *relation.ReplayEvent) { e.Dead = false }

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

// TestDefectsOfOrder has defects that only concurrent calls bring to light, if they meet. That they do not meet in any of many runs is as
// good as impossible.
func TestDefectsOfOrder(t *testing.T) {
	factory := func(t testing.TB, o Options) func() Engine {
		open := newModel(t, o)
		return func() Engine { return hasty{open().(*model)} }
	}
	for _, c := range []test{
		{name: "decisions are serial", run: serialDecisions},
		{name: "one of many blocks the target", run: oneBlocks},
		{name: "calls are linearizable", run: linearizable},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 50 {
				if fails(t, func(r *recorder) { c.run(newFixture(r, factory, c.with)) }) {
					return
				}
			}
			t.Error("does not find decisions on what was true a moment ago")
		})
	}
}

// failing returns the tests of the areas that fail with engines of f.
func failing(t *testing.T, f Factory) (names []string) {
	for _, tests := range [][]test{accountTests(), blockTests(), eventTests(), settleTests(), appTests(), commitTests(), onlineTests(), recordTests(), replayTests(), exportTests()} {
		for _, c := range tests {
			if fails(t, func(r *recorder) {
				x := newFixture(r, f, c.with)
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
	after  []func()
}

// Cleanup has f called when the recorded test is over, long before the real one is: the engines of a whole suite would fill
// the memory.
func (r *recorder) Cleanup(f func()) { r.after = append(r.after, f) }

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
			for _, f := range slices.Backward(r.after) {
				f()
			}
		}()
		run(r)
	})
	done.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failed) > 0
}
