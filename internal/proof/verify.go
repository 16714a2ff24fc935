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
	records, err := w.records(ctx)
	if err != nil {
		return f, err
	}
	owners := map[hostile.Account]bool{}
	for i, o := range w.Owners {
		account := hostile.Account{App: name(o.App.ID), Name: o.Name}
		owners[account] = true
		for _, problem := range o.Problems {
			f.add("%s", problem)
		}
		known := records[account]
		for _, r := range known {
			f.checkRecord(account, r, w.o.Endpoints[i/w.o.Owners].Parks)
			if r.State == relation.StateDead {
				w.parked[r.ID] = true
			}
		}
		f.compare(account, o.Done, known, j.Taken(account), w.parked)
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
	for _, p := range j.Problems(w.parked) {
		f.add("%s", p.What)
	}
	return f, j.Err()
}

// records returns all events that the server knows, by account, in the order of their commits.
func (w *World) records(ctx context.Context) (map[hostile.Account][]operator.Event, error) {
	records := map[hostile.Account][]operator.Event{}
	for _, a := range w.Apps {
		query := operator.EventQuery{SDKAppID: a.ID, Limit: operator.MaxEventPage}
		for more := true; more; more = query.Before != "" {
			page, err := w.client.Events(ctx, query)
			if err != nil {
				return nil, err
			}
			for _, e := range page.Events {
				account := hostile.Account{App: name(a.ID), Name: e.FromAccount}
				records[account] = append(records[account], e)
			}
			query.Before = page.Next
		}
	}
	for _, of := range records {
		slices.SortFunc(of, func(a, b operator.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return records, nil
}

// checkRecord looks at what the server says of one event.
func (f *Findings) checkRecord(account hostile.Account, r operator.Event, parks bool) {
	switch {
	case r.State == relation.StateDelivered && r.Reason == "" && r.Attempts > 0:
	case r.State == relation.StateDead && parks && r.Reason != "" && r.Attempts > 0:
		f.Dead++
	default:
		f.add("%s of %v is %s after %d attempts, reason %q", r.ID, account, r.State, r.Attempts, r.Reason)
	}
}

// compare lays the events of an account, as the server and as the receiver know them, beside its changes. The order is not
// that of the changes where an event was parked, then or before: the later ones went on, and it can be replayed.
func (f *Findings) compare(account hostile.Account, done []Change, known []operator.Event, taken []hostile.Event, parked map[string]bool) {
	f.Events += len(done)
	places := map[string]int{}
	for i, e := range taken {
		places[e.ID] = i
	}
	last := -1
	for i := range max(len(known), len(done)) {
		switch {
		case i >= len(known):
			f.Lost += len(done) - i
			f.add("%v: change %d %+v, and all after it, have no event", account, i+1, done[i])
			return
		case i >= len(done):
			f.Invented += len(known) - i
			f.add("%v: event %s, and all after it, tell of changes that were not made", account, known[i].ID)
			return
		case string(known[i].Command) != done[i].Command || !slices.Equal(known[i].ToAccount, done[i].Targets):
			f.mismatch(account, i, done, known)
			return
		}
		e := known[i]
		place, came := places[e.ID]
		delete(places, e.ID)
		if e.State == relation.StateDead {
			continue // it may have come, and at any time
		}
		if !came {
			f.Lost++
			f.add("%v: event %s is %s, and was never taken", account, e.ID, e.State)
			continue
		}
		if t := taken[place]; t.Sequence != e.Seq || t.Command != done[i].Command || !slices.Equal(t.Targets, done[i].Targets) {
			f.Invented++
			f.add("%v: event %s came as %+v, but its change %d was %+v", account, e.ID, t, e.Seq, done[i])
		}
		if parked[e.ID] {
			continue
		}
		if place < last {
			f.OutOfOrder++
			f.add("%v: event %s was taken after newer ones", account, e.ID)
		}
		last = max(last, place)
	}
	for id := range places {
		f.Invented++
		f.add("%v: event %s came, and the server does not know it", account, id)
	}
}

// mismatch says whether an event that does not fit its change is one too many or the change's own is missing.
func (f *Findings) mismatch(account hostile.Account, i int, done []Change, known []operator.Event) {
	if len(known) < len(done) {
		f.Lost += len(done) - len(known)
	} else {
		f.Invented += max(1, len(known)-len(done))
	}
	f.add("%v: event %d of %d is %s %s %v, but change %d of %d was %+v", account, i+1, len(known), known[i].ID,
		known[i].Command, known[i].ToAccount, i+1, len(done), done[i])
}
