package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func settleTests() []test {
	return []test{
		{name: "delivered", run: settleDelivered},
		{name: "retry", run: settleRetry},
		{name: "dead", run: settleDead},
		{name: "settling twice does nothing", run: settleTwice},
		{name: "settling one event many times at once", run: settleAtOnce},
		{name: "settling what never was does nothing", run: settleUnknown},
		{name: "a batch of verdicts", run: settleBatch},
		{name: "dead letters in pages", run: deadPages},
		{name: "a context that has ended", run: settleCancelled},
	}
}

func settleDelivered(x *fixture) {
	x.importAll("a", "b", "c", "d")
	events := commit(x, "a", "b", "c", "d")
	x.clock.advance(time.Minute)
	for i, e := range events {
		heads := x.heads(x.clock.Now(), 10)
		equal(x, "heads", len(heads), 1)
		e.Head = true
		equal(x, fmt.Sprintf("head %d", i), heads[0].Event, e)
		equal(x, "more", heads[0].More, i < 2)
		next := x.settle(x.verdict(relation.Delivered, e))
		if i < 2 {
			equal(x, "new head", next, []relation.EventKey{events[i+1].Key()})
			equal(x, "queue", len(x.queue("a")), 2-i)
		} else {
			equal(x, "new head", next, nil)
		}
	}
	equal(x, "queue", x.queue("a"), nil)
	equal(x, "heads", x.heads(far, 10), nil)
	equal(x, "dead letters", x.letters(10), nil)
	equal(x, "stats", x.stats(), nil)
}

func settleRetry(x *fixture) {
	x.importAll("a", "b", "c")
	events := commit(x, "a", "b", "c")
	for attempt := 1; attempt <= 3; attempt++ {
		s := x.verdict(relation.Retry, events[0])
		s.Attempts, s.Due = attempt, x.clock.Now().Add(time.Minute)
		equal(x, "new heads", x.settle(s), nil)
		equal(x, "due at once", x.heads(x.clock.Now(), 10), nil)
		x.restart()
		x.clock.advance(time.Minute)
		want := events[0]
		want.Attempts = attempt
		equal(x, "due later", x.heads(x.clock.Now(), 10), []relation.DueHead{{Event: want, Due: milli(s.Due), More: true}})
	}
	x.clock.advance(time.Second)
	x.settle(x.verdict(relation.Delivered, events[0]))
	heads := x.heads(x.clock.Now(), 10)
	equal(x, "heads", len(heads), 1)
	equal(x, "the next event", heads[0].Key(), events[1].Key())
	equal(x, "attempts of the next event", heads[0].Attempts, 0)
}

func settleDead(x *fixture) {
	x.importAll("a", "b", "c")
	events := commit(x, "a", "b", "c")
	x.clock.advance(90 * time.Second)
	s := x.verdict(relation.Dead, events[0])
	s.Attempts, s.Reason = 17, "status 500: \"back\\end\" said\n<é>"
	equal(x, "new head", x.settle(s), []relation.EventKey{events[1].Key()})
	letters := x.letters(10)
	equal(x, "dead letters", len(letters), 1)
	want := events[0]
	want.Attempts, want.Head = 17, false
	equal(x, "dead letter", letters[0], relation.Record{Event: want, State: relation.StateDead, Settled: milli(x.clock.Now()), Reason: s.Reason})
	heads := x.heads(x.clock.Now(), 10)
	equal(x, "heads", len(heads), 1)
	equal(x, "head", heads[0].Key(), events[1].Key())
	equal(x, "more", heads[0].More, false)
	x.restart()
	equal(x, "dead letters after a restart", x.letters(10), letters)
}

func settleTwice(x *fixture) {
	x.importAll("a", "b", "c", "d", "e")
	events := commit(x, "a", "b", "c", "d", "e")
	x.settle(x.verdict(relation.Delivered, events[0]))
	x.settle(x.verdict(relation.Dead, events[1]))
	observe := func() any { return []any{x.queue("a"), x.heads(far, 10), x.letters(10), x.stats()} }
	before := observe()
	x.clock.advance(time.Second)
	for _, v := range []relation.Verdict{relation.Delivered, relation.Retry, relation.Dead} {
		for _, e := range events[:2] {
			s := x.verdict(v, e)
			s.Due = far
			equal(x, "new heads", x.settle(s), nil)
			equal(x, fmt.Sprintf("outbox after verdict %d", v), observe(), before)
		}
	}
	// Both verdicts of a retried batch in one go, with a new one between them.
	equal(x, "new heads", x.settle(
		x.verdict(relation.Delivered, events[0]), x.verdict(relation.Delivered, events[2]), x.verdict(relation.Dead, events[1]),
	), []relation.EventKey{events[3].Key()})
	equal(x, "queue", len(x.queue("a")), 1)
	equal(x, "dead letters", len(x.letters(10)), 1)
	equalStats(x, "stats", []relation.OutboxStats{{SDKAppID: appID, Waiting: 1, Dead: 1, Oldest: events[3].Created}})
}

