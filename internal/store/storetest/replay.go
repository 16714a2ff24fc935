package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/kithchat/kith/internal/relation"
)

func replayTests() []test {
	return []test{
		{name: "selections", run: replaySelections},
		{name: "a selection of many rows", run: replayMany},
		{name: "a replay's life", run: replayLife},
		{name: "creating it again", run: replayAgain},
		{name: "progress and orders", run: replayProgress},
		{name: "what is no replay", run: replayErrors},
		{name: "attempts on a delivered event", run: replayDelivered},
		{name: "attempts on a dead letter", run: replayDead},
		{name: "settling twice", run: replayTwice},
		{name: "settlements of many", run: replayBatch},
		{name: "several attempts on a dead letter in one commit", run: replaySeveral},
		{name: "without a record", run: replayOff, with: func(o *Options) { o.Retention = 0 }},
		{name: "a deleted app", run: replayOfDeletedApp},
	}
}

// replay starts a replay of the fixture's app.
func (x *fixture) replay(s relation.ReplaySelection) relation.Replay {
	x.Helper()
	now := x.clock.Now()
	r, err := x.CreateReplay(x.ctx, relation.Replay{
		SDKAppID: x.app.SDKAppID, Selection: s, State: relation.ReplayRunning, Rate: 12.5, Created: now, Updated: now,
	})
	x.ok("create replay", err)
	return plainReplay(r)
}

func plainReplay(r relation.Replay) relation.Replay {
	r.Created, r.Updated = milli(r.Created), milli(r.Updated)
	return r
}

func (x *fixture) save(p relation.ReplayProgress) relation.Replay {
	x.Helper()
	r, err := x.SaveReplay(x.ctx, p)
	x.ok("save", err)
	return plainReplay(r)
}

func replayLife(x *fixture) {
	all := settled(mixture(x))
	r := x.replay(relation.ReplaySelection{From: all[1].Created, Account: "a"})
	selected := x.selection(relation.ReplaySelection{From: all[1].Created, Account: "a"}, 100)
	want := relation.Replay{
		ID: r.ID, SDKAppID: appID, State: relation.ReplayRunning, Rate: 12.5, Total: int64(len(selected)),
		Selection: relation.ReplaySelection{From: all[1].Created, Account: "a", Until: selected[len(selected)-1].ID},
		Created:   milli(x.clock.Now()), Updated: milli(x.clock.Now()),
	}
	if r.ID == "" {
		x.Fatal("a replay has no id")
	}
	equal(x, "replay", text(r), text(want))
	x.clock.advance(time.Minute)
	second := x.replay(relation.ReplaySelection{})
	// What is made and settled later does not belong to it.
	x.importAll("z")
	x.block("z", "t0")
	heads := x.heads(far, 100)
	x.settle(x.attempted(relation.Delivered, heads[slices.IndexFunc(heads, func(h relation.DueHead) bool { return h.Owner == "z" })].Event))
	equal(x, "what belongs to it", len(x.selection(second.Selection, 10)), int(second.Total))
	for range 2 {
		got, err := x.Replays(x.ctx, appID)
		x.ok("replays", err)
		equal(x, "replays, newest first", text([]relation.Replay{plainReplay(got[0]), plainReplay(got[1])}), text([]relation.Replay{second, want}))
		everyone, err := x.Replays(x.ctx, 0)
		x.ok("replays", err)
		equal(x, "replays of all", len(everyone), 2)
		none, err := x.Replays(x.ctx, appID+1)
		x.ok("replays", err)
		equal(x, "replays of another app", len(none), 0)
		one, err := x.Replay(x.ctx, r.ID)
		x.ok("replay", err)
		equal(x, "replay", text(plainReplay(one)), text(want))
		x.restart()
	}
}

