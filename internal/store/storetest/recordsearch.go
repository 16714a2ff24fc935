package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kithchat/kith/internal/relation"
)

// records returns what a search of the fixture's app finds, read in pages.
func (x *fixture) records(q relation.RecordQuery, limit int) (found []relation.Record) {
	x.Helper()
	q.SDKAppID, q.Limit = x.app.SDKAppID, limit
	for {
		page, err := x.Records(x.ctx, q)
		x.ok("records", err)
		if len(page.Records) > limit {
			x.Fatalf("a page of %d, asked for at most %d", len(page.Records), limit)
		}
		for _, e := range page.Records {
			if q.Before != "" && e.ID >= q.Before || e.Log != nil {
				x.Fatalf("a page before %s has %s", q.Before, text(e))
			}
			q.Before = e.ID
			found = append(found, plain(e))
		}
		if page.Next == "" {
			return found
		}
		if q.Before != "" && page.Next > q.Before {
			x.Fatalf("the page that ends with %s goes on before %s", q.Before, page.Next)
		}
		q.Before = page.Next
	}
}

// mixture commits events of two apps and brings them into all states. It returns those of the fixture's app, newest first.
func mixture(x *fixture) (all []relation.Record) {
	x.Helper()
	first := x.app
	second := x.create(appID + 1)
	owners := []string{"a", "b", "A", "long " + strings.Repeat("x", 20)}
	for _, app := range []*relation.App{first, second} {
		x.app = app
		x.importAll(owners...)
		x.importAll("t0", "t1", "t2", "t3", "t4")
	}
	var ids []string
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 60 {
		x.app = []*relation.App{first, first, second}[i%3]
		x.clock.advance(time.Duration(i%4) * 700 * time.Millisecond)
		owner, target := owners[i%len(owners)], fmt.Sprint("t", i%5)
		n := x.journal.count()
		if x.block(owner, target)[0] != relation.Done {
			x.unblock(owner, target)
		}
		if e := x.reported(n + 1)[n]; e.SDKAppID == first.SDKAppID {
			ids = append(ids, e.ID)
		}
		if heads := x.heads(far, 100); i%2 == 0 && len(heads) > 2 {
			x.settle(x.attempted(relation.Verdict(rng.IntN(3)), heads[rng.IntN(len(heads))].Event))
		}
	}
	x.app = first
	x.settle(x.attempted(relation.Retry, x.heads(far, 100)[0].Event))
	for _, id := range slices.Backward(ids) {
		e := x.record(id)
		e.Log = nil
		all = append(all, e)
	}
	return all
}

func recordSearches(x *fixture) {
	all := mixture(x)
	states := make(map[relation.State]int)
	for _, e := range all {
		states[e.State]++
	}
	for _, state := range relation.States() {
		if states[state] == 0 {
			x.Fatalf("no event is %s", state)
		}
	}
	middle := all[len(all)/2].Created
	queries := []relation.RecordQuery{{}}
	add := func(with func(q *relation.RecordQuery)) {
		for _, q := range queries {
			with(&q)
			queries = append(queries, q)
		}
	}
	add(func(q *relation.RecordQuery) { q.Account = "a" })
	add(func(q *relation.RecordQuery) { q.Kind = relation.EventBlockDelete })
	add(func(q *relation.RecordQuery) { q.From = middle })
	add(func(q *relation.RecordQuery) { q.To = middle.Add(time.Second) })
	for _, q := range slices.Clone(queries) {
		for _, q.State = range relation.States() {
			queries = append(queries, q)
		}
	}
	for _, q := range queries {
		want := slices.DeleteFunc(slices.Clone(all), func(e relation.Record) bool {
			return q.Account != "" && e.Owner != q.Account || q.Kind != "" && e.Kind != q.Kind || q.State != "" && e.State != q.State ||
				e.Created.Before(q.From) || !q.To.IsZero() && !e.Created.Before(q.To)
		})
		for _, limit := range []int{1, 4, 100} {
			equal(x, fmt.Sprintf("%+v in pages of %d", q, limit), x.records(q, limit), want)
		}
	}
}

// recordSparse looks for the oldest and for one in the middle of more events than a page looks at.
func recordSparse(x *fixture) {
	const n = 4500
	x.importAll("a", "b")
	rare := map[int]bool{0: true, n / 2: true}
	var events []relation.NewEvent
	for i := range n {
		kind := relation.EventBlockAdd
		if rare[i] {
			kind = relation.EventBlockDelete
		}
		events = append(events, relation.NewEvent{Kind: kind, Targets: []string{"b"}})
	}
	scope := relation.Scope{SDKAppID: appID, Owner: "a"}
	x.ok("apply", x.Apply(x.ctx, scope, func(relation.Snapshot) relation.Change {
		return relation.Change{At: x.clock.Now(), Events: events}
	}))
	told := x.reported(n)
	want := []string{told[n/2].ID, told[0].ID}
	look := func(what string) {
		x.Helper()
		for _, account := range []string{"", "a"} {
			var got []string
			for _, e := range x.records(relation.RecordQuery{Kind: relation.EventBlockDelete, Account: account}, 3) {
				got = append(got, e.ID)
			}
			equal(x, what, got, want)
		}
	}
	look("waiting")
	var settlements []relation.Settlement
	for _, e := range told {
		settlements = append(settlements, x.verdict(relation.Delivered, e))
	}
	x.settle(settlements...)
	look("delivered")
	equal(x, "stats", x.recordStats(), map[uint32]int64{appID: n})
}

func recordUnknown(x *fixture) {
	x.importAll("a", "b")
	e := commit(x, "a", "b")[0]
	other := x.create(appID + 1)
	for what, id := range map[string]string{"of another app": e.ID, "that never was": uuid.Max.String(), "that is no id": "'", "empty": ""} {
		if _, err := x.Record(x.ctx, other.SDKAppID, id); !errors.Is(err, relation.ErrNoEvent) {
			x.Fatalf("an event %s: got error %v, want ErrNoEvent", what, err)
		}
	}
	x.app = other
	equal(x, "records of another app", x.records(relation.RecordQuery{}, 10), nil)
	_, err := x.Records(x.ctx, relation.RecordQuery{SDKAppID: appID, Before: "yesterday", Limit: 1})
	if !errors.Is(err, relation.ErrParameter) {
		x.Fatalf("a bad cursor: got error %v", err)
	}
	for _, account := range []string{"nobody", "\x00", "\xff"} {
		page, err := x.Records(x.ctx, relation.RecordQuery{SDKAppID: appID, Account: account, Limit: 1})
		x.ok("records", err)
		equal(x, "records of nobody", page, relation.RecordPage{})
	}
}
