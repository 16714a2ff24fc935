package storetest

import (
	"errors"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// states counts the records of the fixture's app by state.
func (x *fixture) states() map[relation.State]int {
	x.Helper()
	n := make(map[relation.State]int)
	for _, e := range x.records(relation.RecordQuery{}, 100) {
		n[e.State]++
	}
	return n
}

func recordRetention(x *fixture) {
	const n = 700 // more than one step of a sweep
	x.importAll("a", "b", "c", "d", "e", "f")
	var old []relation.NewEvent
	for range n {
		old = append(old, relation.NewEvent{Kind: relation.EventBlockAdd, Targets: []string{"b"}})
	}
	x.ok("apply", x.Apply(x.ctx, relation.Scope{SDKAppID: appID, Owner: "a"}, func(relation.Snapshot) relation.Change {
		return relation.Change{At: x.clock.Now(), Events: old}
	}))
	first := x.reported(n)[0]
	retry := x.attempted(relation.Retry, first)
	x.settle(retry)
	var settlements []relation.Settlement
	for _, e := range x.reported(n) {
		settlements = append(settlements, x.attempted(relation.Delivered, e))
	}
	x.settle(settlements...)
	dead, waiting := commit(x, "b", "a")[0], commit(x, "c", "a")[0]
	x.settle(x.attempted(relation.Dead, dead), x.attempted(relation.Retry, waiting))
	horizon := x.clock.Now().Add(retention)
	x.clock.advance(time.Hour)
	young := commit(x, "d", "a")[0]
	x.settle(x.attempted(relation.Delivered, young))
	all := map[relation.State]int{relation.StateDelivered: n + 1, relation.StateDead: 1, relation.StateRetrying: 1}
	equal(x, "records", x.states(), all)
	x.clock.advance(horizon.Sub(x.clock.Now()) + time.Millisecond)
	all[relation.StateDelivered] = 1
	equal(x, "records after the retention", x.states(), all)
	if _, err := x.Record(x.ctx, appID, first.ID); !errors.Is(err, relation.ErrNoEvent) {
		x.Fatalf("an old event: got error %v", err)
	}
	x.restart()
	x.until("old records are removed", func() bool { return x.recordStats()[appID] == 1 })
	equal(x, "records after they were removed", x.states(), all)
	equal(x, "attempts of one that waits", len(x.record(waiting.ID).Log), 1)
	equal(x, "attempts of a dead letter", len(x.record(dead.ID).Log), 1)
	x.clock.advance(-2 * time.Hour) // what is removed does not come back
	equal(x, "records with the clock set back", x.states(), all)
	if _, err := x.Record(x.ctx, appID, first.ID); !errors.Is(err, relation.ErrNoEvent) {
		x.Fatalf("an old event: got error %v", err)
	}
}

// recordCapSize is room for some of the events of recordCap.
const recordCapSize = 300 << 10

func recordCap(x *fixture) {
	const many, few = 3000, 20
	first := x.app
	second := x.create(appID + 1)
	newest := make(map[uint32]string)
	for _, app := range []*relation.App{second, first} {
		x.app = app
		x.importAll("a", "b")
		n := many
		if app == second {
			n = few
		}
		for range n / few {
			var events []relation.NewEvent
			for range few {
				events = append(events, relation.NewEvent{Kind: relation.EventBlockAdd, Targets: []string{"b"}})
			}
			before := x.journal.count()
			x.clock.advance(time.Millisecond)
			x.ok("apply", x.Apply(x.ctx, relation.Scope{SDKAppID: app.SDKAppID, Owner: "a"}, func(relation.Snapshot) relation.Change {
				return relation.Change{At: x.clock.Now(), Events: events}
			}))
			var settlements []relation.Settlement
			for _, e := range x.reported(before + few)[before:] {
				settlements = append(settlements, x.attempted(relation.Delivered, e))
				newest[app.SDKAppID] = e.ID
			}
			x.settle(settlements...)
		}
	}
	x.until("the record is small enough", func() bool {
		stats, err := x.RecordStats(x.ctx)
		x.ok("record stats", err)
		var bytes int64
		for _, s := range stats {
			bytes += s.Bytes
		}
		return bytes <= recordCapSize
	})
	left := x.recordStats()
	if n := left[appID]; n < many/30 || n >= many || left[appID+1] != few {
		x.Fatalf("%v are left", left)
	}
	var found []relation.Record
	x.until("what is found is what is counted", func() bool { // the engine may remove some more, also between these two
		found = x.records(relation.RecordQuery{}, 500)
		return len(found) == int(x.recordStats()[appID])
	})
	equal(x, "the newest", found[0].ID, newest[appID])
}

func recordOff(x *fixture) {
	x.importAll("a", "b", "c", "d")
	events := commit(x, "a", "b", "c", "d")
	x.settle(x.attempted(relation.Retry, events[0]))
	equal(x, "attempts", x.record(events[0].ID).Log, nil)
	x.settle(x.attempted(relation.Delivered, events[0]), x.attempted(relation.Dead, events[1]))
	if _, err := x.Record(x.ctx, appID, events[0].ID); !errors.Is(err, relation.ErrNoEvent) {
		x.Fatalf("a delivered event: got error %v", err)
	}
	equal(x, "attempts of a dead letter", x.record(events[1].ID).Log, nil)
	equal(x, "records", x.states(), map[relation.State]int{relation.StateDead: 1, relation.StateWaiting: 1})
	equal(x, "stats", x.recordStats(), map[uint32]int64{})
}
