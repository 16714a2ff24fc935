package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kithchat/kith/internal/relation"
)

func eventTests() []test {
	return []test{
		{name: "change and event come together", run: changeWithEvent},
		{name: "nothing changed, nothing told", run: nothingTold},
		{name: "events keep what they carry", run: eventsKeepContent},
		{name: "several events in one change", run: severalEvents},
		{name: "only the earliest event is a head", run: onlyHeads},
		{name: "due heads in order of due and owner", run: dueOrder},
		{name: "due and next due at the millisecond", run: dueBoundaries},
		{name: "following events", run: followingEvents},
		{name: "ids are ordered by time and stay", run: eventIDs},
		{name: "stats", run: outboxStats},
		{name: "restart keeps the outbox", run: restartKeepsOutbox},
	}
}

// commit blocks targets one call each, a second apart, and returns the events.
func commit(x *fixture, owner string, targets ...string) []relation.Event {
	x.Helper()
	n := x.journal.count()
	for _, target := range targets {
		x.clock.advance(time.Second)
		x.block(owner, target)
	}
	return x.reported(n + len(targets))[n:]
}

func changeWithEvent(x *fixture) {
	x.importAll("alice", "bob", "carol", "dave")
	x.block("alice", "carol", "bob")
	now := milli(x.clock.Now())
	added := x.reported(1)[0]
	want := relation.Event{
		SDKAppID: appID, Owner: "alice", Seq: added.Seq, ID: added.ID,
		NewEvent: relation.NewEvent{
			Kind: relation.EventBlockAdd, Targets: []string{"carol", "bob"},
			Origin: relation.Origin{ClientIP: "203.0.113.9", Platform: "RESTAPI"},
		},
		Created: now, Head: true,
	}
	equal(x, "event as reported", added, want)
	equal(x, "event as due", x.heads(x.clock.Now(), 10), []relation.DueHead{{Event: want, Due: x.heads(far, 10)[0].Due}})

	x.clock.advance(time.Second)
	x.unblock("alice", "dave", "bob")
	removed := x.reported(2)[1]
	want = relation.Event{
		SDKAppID: appID, Owner: "alice", Seq: added.Seq + 1, ID: removed.ID,
		NewEvent: relation.NewEvent{
			Kind: relation.EventBlockDelete, Targets: []string{"bob"},
			Origin: relation.Origin{ClientIP: "203.0.113.9", Platform: "RESTAPI"},
		},
		Created: now.Add(time.Second),
	}
	equal(x, "second event as reported", removed, want)
	equal(x, "second event in the queue", x.queue("alice")[1], want)
	if !x.heads(x.clock.Now(), 10)[0].More {
		x.Fatal("the head does not say that more events wait")
	}
}

func nothingTold(x *fixture) {
	x.importAll("alice", "bob")
	x.unblock("alice", "bob")
	x.block("alice", "alice", "nobody")
	silent := *x.app
	silent.Callback.URL = ""
	x.app = &silent
	x.block("alice", "bob")
	half := silent
	half.Callback = relation.Callback{URL: "http://127.0.0.1/", Off: []relation.EventKind{relation.EventBlockAdd}}
	x.app = &half
	x.block("bob", "alice")
	x.delete("alice")
	x.importAll("alice")
	equal(x, "due", len(x.heads(far, 10)), 0)
	equal(x, "stats", x.stats(), nil)
	x.block("bob", "alice")
	x.unblock("bob", "alice")
	// The only event is the last, so a report of one of the others would have come before it.
	equal(x, "kind", x.reported(1)[0].Kind, relation.EventBlockDelete)
}

func eventsKeepContent(x *fixture) {
	targets := append(alike(), names(strings.Repeat("x", relation.MaxUserID-4), 900)...)
	x.importAll("owner")
	x.importAll(targets...)
	origin := relation.Origin{ClientIP: "2001:db8::1", Platform: `We"b\ {7} 'x' <é> ` + "\u2028" + strings.Repeat("p", 200)}
	cmd := x.command("owner", targets)
	cmd.Origin = origin
	_, err := x.svc.Block(x.ctx, cmd)
	x.ok("block", err)
	want := relation.NewEvent{Kind: relation.EventBlockAdd, Targets: targets, Origin: origin}
	equal(x, "as reported", x.reported(1)[0].NewEvent, want)
	x.restart()
	head := x.heads(far, 10)[0]
	equal(x, "as due", head.NewEvent, want)
	equal(x, "as following", x.queue("owner")[0].NewEvent, want)
	x.settle(x.verdict(relation.Dead, head.Event))
	equal(x, "as dead letter", x.letters(10)[0].NewEvent, want)
}

