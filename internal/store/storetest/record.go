package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func recordTests() []test {
	return []test{
		{name: "an event is known from its commit to its delivery", run: recordLife},
		{name: "a dead letter keeps its attempts", run: recordDead},
		{name: "an attempt is kept whole", run: recordWhole},
		{name: "of many failed attempts the first and last are kept", run: recordMany},
		{name: "an attempt reported twice is kept once", run: recordTwice},
		{name: "searches in pages", run: recordSearches},
		{name: "a search that few events meet", run: recordSparse},
		{name: "events and apps that are not there", run: recordUnknown},
		{name: "a deleted account leaves its record", run: recordOfDeleted},
		{name: "a deleted app leaves none", run: recordOfDeletedApp},
		{name: "the record ends after the retention", run: recordRetention},
		{name: "the oldest go first beyond the size", run: recordCap, with: func(o *Options) { o.RecordSize = recordCapSize }},
		{name: "no retention, no record", run: recordOff, with: func(o *Options) { o.Retention = 0 }},
		{name: "ids rise when the clock is set back", run: recordClockBack},
	}
}

// attempt returns an attempt that began now.
func (x *fixture) attempt(number int, reason string) relation.Attempt {
	a := relation.Attempt{
		Number: number, At: x.clock.Now().Add(123 * time.Microsecond), Took: 45678 * time.Microsecond, Status: 200, Node: "n1",
		Answer: `{"ErrorCode":0}`, Reason: reason,
	}
	if reason != "" {
		a.Status, a.Detail, a.Answer = 502, "a word more", "<html>"
	}
	return kept(a)
}

// attempted returns a settlement with its attempt, made now.
func (x *fixture) attempted(v relation.Verdict, e relation.Event) relation.Settlement {
	s := x.verdict(v, e)
	reason := "status"
	if v == relation.Delivered {
		reason = ""
	}
	s.Attempt = x.attempt(s.Attempts, reason)
	s.Due, s.BudgetFrom = x.clock.Now().Add(time.Minute), x.clock.Now()
	return s
}

// kept returns an attempt with its time as records have it.
func kept(a relation.Attempt) relation.Attempt {
	a.At = time.UnixMicro(a.At.UnixMicro()).UTC()
	return a
}

func plain(e relation.Record) relation.Record {
	e.Created, e.BudgetFrom, e.Due, e.Settled = milli(e.Created), milli(e.BudgetFrom), milli(e.Due), milli(e.Settled)
	for i := range e.Log {
		e.Log[i] = kept(e.Log[i])
	}
	if len(e.Log) == 0 {
		e.Log = nil
	}
	return e
}

// record returns what is known of an event of the fixture's app.
func (x *fixture) record(id string) relation.Record {
	x.Helper()
	e, err := x.Record(x.ctx, x.app.SDKAppID, id)
	x.ok("record", err)
	return plain(e)
}