func replayProgress(x *fixture) {
	all := settled(mixture(x))
	want := x.replay(relation.ReplaySelection{})
	x.clock.advance(time.Second)
	// The dispatcher says how far it is.
	got := x.save(relation.ReplayProgress{ID: want.ID, Rate: -1, Cursor: all[1].ID, Delivered: 2, Failed: 1, Note: "slow", At: x.clock.Now()})
	want.Cursor, want.Delivered, want.Failed, want.Note, want.Updated = all[1].ID, 2, 1, "slow", milli(x.clock.Now())
	equal(x, "progress", text(got), text(want))
	// Events that are settled meanwhile raise what is to be sent.
	more := x.replay(relation.ReplaySelection{})
	equal(x, "total", x.save(relation.ReplayProgress{ID: more.ID, Rate: -1, Delivered: more.Total, Failed: 2, At: x.clock.Now()}).Total, more.Total+2)
	// An operator pauses it, and it does not go back.
	got = x.save(relation.ReplayProgress{ID: want.ID, State: relation.ReplayPaused, Rate: 3, Note: "paused", At: x.clock.Now()})
	want.State, want.Rate, want.Note = relation.ReplayPaused, 3, "paused"
	equal(x, "paused", text(got), text(want))
	got = x.save(relation.ReplayProgress{ID: want.ID, Rate: -1, Cursor: all[0].ID, Delivered: 1, Note: "slow", At: x.clock.Now()})
	equal(x, "progress of before", text(got), text(want))
	got = x.save(relation.ReplayProgress{ID: want.ID, State: relation.ReplayCancelled, Rate: -1, Note: "cancelled", At: x.clock.Now()})
	want.State, want.Note = relation.ReplayCancelled, "cancelled"
	equal(x, "cancelled", text(got), text(want))
	x.restart()
	// It has ended, but what was under way is counted.
	got = x.save(relation.ReplayProgress{ID: want.ID, State: relation.ReplayRunning, Rate: -1, Delivered: 5, Cursor: all[2].ID, At: x.clock.Now()})
	want.Delivered, want.Cursor = 5, all[2].ID
	equal(x, "after its end", text(got), text(want))
}

func replayAgain(x *fixture) {
	settled(mixture(x))
	ask := relation.Replay{ID: uuid.NewString(), SDKAppID: appID, Selection: relation.ReplaySelection{Dead: true}, State: relation.ReplayRunning}
	answers := make([]relation.Replay, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			var err error
			if answers[i], err = x.CreateReplay(x.ctx, ask); err != nil {
				x.Errorf("create replay: %v", err)
			}
		})
	}
	all.Wait()
	for _, answer := range answers {
		equal(x, "answer", text(plainReplay(answer)), text(plainReplay(answers[0])))
	}
	ended := x.save(relation.ReplayProgress{ID: ask.ID, State: relation.ReplayCancelled, Rate: -1, Note: "cancelled", At: x.clock.Now()})
	x.clock.advance(time.Minute)
	ask.Selection = relation.ReplaySelection{Account: "nobody"} // nothing is selected any more
	again, err := x.CreateReplay(x.ctx, ask)
	x.ok("create replay", err)
	equal(x, "one that ended", text(plainReplay(again)), text(ended))
	stored, err := x.Replays(x.ctx, 0)
	x.ok("replays", err)
	equal(x, "replays", len(stored), 1)
	ask.SDKAppID = appID + 1 // which the mixture has, too
	if _, err := x.CreateReplay(x.ctx, ask); !errors.Is(err, relation.ErrParameter) {
		x.Errorf("with the id of another app's: got error %v, want ErrParameter", err)
	}
}