func severalEvents(x *fixture) {
	x.importAll("alice", "bob")
	var events []relation.NewEvent
	for i := range 5 {
		events = append(events, relation.NewEvent{
			Kind: relation.EventKinds()[i%2], Targets: []string{"bob"}, Origin: relation.Origin{Platform: fmt.Sprint(i)},
		})
	}
	scope := relation.Scope{SDKAppID: appID, Owner: "alice"}
	x.ok("apply", x.Apply(x.ctx, scope, func(relation.Snapshot) relation.Change {
		return relation.Change{At: x.clock.Now(), Events: events}
	}))
	got := x.reported(5)
	equal(x, "queue", x.queue("alice"), got)
	for i, e := range got {
		equal(x, "content", e.NewEvent, events[i])
		equal(x, "sequence", e.Seq, got[0].Seq+int64(i))
		equal(x, "head", e.Head, i == 0)
	}
}

func onlyHeads(x *fixture) {
	x.importAll("a", "b", "c", "d")
	ofA := commit(x, "a", "b", "c", "d")
	ofB := commit(x, "b", "c")
	equal(x, "heads as reported", []bool{ofA[0].Head, ofA[1].Head, ofA[2].Head, ofB[0].Head}, []bool{true, false, false, true})
	heads := x.heads(x.clock.Now(), 10)
	equal(x, "number of heads", len(heads), 2)
	equal(x, "first head", heads[0].Event, ofA[0])
	equal(x, "second head", heads[1].Event, ofB[0])
	equal(x, "more", []bool{heads[0].More, heads[1].More}, []bool{true, false})
	equal(x, "queue", x.queue("a"), ofA)
	equal(x, "new head", x.settle(x.verdict(relation.Delivered, ofA[0])), []relation.EventKey{ofA[1].Key()})
	rest := x.queue("a")
	equal(x, "heads in the queue", []bool{rest[0].Head, rest[1].Head}, []bool{true, false})
	x.settle(x.verdict(relation.Delivered, ofB[0]))
	equal(x, "an empty queue's next event", commit(x, "b", "d")[0].Head, true)
}

func dueOrder(x *fixture) {
	owners := []string{"b", "B", "_", "a", "Z", "~", " ", "aa", "0"}
	x.importAll(owners...)
	x.importAll("target")
	for i, owner := range owners {
		if i%3 == 0 {
			x.clock.advance(time.Millisecond)
		}
		x.block(owner, "target")
	}
	want := slices.Clone(owners)
	for group := range slices.Chunk(want, 3) {
		slices.Sort(group)
	}
	for limit := 1; limit <= len(owners)+1; limit++ {
		var got []string
		for _, h := range x.heads(x.clock.Now(), limit) {
			got = append(got, h.Owner)
		}
		equal(x, fmt.Sprintf("owners in pages of %d", limit), got, want)
	}
	second := x.heads(far, 10)[3].Due
	got, err := x.Due(x.ctx, relation.DueQuery{SDKAppID: appID, Now: second.Add(-time.Millisecond), Limit: 10})
	x.ok("due", err)
	equal(x, "due a millisecond before the second group", len(got), 3)
}

func dueBoundaries(x *fixture) {
	nextDue := func(now time.Time) time.Time {
		next, err := x.NextDue(x.ctx, appID, now)
		x.ok("next due", err)
		return milli(next)
	}
	x.importAll("a", "b", "c")
	equal(x, "nothing waits", nextDue(x.clock.Now()), time.Time{})
	head := commit(x, "a", "b")[0]
	now := milli(x.clock.Now())
	equal(x, "all is due", nextDue(now), time.Time{})
	retry := x.verdict(relation.Retry, head)
	retry.Due = now.Add(1500 * time.Millisecond)
	x.settle(retry)
	other := commit(x, "b", "c")[0]
	later := x.verdict(relation.Retry, other)
	later.Due = now.Add(time.Hour)
	x.settle(later)
	equal(x, "due before the retry", len(x.heads(retry.Due.Add(-time.Millisecond), 10)), 0)
	equal(x, "next due before the retry", nextDue(retry.Due.Add(-time.Millisecond)), retry.Due)
	heads := x.heads(retry.Due, 10)
	equal(x, "due at the retry", len(heads), 1)
	equal(x, "due time", heads[0].Due, retry.Due)
	equal(x, "next due at the retry", nextDue(retry.Due), later.Due)
	equal(x, "next due at the last", nextDue(later.Due), time.Time{})
	x.create(appID + 1)
	next, err := x.NextDue(x.ctx, appID+1, now)
	x.ok("next due", err)
	equal(x, "next due of another app", next.IsZero(), true)
}

func followingEvents(x *fixture) {
	targets := names("target", 7)
	x.importAll("alice", "bob")
	x.importAll(targets...)
	events := commit(x, "alice", targets...)
	commit(x, "bob", targets[0])
	for after := range events {
		for limit := 1; limit <= len(events)+1; limit++ {
			got, err := x.Following(x.ctx, events[after].Key(), limit)
			x.ok("following", err)
			want := events[after+1:]
			equal(x, fmt.Sprintf("%d events after number %d", limit, after), times(got), want[:min(limit, len(want))])
		}
	}
	x.settle(x.verdict(relation.Delivered, events[0]))
	got, err := x.Following(x.ctx, events[0].Key(), 1)
	x.ok("following", err)
	events[1].Head = true
	equal(x, "after an event that left", times(got), events[1:2])
	got, err = x.Following(x.ctx, relation.EventKey{SDKAppID: appID, Owner: "nobody", Seq: 1}, 10)
	x.ok("following", err)
	equal(x, "of an unknown owner", len(got), 0)
}

