package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func blockTests() []test {
	return []test{
		{name: "order is by insertion", run: insertionOrder},
		{name: "pages at every start and limit", run: everyPage},
		{name: "sequence counts the calls that changed", run: sequenceCounts},
		{name: "pages by cursor while the list changes", run: scrollWhileChanging},
		{name: "account and list have one head", run: accountHead},
		{name: "outcomes of duplicates and oddities", run: oddTargets},
		{name: "limit of a list", run: listLimit},
		{name: "1000 targets in a call", run: thousandTargets},
		{name: "check, one way and both", run: checkBoth},
		{name: "snapshot follows the scope", run: snapshotFollowsScope},
		{name: "deleted targets leave pages at once", run: deletedLeavePages},
		{name: "restart keeps lists", run: restartKeepsLists},
		{name: "owners and targets that do not exist", run: noAccount},
	}
}

// names returns n different ids.
func names(prefix string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s%04d", prefix, i)
	}
	return ids
}

func insertionOrder(x *fixture) {
	x.importAll("owner", "z", "a", "m", "Z")
	start := x.clock.Now().Unix()
	x.block("owner", "z", "a")
	x.clock.advance(10 * time.Second)
	x.block("owner", "m", "a", "Z")
	x.clock.advance(10 * time.Second)
	x.unblock("owner", "z")
	x.block("owner", "z")
	equal(x, "entries", x.page("owner", 0, 10).Entries, []relation.BlockEntry{
		{UserID: "a", Since: start},
		{UserID: "m", Since: start + 10},
		{UserID: "Z", Since: start + 10},
		{UserID: "z", Since: start + 20},
	})
	x.unblock("owner", "m", "z", "a", "Z")
	equal(x, "page", x.page("owner", 0, 10), relation.BlockPage{Sequence: 5})
	x.block("owner", "Z", "z")
	equal(x, "list", x.list("owner"), []string{"Z", "z"})
}

func everyPage(x *fixture) {
	const n = 12
	ids := names("user", 2*n)
	x.importAll("owner")
	x.importAll(ids...)
	x.block("owner", ids...)
	var gone, left []string
	for i, id := range ids {
		if i%2 == 0 {
			gone = append(gone, id)
		} else {
			left = append(left, id)
		}
	}
	x.unblock("owner", gone...)
	for start := range n + 3 {
		for limit := 1; limit <= n+1; limit++ {
			want := relation.BlockPage{Sequence: 2}
			for i := start; i < min(start+limit, n); i++ {
				want.Entries = append(want.Entries, relation.BlockEntry{UserID: left[i], Since: x.clock.Now().Unix()})
			}
			if start+limit < n {
				want.Next = start + limit
			}
			equal(x, fmt.Sprintf("page at %d of %d", start, limit), x.page("owner", start, limit), want)
		}
	}
	equal(x, "page far behind", len(x.page("owner", 1<<40, 1).Entries), 0)
}

func sequenceCounts(x *fixture) {
	x.importAll("owner", "a", "b", "c")
	sequence := func(what string, want int64) {
		equal(x, what, x.page("owner", 0, 1).Sequence, want)
	}
	sequence("new list", 0)
	x.block("owner", "a", "b")
	sequence("two added", 1)
	x.block("owner", "a", "b", "owner", "nobody")
	sequence("nothing added", 1)
	x.unblock("owner", "c")
	sequence("nothing removed", 1)
	x.unblock("owner", "a", "c")
	sequence("one removed", 2)
	off := *x.app
	off.Callback.Off = relation.EventKinds()
	x.app = &off
	x.block("owner", "a")
	sequence("one added without an event", 3)
	x.restart()
	sequence("after a restart", 3)
	equal(x, "sequence of another", x.page("a", 0, 1).Sequence, 0)
	x.unblock("owner", "a", "b")
	sequence("emptied", 4)
	x.reported(2)
}

func oddTargets(x *fixture) {
	x.importAll("owner", "a", "b", "c")
	done, listed, notListed := relation.Done, relation.AlreadyListed, relation.NotListed
	equal(x, "block", x.block("owner", "b", "nobody", "owner", "b", "a", "nobody"),
		[]relation.Outcome{done, relation.UnknownAccount, relation.Self, listed, done, relation.UnknownAccount})
	equal(x, "block again", x.block("owner", "a", "c", "b"), []relation.Outcome{listed, done, listed})
	equal(x, "unblock", x.unblock("owner", "a", "a", "nobody", "owner", "c"),
		[]relation.Outcome{done, notListed, relation.UnknownAccount, notListed, done})
	equal(x, "unblock again", x.unblock("owner", "c", "b"), []relation.Outcome{notListed, done})
	events := x.reported(4)
	for i, want := range [][]string{{"b", "a"}, {"c"}, {"a", "c"}, {"b"}} {
		equal(x, fmt.Sprintf("targets of event %d", i), events[i].Targets, want)
	}
}

func listLimit(x *fixture) {
	limited := *x.app
	limited.BlocklistLimit = 3
	x.app = &limited
	x.importAll("owner", "a", "b", "c", "d", "e")
	done, full := relation.Done, relation.ListFull
	equal(x, "over the limit", x.block("owner", "a", "b", "a", "c", "d"),
		[]relation.Outcome{done, done, relation.AlreadyListed, done, full})
	equal(x, "full", x.block("owner", "e", "b"), []relation.Outcome{full, relation.AlreadyListed})
	equal(x, "events", len(x.reported(1)), 1)
	x.restart()
	equal(x, "full after a restart", x.block("owner", "e"), []relation.Outcome{full})
	x.unblock("owner", "b")
	equal(x, "one has room", x.block("owner", "d", "e"), []relation.Outcome{done, full})
	equal(x, "list", x.list("owner"), []string{"a", "c", "d"})
	equal(x, "count", x.count("owner"), 3)
	x.delete("a", "c")
	x.until("deleted targets make room", func() bool { return x.count("owner") == 1 })
	equal(x, "two have room", x.block("owner", "b", "e"), []relation.Outcome{done, done})
}