func replayErrors(x *fixture) {
	x.importAll("a", "b")
	e := commit(x, "a", "b")[0]
	want := func(what string, err, target error) {
		x.Helper()
		if !errors.Is(err, target) {
			x.Fatalf("%s: got error %v, want %v", what, err, target)
		}
	}
	create := func(app uint32, s relation.ReplaySelection) error {
		_, err := x.CreateReplay(x.ctx, relation.Replay{SDKAppID: app, Selection: s, State: relation.ReplayRunning, Created: x.clock.Now()})
		return err
	}
	want("an event that waits", create(appID, relation.ReplaySelection{ID: e.ID}), relation.ErrNoEvent)
	want("another app", create(appID+1, relation.ReplaySelection{}), relation.ErrNoApp)
	for _, s := range []relation.ReplaySelection{{ID: "x"}, {After: "'"}, {Until: "\x00"}} {
		want("a bad id", create(appID, s), relation.ErrParameter)
		_, err := x.CountReplay(x.ctx, appID, s)
		want("a bad id", err, relation.ErrParameter)
	}
	_, err := x.ReplayPage(x.ctx, appID, relation.ReplaySelection{}, "x", 1)
	want("a bad cursor", err, relation.ErrParameter)
	for _, id := range []string{"", "x", "\x00", uuid.NewString()} {
		_, err := x.Replay(x.ctx, id)
		want("an unknown replay", err, relation.ErrNoReplay)
		_, err = x.SaveReplay(x.ctx, relation.ReplayProgress{ID: id})
		want("progress of an unknown replay", err, relation.ErrNoReplay)
	}
	x.ok("settling what never was", x.SettleReplay(x.ctx, []relation.ReplaySettlement{
		{SDKAppID: appID, ID: e.ID, Attempt: x.attempt(1, "")},
		{SDKAppID: appID, ID: "x", Attempt: x.attempt(1, "")},
		{SDKAppID: appID + 1, ID: uuid.NewString(), Attempt: x.attempt(1, "")},
	}))
	equal(x, "the event that waits", x.record(e.ID).Log, nil)
	ctx, cancel := context.WithCancel(x.ctx)
	cancel()
	want("cancelled", x.SettleReplay(ctx, []relation.ReplaySettlement{{SDKAppID: appID, ID: e.ID}}), context.Canceled)
}

func replayOfDeletedApp(x *fixture) {
	all := settled(mixture(x))
	r := x.replay(relation.ReplaySelection{})
	x.settleReplay(x.again(relation.Retry, all[0].ID, 9))
	x.ok("delete", x.DeleteApp(x.ctx, appID))
	gone := func() {
		x.Helper()
		if _, err := x.Replay(x.ctx, r.ID); !errors.Is(err, relation.ErrNoReplay) {
			x.Fatalf("got error %v, want ErrNoReplay", err)
		}
	}
	gone()
	x.until("the id of the deleted app is free", func() bool { return x.CreateApp(x.ctx, newApp(appID, x.clock.Now())) == nil })
	gone()
	equal(x, "events", len(x.selection(relation.ReplaySelection{}, 10)), 0)
}

// replayOp sends some settled events again: each attempt with a verdict of its own.
func (h *history) replayOp(app *relation.App) op {
	guide := h.sides[0]
	guide.app = app
	var settlements []relation.ReplaySettlement
	var places []int
	for i, e := range guide.selection(relation.ReplaySelection{}, most) {
		if h.rng.IntN(4) > 0 {
			continue
		}
		v := relation.Verdict(h.rng.IntN(3))
		s := relation.ReplaySettlement{SDKAppID: app.SDKAppID, Verdict: v, Attempt: h.attempt(v, 100+i)}
		s.Attempt.Replay = "replay of step " + fmt.Sprint(len(h.trace))
		if s.Attempt.At.IsZero() {
			s.Attempt = relation.Attempt{}
		}
		settlements, places = append(settlements, s), append(places, guide.places[e.Key()])
	}
	return op{fmt.Sprintf("replay %v %+v", places, settlements), func(s *side) string {
		mine := slices.Clone(settlements)
		for i, place := range places {
			mine[i].ID = s.stream[place].ID
		}
		return sentinel(s.SettleReplay(s.ctx, mine))
	}}
}