func eventIDs(x *fixture) {
	x.importAll("alice", "bob", "carol")
	seen := make(map[string]bool)
	last := ""
	for i := range 30 {
		x.clock.advance(time.Millisecond)
		owner, target := "alice", "bob"
		if i%3 == 0 {
			owner, target = "bob", "carol"
		}
		if outcome := x.block(owner, target)[0]; outcome != relation.Done {
			x.unblock(owner, target)
		}
		e := x.reported(i + 1)[i]
		id, err := uuid.Parse(e.ID)
		x.ok("event id", err)
		equal(x, "version", id.Version(), 7)
		if e.ID != id.String() || e.ID <= last || seen[e.ID] {
			x.Fatalf("event %d has id %q after %q", i, e.ID, last)
		}
		seen[e.ID], last = true, e.ID
		if i == 15 {
			x.restart()
		}
	}
	check := func(what string) {
		x.Helper()
		ids := make(map[string]string)
		for _, owner := range []string{"alice", "bob"} {
			for _, e := range x.queue(owner) {
				ids[fmt.Sprint(e.Key())] = e.ID
			}
		}
		for _, e := range x.reported(30) {
			equal(x, what, ids[fmt.Sprint(e.Key())], e.ID)
		}
	}
	check("id in the queue")
	head := x.heads(far, 1)[0]
	x.settle(x.verdict(relation.Retry, head.Event))
	check("id after a retry")
	x.restart()
	check("id after a restart")
	x.settle(x.verdict(relation.Dead, head.Event))
	equal(x, "id of the dead letter", x.letters(1)[0].ID, head.ID)
}

// oldestSlack is how much older than it is an engine may report the oldest waiting event, so that it need not look for it.
const oldestSlack = time.Second

// equalStats compares the engine's figures with those wanted, where Oldest may be up to oldestSlack earlier.
func equalStats(x *fixture, what string, want []relation.OutboxStats) {
	x.Helper()
	got := x.stats()
	for i := range min(len(got), len(want)) {
		if early := want[i].Oldest.Sub(got[i].Oldest); !got[i].Oldest.IsZero() && early >= 0 && early < oldestSlack {
			got[i].Oldest = want[i].Oldest
		}
	}
	equal(x, what, got, want)
}

func outboxStats(x *fixture) {
	first := x.app
	x.importAll("a", "b", "c", "d")
	equal(x, "nothing waits", x.stats(), nil)
	ofA := commit(x, "a", "b")
	x.clock.advance(time.Minute)
	ofA = append(ofA, commit(x, "a", "c", "d")...)
	ofB := commit(x, "b", "c")
	x.app = x.create(appID + 1)
	x.importAll("a", "b")
	other := commit(x, "a", "b")[0]
	x.app = first
	want := []relation.OutboxStats{
		{SDKAppID: appID, Waiting: 4, Oldest: ofA[0].Created},
		{SDKAppID: appID + 1, Waiting: 1, Oldest: other.Created},
	}
	equalStats(x, "events wait", want)
	retry := x.verdict(relation.Retry, ofA[0])
	retry.Due = x.clock.Now().Add(time.Hour)
	x.settle(retry)
	equalStats(x, "one waits longer", want)
	x.settle(x.verdict(relation.Delivered, ofA[0]), x.verdict(relation.Dead, ofB[0]), x.verdict(relation.Delivered, other))
	want = []relation.OutboxStats{{SDKAppID: appID, Waiting: 2, Dead: 1, Oldest: ofA[1].Created}}
	equalStats(x, "some left", want)
	x.restart()
	equalStats(x, "after a restart", want)
	x.settle(x.verdict(relation.Delivered, ofA[1]))
	x.settle(x.verdict(relation.Dead, ofA[2]))
	equal(x, "all left", x.stats(), []relation.OutboxStats{{SDKAppID: appID, Dead: 2}})
}

func restartKeepsOutbox(x *fixture) {
	owners := names("owner", 9)
	x.importAll(owners...)
	x.importAll("t1", "t2", "t3")
	for _, owner := range owners {
		commit(x, owner, "t1", "t2", "t3")
	}
	var settlements []relation.Settlement
	for i, h := range x.heads(far, most) {
		s := x.verdict(relation.Verdict(i%3), h.Event)
		s.Due = x.clock.Now().Add(time.Duration(i) * time.Minute)
		settlements = append(settlements, s)
	}
	x.settle(settlements...)
	observe := func() any {
		queues := make(map[string][]relation.Event)
		for _, owner := range owners {
			queues[owner] = x.queue(owner)
		}
		return []any{queues, x.heads(far, 4), x.letters(2), x.stats()}
	}
	before := observe()
	x.restart()
	equal(x, "outbox", observe(), before)
	equal(x, "letters", len(x.letters(most)), 3)
	equal(x, "events reported again", x.journal.count(), 3*len(owners))
}