func thousandTargets(x *fixture) {
	ids := names("user-with-a-name-of-32-bytes", relation.MaxBlockTargets)
	x.importAll("owner")
	x.importAll(ids...)
	all := make([]relation.Outcome, len(ids))
	equal(x, "block", x.block("owner", ids...), all)
	equal(x, "list", x.list("owner"), ids)
	equal(x, "count", x.count("owner"), len(ids))
	equal(x, "one more", x.block("owner", "administrator"), []relation.Outcome{relation.ListFull})
	for _, s := range x.check("owner", ids...) {
		equal(x, "state", s, relation.BlockState{Exists: true, Blocked: true})
	}
	var some, rest []string
	for i, id := range ids {
		if i%3 == 0 {
			some = append(some, id)
		} else {
			rest = append(rest, id)
		}
	}
	slices.Reverse(some)
	equal(x, "unblock some", x.unblock("owner", some...), make([]relation.Outcome, len(some)))
	equal(x, "list of the rest", x.list("owner"), rest)
	equal(x, "list in pages of 100", x.walk("owner", 100), rest)
	x.unblock("owner", rest...)
	equal(x, "empty list", x.page("owner", 0, 10), relation.BlockPage{Sequence: 3})
	events := x.queue("owner")
	equal(x, "targets added", events[0].Targets, ids)
	equal(x, "targets removed", events[1].Targets, some)
	equal(x, "targets removed at last", events[2].Targets, rest)
}

func checkBoth(x *fixture) {
	x.importAll("a", "b", "c", "d")
	x.block("a", "b", "c")
	x.block("b", "a")
	x.block("d", "a")
	query := relation.BlockCheckQuery{SDKAppID: appID, Owner: "a", Targets: []string{"d", "b", "nobody", "c", "b", "a"}}
	for range 2 {
		got, err := x.svc.CheckBlocks(x.ctx, query)
		x.ok("check", err)
		both := query.Both
		equal(x, fmt.Sprintf("states, both %v", both), got, []relation.BlockState{
			{Exists: true, BlockedBy: both},
			{Exists: true, Blocked: true, BlockedBy: both},
			{},
			{Exists: true, Blocked: true},
			{Exists: true, Blocked: true, BlockedBy: both},
			{Exists: true},
		})
		query.Both = true
	}
	x.unblock("b", "a")
	equal(x, "after an unblock", x.check("a", "b"), []relation.BlockState{{Exists: true, Blocked: true}})
}

func snapshotFollowsScope(x *fixture) {
	x.importAll("owner", "a", "b")
	x.block("owner", "b")
	equal(x, "snapshot", x.read("owner", "b", "nobody", "a", "b", "owner"), relation.Snapshot{
		Owner: relation.Owner{Exists: true, Blocks: 1},
		Accounts: []relation.Account{
			{Exists: true, Blocked: true}, {}, {Exists: true}, {Exists: true, Blocked: true}, {Exists: true},
		},
	})
	equal(x, "snapshot without an owner", x.read("", "b", "nobody"), relation.Snapshot{
		Accounts: []relation.Account{{Exists: true}, {}},
	})
	equal(x, "snapshot of an unknown owner", x.read("nobody", "b"), relation.Snapshot{
		Accounts: []relation.Account{{Exists: true}},
	})
	equal(x, "owner alone", x.read("owner").Owner, relation.Owner{Exists: true, Blocks: 1})
}

// deletedLeavePages: walking the pages never shows a deleted target, before it is swept or after.
func deletedLeavePages(x *fixture) {
	ids := names("user", 60)
	x.importAll("owner")
	x.importAll(ids...)
	x.block("owner", ids...)
	left := slices.Clone(ids)
	for len(left) > 0 {
		gone := left[:min(len(left), 7)]
		left = left[len(gone):]
		x.delete(gone...)
		for _, limit := range []int{1, 5, 1000} {
			// Sweeping may move the places while pages are read, so an entry may be missed or repeated, but none is wrong.
			for _, id := range x.walk("owner", limit) {
				if !slices.Contains(left, id) {
					x.Fatalf("a page shows %q, which was deleted", id)
				}
			}
		}
		equal(x, "list", x.list("owner"), left)
	}
	x.until("the count forgets them", func() bool { return x.count("owner") == 0 })
}

func restartKeepsLists(x *fixture) {
	x.importAll("a", "b", "c")
	x.block("a", "c", "b")
	x.clock.advance(time.Minute)
	x.block("b", "a")
	x.unblock("a", "c")
	before := []relation.BlockPage{x.page("a", 0, 10), x.page("b", 0, 10), x.page("c", 0, 10)}
	x.restart()
	after := []relation.BlockPage{x.page("a", 0, 10), x.page("b", 0, 10), x.page("c", 0, 10)}
	equal(x, "pages", after, before)
	equal(x, "counts", []int{x.count("a"), x.count("b"), x.count("c")}, []int{1, 1, 0})
	x.block("a", "c")
	equal(x, "list", x.list("a"), []string{"b", "c"})
	equal(x, "sequence", x.page("a", 0, 10).Sequence, before[0].Sequence+1)
}

func noAccount(x *fixture) {
	x.importAll("alice")
	for _, owner := range []string{"nobody", "Alice", "alice ", strings.ToUpper("alice")} {
		wantNoAccount(x, owner)
	}
	x.app = x.create(appID + 1) // has no such account either
	wantNoAccount(x, "alice")
	equal(x, "imported", x.imported("alice"), []bool{false})
}