func recordLife(x *fixture) {
	x.importAll("a", "b", "c")
	origin := relation.Origin{ClientIP: "203.0.113.9", Platform: "iOS", Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
	cmd := x.command("a", []string{"b"})
	cmd.Origin = origin
	_, err := x.svc.Block(x.ctx, cmd)
	x.ok("block", err)
	e := x.reported(1)[0]
	equal(x, "origin", e.Origin, origin)
	second := commit(x, "a", "c")[0]
	want := relation.Record{Event: e, State: relation.StateWaiting, Due: x.record(e.ID).Due}
	equal(x, "waiting", x.record(e.ID), want)
	equal(x, "waiting behind", x.record(second.ID), relation.Record{Event: second, State: relation.StateWaiting})
	for n := 1; n <= 3; n++ {
		x.clock.advance(time.Minute)
		s := x.attempted(relation.Retry, want.Event)
		x.settle(s)
		want.State, want.Due, want.Reason, want.Attempts = relation.StateRetrying, milli(s.Due), s.Reason, n
		want.BudgetFrom = milli(s.BudgetFrom)
		want.Log = append(want.Log, s.Attempt)
		equal(x, "retrying", x.record(e.ID), want)
		equal(x, "due", x.heads(far, 9)[0].Event, want.Event)
		x.restart()
	}
	x.clock.advance(time.Minute)
	s := x.attempted(relation.Delivered, want.Event)
	x.settle(s)
	want.State, want.Due, want.Settled, want.Reason, want.Attempts = relation.StateDelivered, time.Time{}, milli(s.At), "", 4
	want.BudgetFrom, want.Head = time.Time{}, false
	want.Log = append(want.Log, s.Attempt)
	for range 2 {
		equal(x, "delivered", x.record(e.ID), want)
		equal(x, "state of the next", x.record(second.ID).State, relation.StateWaiting)
		x.restart()
	}
}

func recordDead(x *fixture) {
	x.importAll("a", "b")
	e := commit(x, "a", "b")[0]
	first := x.attempted(relation.Retry, e)
	first.Attempt.Fault, first.Attempts = true, 0
	x.settle(first)
	equal(x, "state after a fault of our own", x.record(e.ID).State, relation.StateRetrying)
	x.clock.advance(time.Hour)
	last := x.attempted(relation.Dead, e)
	x.settle(last)
	want := relation.Record{Event: e, State: relation.StateDead, Settled: milli(last.At), Reason: last.Reason, Log: []relation.Attempt{first.Attempt, last.Attempt}}
	want.Attempts, want.Head = 1, false
	for range 2 {
		equal(x, "dead letter", x.record(e.ID), want)
		x.clock.advance(2 * retention)
		x.restart()
	}
}

// recordWhole has texts that come from an endpoint: none may fail a commit.
func recordWhole(x *fixture) {
	x.importAll("a", "b", "c", "d", "e")
	for i, e := range commit(x, "a", "b", "c", "d", "e") {
		verdict := []relation.Verdict{relation.Delivered, relation.Dead}[i%2]
		s := x.attempted(verdict, e)
		s.Attempt = relation.Attempt{
			Number: 1 << 30, At: x.clock.Now(), Took: 24 * time.Hour, Status: 599, Reason: "connect", Detail: "d\x00e\xfft",
			Answer: strings.Repeat("\x00\xff'{\n", 60)[:relation.MaxAnswerKept-i], Node: "node\xff", Replay: "r\x00", Fault: true,
		}
		x.settle(s)
		want := modelAttempt(s.Attempt)
		equal(x, "attempt", x.record(e.ID).Log, []relation.Attempt{kept(want)})
	}
	x.block("b", "a")
	e := x.heads(far, 10)[0].Event
	s := x.attempted(relation.Delivered, e)
	s.Attempt.Answer = strings.Repeat("x", 4000)
	x.settle(s)
	equal(x, "answer", len(x.record(e.ID).Log[0].Answer), relation.MaxAnswerKept)
}

// recordMany fails one event again and again, and another by faults of our own, which all have the same number.
func recordMany(x *fixture) {
	const half = relation.MaxAttemptsKept / 2
	x.importAll("a", "b", "c")
	counting, faulty := commit(x, "a", "c")[0], commit(x, "b", "c")[0]
	want := map[string][]relation.Attempt{}
	for n := 1; n <= 3*half; n++ {
		x.clock.advance(time.Minute)
		a, b := x.attempted(relation.Retry, counting), x.attempted(relation.Retry, faulty)
		b.Attempts, b.Attempt.Number, b.Attempt.Fault = 0, 1, true
		x.settle(a, b)
		counting.Attempts = a.Attempts
		want[counting.ID], want[faulty.ID] = append(want[counting.ID], a.Attempt), append(want[faulty.ID], b.Attempt)
	}
	few := func(log []relation.Attempt) []relation.Attempt {
		return slices.Concat(log[:half], log[len(log)-half:])
	}
	equal(x, "counting", x.record(counting.ID).Log, few(want[counting.ID]))
	equal(x, "attempts", x.record(counting.ID).Attempts, 3*half)
	equal(x, "faulty", x.record(faulty.ID).Log, few(want[faulty.ID]))
	x.clock.advance(time.Minute)
	last := x.attempted(relation.Delivered, counting)
	x.settle(last)
	equal(x, "delivered", x.record(counting.ID).Log, append(few(want[counting.ID]), last.Attempt))
}

func recordTwice(x *fixture) {
	x.importAll("a", "b", "c")
	events := commit(x, "a", "b", "c")
	retry := x.attempted(relation.Retry, events[0])
	for range 3 {
		x.settle(retry)
	}
	equal(x, "attempts", x.record(events[0].ID).Log, []relation.Attempt{retry.Attempt})
	x.clock.advance(time.Second)
	delivered := x.attempted(relation.Delivered, events[0])
	x.settle(delivered)
	want := x.record(events[0].ID)
	before := x.recordStats()
	x.clock.advance(time.Second)
	late := x.attempted(relation.Retry, events[0])
	parked := x.attempted(relation.Dead, events[0])
	x.settle(delivered, retry, late, parked)
	equal(x, "after it was delivered", x.record(events[0].ID), want)
	equal(x, "stats", x.recordStats(), before)
	equal(x, "the next", x.record(events[1].ID).Log, nil)
}

// recordStats returns how many events are kept of each app, and wants each to have a size.
func (x *fixture) recordStats() map[uint32]int64 {
	x.Helper()
	stats, err := x.RecordStats(x.ctx)
	x.ok("record stats", err)
	events := make(map[uint32]int64)
	for _, s := range stats {
		if s.Events <= 0 || s.Bytes < 100*s.Events {
			x.Fatalf("app %d: %d events in %d bytes", s.SDKAppID, s.Events, s.Bytes)
		}
		events[s.SDKAppID] = s.Events
	}
	return events
}

func recordOfDeleted(x *fixture) {
	x.importAll("a", "b", "c")
	events := commit(x, "a", "b", "c")
	x.settle(x.attempted(relation.Delivered, events[0]))
	want := x.records(relation.RecordQuery{}, 10)
	x.delete("a")
	equal(x, "records", x.records(relation.RecordQuery{}, 10), want)
	x.importAll("a")
	x.restart()
	equal(x, "records of the account", x.records(relation.RecordQuery{Account: "a"}, 10), want)
}

func recordOfDeletedApp(x *fixture) {
	all := mixture(x)
	other := x.recordStats()[appID+1]
	x.ok("delete", x.DeleteApp(x.ctx, appID))
	x.until("the id of the deleted app is free", func() bool {
		err := x.CreateApp(x.ctx, newApp(appID, x.clock.Now()))
		return err == nil
	})
	for range 2 {
		equal(x, "records", x.records(relation.RecordQuery{}, 10), nil)
		for _, e := range all {
			if _, err := x.Record(x.ctx, appID, e.ID); !errors.Is(err, relation.ErrNoEvent) {
				x.Fatalf("event %s: got error %v", e.ID, err)
			}
		}
		equal(x, "stats", x.recordStats(), map[uint32]int64{appID + 1: other})
		x.restart()
	}
}

func recordClockBack(x *fixture) {
	x.importAll("a", "b", "c", "d", "e")
	events := commit(x, "a", "b", "c")
	x.settle(x.attempted(relation.Delivered, events[0]))
	for range 3 {
		x.clock.advance(-time.Hour)
		x.restart()
		n := x.journal.count()
		x.unblock("a", "b")
		x.block("a", "b")
		events = append(events, x.reported(n + 2)[n:]...)
	}
	if !slices.IsSortedFunc(events, func(a, b relation.Event) int { return strings.Compare(a.ID, b.ID) }) {
		x.Fatalf("ids are not in the order of the commits: %s", text(events))
	}
	var got []int64
	for _, e := range slices.Backward(x.records(relation.RecordQuery{Account: "a"}, 2)) {
		got = append(got, e.Seq)
	}
	var want []int64
	for _, e := range events {
		want = append(want, e.Seq)
	}
	equal(x, "numbers in the order of ids", got, want)
	// The times of creation go back, and searches by time find all the same.
	from, to := events[len(events)-1].Created, events[len(events)-1].Created.Add(time.Millisecond)
	equal(x, "the newest by its time", len(x.records(relation.RecordQuery{From: from, To: to}, 10)), 2)
	equal(x, "the oldest by its time", len(x.records(relation.RecordQuery{From: events[0].Created, To: events[1].Created}, 10)), 1)
}

// lookAtRecords prints what is known of an app's events, of some with all their attempts.
func (s *side) lookAtRecords(limit int) string {
	s.Helper()
	var b strings.Builder
	for i, e := range s.records(relation.RecordQuery{}, limit) {
		if i%2 == 0 {
			e = s.record(e.ID)
		}
		due := e.Due
		if !due.After(s.clock.Now()) {
			due = time.Time{} // when one became due that is, is the engine's own affair
		}
		fmt.Fprintf(&b, "%s %s due %v settled %v: %s, replayed %d, %s\n", s.describe(e.Event), e.State, due, e.Settled, e.Reason, e.Replayed, text(e.Log))
	}
	return b.String()
}
