package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// again returns a settlement of an attempt that a replay made now.
func (x *fixture) again(v relation.Verdict, id string, number int) relation.ReplaySettlement {
	reason := "status"
	if v == relation.Delivered {
		reason = ""
	}
	a := x.attempt(number, reason)
	a.Replay = "some-replay"
	return relation.ReplaySettlement{SDKAppID: x.app.SDKAppID, ID: id, Verdict: v, Attempt: a}
}

func (x *fixture) settleReplay(settlements ...relation.ReplaySettlement) {
	x.Helper()
	x.ok("settle replay", x.SettleReplay(x.ctx, settlements))
}

func replayDelivered(x *fixture) {
	x.importAll("a", "b")
	e := commit(x, "a", "b")[0]
	x.settle(x.attempted(relation.Delivered, e))
	want := x.record(e.ID)
	bytes := x.recordBytes()
	for n, v := range []relation.Verdict{relation.Retry, relation.Dead, relation.Delivered, relation.Delivered} {
		x.clock.advance(time.Second)
		s := x.again(v, e.ID, 2+n)
		x.settleReplay(s)
		want.Log = append(want.Log, s.Attempt)
		if v == relation.Delivered {
			want.Replayed++
		}
		equal(x, "record", x.record(e.ID), want)
	}
	if x.recordBytes() < bytes {
		x.Fatal("attempts make a record smaller")
	}
	x.restart()
	equal(x, "record after a restart", x.record(e.ID), want)
	equal(x, "stats", x.recordStats(), map[uint32]int64{appID: 1})
}

// recordBytes returns the size of the record.
func (x *fixture) recordBytes() (sum int64) {
	x.Helper()
	stats, err := x.RecordStats(x.ctx)
	x.ok("record stats", err)
	for _, s := range stats {
		sum += s.Bytes
	}
	return sum
}

func replayDead(x *fixture) {
	x.importAll("a", "b", "c")
	events := commit(x, "a", "b", "c")
	x.settle(x.attempted(relation.Retry, events[0]))
	x.clock.advance(time.Minute)
	events[0].Attempts = 1
	x.settle(x.attempted(relation.Dead, events[0]))
	want := x.record(events[0].ID)
	for range 2 {
		x.clock.advance(time.Second)
		s := x.again(relation.Dead, want.ID, 3)
		x.settleReplay(s)
		want.Log = append(want.Log, s.Attempt)
		equal(x, "a dead letter stays one", x.record(want.ID), want)
		equal(x, "dead letters", len(x.letters(10)), 1)
		x.restart()
	}
	x.clock.advance(time.Second)
	s := x.again(relation.Delivered, want.ID, 4)
	x.settleReplay(s)
	want.State, want.Reason, want.Settled = relation.StateDelivered, "", milli(s.Attempt.At.Add(s.Attempt.Took))
	want.Log = append(want.Log, s.Attempt)
	for range 2 {
		equal(x, "delivered", x.record(want.ID), want)
		equal(x, "dead letters", len(x.letters(10)), 0)
		equalStats(x, "outbox", []relation.OutboxStats{{SDKAppID: appID, Waiting: 1, Oldest: events[1].Created}})
		equal(x, "stats", x.recordStats(), map[uint32]int64{appID: 1})
		x.restart()
	}
}

func replayTwice(x *fixture) {
	all := settled(mixture(x))
	var settlements []relation.ReplaySettlement
	for i, e := range all {
		settlements = append(settlements, x.again(relation.Verdict(i%3), e.ID, 9))
	}
	x.settleReplay(settlements...)
	observe := func() any {
		var records []relation.Record
		for _, e := range all {
			records = append(records, x.record(e.ID))
		}
		return []any{records, x.stats(), x.recordStats(), x.recordBytes(), len(x.letters(10))}
	}
	before := observe()
	x.settleReplay(settlements...)
	x.settleReplay(settlements[0], settlements[0])
	equal(x, "after the same again", observe(), before)
	x.restart()
	equal(x, "after a restart", observe(), before)
}

// replayBatch settles a replay of many events in calls at the same time, several attempts of each.
func replayBatch(x *fixture) {
	const callers = 8
	all := settled(mixture(x))
	want := make(map[string]relation.Record)
	for _, e := range all {
		want[e.ID] = x.record(e.ID)
	}
	x.clock.advance(time.Second)
	together(x, callers, func(ctx context.Context, i int) error {
		var settlements []relation.ReplaySettlement
		for _, e := range all {
			settlements = append(settlements, x.again(relation.Retry, e.ID, 100+i))
		}
		return x.SettleReplay(ctx, settlements)
	})
	x.clock.advance(time.Second)
	together(x, callers, func(ctx context.Context, i int) error {
		var settlements []relation.ReplaySettlement
		for _, e := range all {
			settlements = append(settlements, x.again(relation.Delivered, e.ID, 200))
		}
		return x.SettleReplay(ctx, settlements)
	})
	for _, e := range all {
		got, before := x.record(e.ID), want[e.ID]
		replayed := 1
		if e.Dead {
			replayed = 0
		}
		if got.State != relation.StateDelivered || len(got.Log) != len(before.Log)+callers+1 || got.Replayed != replayed {
			x.Fatalf("%s was %s with %d attempts; now %s with %d, replayed %d", e.ID, before.State, len(before.Log), got.State, len(got.Log), got.Replayed)
		}
	}
}

// replaySeveral settles in one commit what two replays made of the same dead letter.
func replaySeveral(x *fixture) {
	x.importAll("a", "b")
	e := commit(x, "a", "b")[0]
	x.settle(x.attempted(relation.Dead, e))
	var settlements []relation.ReplaySettlement
	for n, v := range []relation.Verdict{relation.Retry, relation.Delivered, relation.Delivered, relation.Delivered} {
		x.clock.advance(time.Second)
		settlements = append(settlements, x.again(v, e.ID, 2+n))
	}
	for range 2 {
		x.settleReplay(settlements...)
		got := x.record(e.ID)
		if got.State != relation.StateDelivered || got.Replayed != 2 {
			x.Fatalf("%s, replayed %d times", got.State, got.Replayed)
		}
		for _, s := range settlements {
			if !slices.Contains(got.Log, s.Attempt) {
				x.Fatalf("the attempt %+v is not among %+v", s.Attempt, got.Log)
			}
		}
		equal(x, "attempts", len(got.Log), 1+len(settlements))
		x.restart()
	}
}

func replayOff(x *fixture) {
	x.importAll("a", "b", "c")
	events := commit(x, "a", "b", "c")
	x.settle(x.attempted(relation.Delivered, events[0]), x.attempted(relation.Dead, events[1]))
	got := x.selection(relation.ReplaySelection{}, 10)
	equal(x, "selected", len(got), 1)
	x.settleReplay(x.again(relation.Retry, events[1].ID, 2))
	equal(x, "dead letter", len(x.letters(10)), 1)
	x.settleReplay(x.again(relation.Delivered, events[1].ID, 3))
	for range 2 {
		equal(x, "dead letters", len(x.letters(10)), 0)
		equal(x, "stats", x.stats(), nil)
		equal(x, "record", x.recordStats(), map[uint32]int64{})
		if _, err := x.Record(x.ctx, appID, events[1].ID); !errors.Is(err, relation.ErrNoEvent) {
			x.Fatalf("got error %v, want ErrNoEvent", err)
		}
		x.restart()
	}
}
