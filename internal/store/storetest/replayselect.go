package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// selection returns what a selection of the fixture's app names, read in pages.
func (x *fixture) selection(s relation.ReplaySelection, limit int) (all []relation.ReplayEvent) {
	x.Helper()
	for after := ""; ; {
		page, err := x.ReplayPage(x.ctx, x.app.SDKAppID, s, after, limit)
		x.ok("replay page", err)
		if len(page) > limit {
			x.Fatalf("a page of %d, asked for at most %d", len(page), limit)
		}
		for _, e := range page {
			if e.ID <= after {
				x.Fatalf("%s comes after %s", e.ID, after)
			}
			after = e.ID
			e.Created = milli(e.Created)
			all = append(all, e)
		}
		if len(page) == 0 {
			break
		}
	}
	n, err := x.CountReplay(x.ctx, x.app.SDKAppID, s)
	x.ok("count", err)
	equal(x, "count", n, int64(len(all)))
	return all
}

// settled returns the settled ones of events, oldest first.
func settled(all []relation.Record) (events []relation.ReplayEvent) {
	for _, e := range slices.Backward(all) {
		if e.State == relation.StateDelivered || e.State == relation.StateDead {
			events = append(events, relation.ReplayEvent{Event: e.Event, Dead: e.State == relation.StateDead})
		}
	}
	return events
}

func replaySelections(x *fixture) {
	all := settled(mixture(x))
	middle := all[len(all)/2]
	for what, c := range map[string]struct {
		s  relation.ReplaySelection
		in func(e relation.ReplayEvent) bool
	}{
		"all":     {relation.ReplaySelection{}, func(relation.ReplayEvent) bool { return true }},
		"one":     {relation.ReplaySelection{ID: middle.ID}, func(e relation.ReplayEvent) bool { return e.ID == middle.ID }},
		"dead":    {relation.ReplaySelection{Dead: true}, func(e relation.ReplayEvent) bool { return e.Dead }},
		"account": {relation.ReplaySelection{Account: "b"}, func(e relation.ReplayEvent) bool { return e.Owner == "b" }},
		"nobody":  {relation.ReplaySelection{Account: "\x00"}, func(relation.ReplayEvent) bool { return false }},
		"kind": {
			relation.ReplaySelection{Kind: relation.EventBlockDelete},
			func(e relation.ReplayEvent) bool { return e.Kind == relation.EventBlockDelete },
		},
		"time": {
			relation.ReplaySelection{From: all[2].Created, To: middle.Created.Add(time.Microsecond)},
			func(e relation.ReplayEvent) bool {
				return !e.Created.Before(all[2].Created) && !e.Created.After(middle.Created)
			},
		},
		"after and until": {
			relation.ReplaySelection{After: all[1].ID, Until: middle.ID},
			func(e relation.ReplayEvent) bool { return e.ID > all[1].ID && e.ID <= middle.ID },
		},
		"much at once": {
			relation.ReplaySelection{Dead: true, Account: "a", Kind: relation.EventBlockAdd, After: all[0].ID, From: all[1].Created},
			func(e relation.ReplayEvent) bool {
				return e.Dead && e.Owner == "a" && e.Kind == relation.EventBlockAdd && e.ID > all[0].ID && !e.Created.Before(all[1].Created)
			},
		},
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(e relation.ReplayEvent) bool { return !c.in(e) })
		for _, limit := range []int{1, 3, 100} {
			equal(x, what, x.selection(c.s, limit), want)
		}
	}
}

// replayMany looks for few events among more than an engine looks at in one go.
func replayMany(x *fixture) {
	const n = 4500
	x.importAll("a", "b")
	var events []relation.NewEvent
	for i := range n {
		events = append(events, relation.NewEvent{Kind: relation.EventKinds()[min(1, i%(n-1))], Targets: []string{"b"}})
	}
	x.ok("apply", x.Apply(x.ctx, relation.Scope{SDKAppID: appID, Owner: "a"}, func(relation.Snapshot) relation.Change {
		return relation.Change{At: x.clock.Now(), Events: events}
	}))
	var settlements []relation.Settlement
	for _, e := range x.reported(n) {
		settlements = append(settlements, x.verdict(relation.Delivered, e))
	}
	x.settle(settlements...)
	got := x.selection(relation.ReplaySelection{Kind: relation.EventBlockAdd}, 5)
	equal(x, "found", len(got), 2)
	equal(x, "ids", []string{got[0].ID, got[1].ID}, []string{x.reported(n)[0].ID, x.reported(n)[n-1].ID})
}

// lookAtSelection prints what could be sent again.
func (s *side) lookAtSelection(limit int) string {
	s.Helper()
	var b strings.Builder
	for _, e := range s.selection(relation.ReplaySelection{}, limit) {
		e.Head = false
		fmt.Fprintf(&b, "can be sent again: %s dead %v\n", s.describe(e.Event), e.Dead)
	}
	return b.String()
}