// settleAtOnce gives final verdicts on the same event many times, in calls that may share a commit, and twice in a call.
func settleAtOnce(x *fixture) {
	const callers = 24
	x.importAll("a", "b", "c", "d")
	events := commit(x, "a", "b", "c", "d")
	for _, e := range events[:2] {
		together(x, callers, func(ctx context.Context, i int) error {
			verdict := x.verdict(relation.Dead, e)
			_, err := x.Settle(ctx, []relation.Settlement{verdict, verdict})
			return err
		})
	}
	equal(x, "queue", len(x.queue("a")), 1)
	equal(x, "due", len(x.heads(x.clock.Now(), 10)), 1)
	equal(x, "dead letters", len(x.letters(10)), 2)
	equalStats(x, "stats", []relation.OutboxStats{{SDKAppID: appID, Waiting: 1, Dead: 2, Oldest: events[2].Created}})
}

func settleUnknown(x *fixture) {
	x.importAll("a", "b")
	e := commit(x, "a", "b")[0]
	before := x.heads(far, 10)
	for _, key := range []relation.EventKey{
		{SDKAppID: appID, Owner: "a", Seq: e.Seq + 1},
		{SDKAppID: appID, Owner: "A", Seq: e.Seq},
		{SDKAppID: appID, Owner: "b", Seq: e.Seq},
		{SDKAppID: appID + 1, Owner: "a", Seq: e.Seq},
	} {
		for _, v := range []relation.Verdict{relation.Delivered, relation.Retry, relation.Dead} {
			x.settle(relation.Settlement{EventKey: key, Verdict: v, Attempts: 1, Due: far, At: x.clock.Now()})
		}
	}
	equal(x, "heads", x.heads(far, 10), before)
	equal(x, "dead letters", x.letters(10), nil)
	equalStats(x, "stats", []relation.OutboxStats{{SDKAppID: appID, Waiting: 1, Oldest: e.Created}})
}

func settleBatch(x *fixture) {
	const n = 300
	owners := names("owner", n)
	x.importAll("t1", "t2")
	x.importAll(owners...)
	for _, target := range []string{"t1", "t2"} {
		together(x, n, func(ctx context.Context, i int) error {
			_, err := x.svc.Block(ctx, x.command(owners[i], []string{target}))
			return err
		})
	}
	heads := x.heads(x.clock.Now(), 128)
	equal(x, "heads", len(heads), n)
	var settlements []relation.Settlement
	want := make(map[string]bool) // owners whose second event becomes the head
	for i, h := range heads {
		s := x.verdict(relation.Verdict(i%3), h.Event)
		s.Due = x.clock.Now().Add(time.Hour)
		settlements = append(settlements, s)
		if s.Verdict != relation.Retry {
			want[h.Owner] = true
		}
	}
	next := x.settle(settlements...)
	equal(x, "new heads", len(next), len(want))
	for _, key := range next {
		if !want[key.Owner] || x.queue(key.Owner)[0].Key() != key {
			x.Fatalf("%+v is named as a new head", key)
		}
	}
	equal(x, "due now", len(x.heads(x.clock.Now(), 128)), n-n/3)
	equal(x, "due later", len(x.heads(far, 128)), n)
	equal(x, "dead letters", len(x.letters(7)), n/3)
}

func deadPages(x *fixture) {
	first := x.app
	x.create(appID + 1)
	second := *first
	second.SDKAppID = appID + 1
	own := make(map[uint32][]string) // ids, oldest first
	for i, app := range []*relation.App{first, &second, first, first, &second, first, &second} {
		x.app = app
		owner := fmt.Sprintf("owner%d", i%3)
		x.importAll(owner, fmt.Sprint("t", i))
		e := commit(x, owner, fmt.Sprint("t", i))[0]
		own[app.SDKAppID] = append(own[app.SDKAppID], e.ID)
	}
	// What is newest is decided by the event, not by when it was parked.
	for _, app := range []*relation.App{&second, first} {
		x.app = app
		for range own[app.SDKAppID] {
			for _, h := range x.heads(far, 10) {
				x.clock.advance(time.Second)
				x.settle(x.verdict(relation.Dead, h.Event))
			}
		}
	}
	for _, app := range []*relation.App{first, &second} {
		x.app = app
		want := own[app.SDKAppID]
		slices.Reverse(want)
		for limit := 1; limit <= len(want)+1; limit++ {
			var got []string
			for _, e := range x.letters(limit) {
				got = append(got, e.ID)
			}
			equal(x, fmt.Sprintf("letters of app %d in pages of %d", app.SDKAppID, limit), got, want)
		}
	}
	x.app = x.create(appID + 2)
	equal(x, "letters of an app that has none", x.letters(10), nil)
}

func settleCancelled(x *fixture) {
	x.importAll("a", "b")
	e := commit(x, "a", "b")[0]
	ctx, cancel := context.WithCancel(x.ctx)
	cancel()
	if _, err := x.Settle(ctx, []relation.Settlement{x.verdict(relation.Delivered, e)}); !errors.Is(err, context.Canceled) {
		x.Fatalf("got error %v, want that of the context", err)
	}
	equal(x, "queue", len(x.queue("a")), 1)
}
