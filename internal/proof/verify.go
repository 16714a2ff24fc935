package proof

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/kithchat/kith/internal/hostile"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// Findings is what a verification found.
type Findings struct {
	Events     int // of acknowledged changes
	Dead       int // dead letters among them
	Lost       int // neither taken nor dead letters
	Invented   int // of no acknowledged change
	OutOfOrder int
	Problems   []string // all that is wrong, these included
}

// maxProblems is how many problems are described.
const maxProblems = 50

func (f *Findings) add(format string, args ...any) {
	if len(f.Problems) < maxProblems {
		f.Problems = append(f.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify compares what owners were told, what the journal holds and what the server says. Nobody calls any more, and
// nothing waits.
func (w *World) Verify(ctx context.Context, j *hostile.Journal) (Findings, error) {
	var f Findings
	dead, err := w.dead(ctx)
	if err != nil {
		return f, err
	}
	owners := map[hostile.Account]bool{}
	excused := map[string]bool{}
	for i, o := range w.Owners {
		account := hostile.Account{App: name(o.App.ID), Name: o.Name}
		owners[account] = true
		for _, problem := range o.Problems {
			f.add("%s", problem)
		}
		for _, letter := range dead[account] {
			excused[letter.ID] = true
			if !w.o.Endpoints[i/w.o.Owners].Parks || letter.Reason == "" || letter.Attempts < 1 {
				f.add("%s of %v was parked after %d attempts: %q", letter.ID, account, letter.Attempts, letter.Reason)
			}
		}
		f.compare(account, o.Done, j.Taken(account), dead[account])
		if err := o.CheckList(ctx); err != nil {
			f.add("%v", err)
		}
	}
	for _, account := range j.Accounts() {
		if !owners[account] {
			f.Invented++
			f.add("there are events of %v, who did nothing", account)
		}
	}
	for _, p := range j.Problems(excused) {
		f.add("%s", p.What)
	}
	if err := j.Err(); err != nil {
		return f, err
	}
	return f, nil
}

// dead returns all dead letters by account.
func (w *World) dead(ctx context.Context) (map[hostile.Account][]operator.Event, error) {
	letters := map[hostile.Account][]operator.Event{}
	for _, a := range w.Apps {
		query := operator.EventQuery{SDKAppID: a.ID, State: relation.StateDead, Limit: operator.MaxEventPage}
		for more := true; more; more = query.Before != "" {
			page, err := w.client.Events(ctx, query)
			if err != nil {
				return nil, err
			}
			for _, e := range page.Events {
				account := hostile.Account{App: name(a.ID), Name: e.FromAccount}
				letters[account] = append(letters[account], e)
			}
			query.Before = page.Next
		}
	}
	return letters, nil
}

// event is one that has to be found among the changes. It was taken, or is a dead letter, or both.
type event struct {
	id          string
	change      Change
	taken, dead bool
	place       int // among those that were taken
}

// compare lays the events of an account beside its changes.
func (f *Findings) compare(account hostile.Account, done []Change, taken []hostile.Event, dead []operator.Event) {
	events := merge(taken, dead)
	f.Events += len(done)
	f.Dead += len(dead)
	last := -1
	for i := range max(len(events), len(done)) {
		switch {
		case i >= len(events):
			f.Lost += len(done) - i
			f.add("%v: change %d %+v, and all after it, have no event", account, i+1, done[i])
			return
		case i >= len(done):
			f.Invented += len(events) - i
			f.add("%v: event %s %+v, and all after it, tell of changes that were not made", account, events[i].id, events[i].change)
			return
		case events[i].change.Command != done[i].Command || !slices.Equal(events[i].change.Targets, done[i].Targets):
			f.mismatch(account, i, done, events)
			return
		}
		if e := events[i]; e.taken && !e.dead {
			if e.place < last {
				f.OutOfOrder++
				f.add("%v: event %s was taken after newer ones", account, e.id)
			}
			last = max(last, e.place)
		}
	}
}

// mismatch says whether an event that does not fit its change is one too many or the change's own is missing.
func (f *Findings) mismatch(account hostile.Account, i int, done []Change, events []event) {
	if len(events) < len(done) {
		f.Lost += len(done) - len(events)
	} else {
		f.Invented += max(1, len(events)-len(done))
	}
	f.add("%v: event %d of %d is %s %+v, but change %d of %d was %+v",
		account, i+1, len(events), events[i].id, events[i].change, i+1, len(done), done[i])
}

// merge puts the events of an account in the order of their commits.
func merge(taken []hostile.Event, dead []operator.Event) []event {
	byID := map[string]*event{}
	for i, e := range taken {
		byID[e.ID] = &event{id: e.ID, change: Change{e.Command, e.Targets}, taken: true, place: i}
	}
	for _, e := range dead {
		if known := byID[e.ID]; known != nil {
			known.dead = true
			continue
		}
		byID[e.ID] = &event{id: e.ID, change: Change{string(e.Command), e.ToAccount}, dead: true}
	}
	events := make([]event, 0, len(byID))
	for _, e := range byID {
		events = append(events, *e)
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.id, b.id) }) // ids are time-ordered
	return events
}
