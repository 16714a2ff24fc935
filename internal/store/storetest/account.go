package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func accountTests() []test {
	return []test{
		{name: "import is idempotent", run: importTwice},
		{name: "ids are compared byte by byte", run: bytewiseIDs},
		{name: "ids that no account has", run: strangeIDs},
		{name: "apps are apart", run: appsApart},
		{name: "delete reports each item", run: deleteReports},
		{name: "a deleted account is gone", run: deletedIsGone},
		{name: "a re-imported account starts clean", run: reimportIsClean},
		{name: "a chain of re-imports", run: reimportChain},
		{name: "events outlive their account", run: eventsOutliveAccount},
		{name: "kick", run: kick},
		{name: "sweeping goes on after a restart", run: sweepAfterRestart},
	}
}

func importTwice(x *fixture) {
	x.importAll("alice", "bob")
	x.block("alice", "bob")
	// Known, new, and twice in one batch.
	x.importAll("alice", "carol", "carol", "dave")
	equal(x, "imported", x.imported("dave", "alice", "nobody", "carol", "bob"), []bool{true, true, false, true, true})
	equal(x, "list after the second import", x.list("alice"), []string{"bob"})
	equal(x, "sequence after the second import", x.page("alice", 0, 1).Sequence, 1)

	outcomes, err := x.svc.Import(x.ctx, relation.AccountImport{SDKAppID: appID, Profiles: []relation.Profile{
		{UserID: "erin"}, {UserID: ""}, {UserID: strings.Repeat("x", relation.MaxUserID+1)}, {UserID: "frank"},
	}})
	x.ok("import", err)
	equal(x, "outcomes", outcomes, []relation.Outcome{relation.Done, relation.Invalid, relation.Invalid, relation.Done})
	equal(x, "imported beside invalid ones", x.imported("erin", "frank"), []bool{true, true})
	x.restart()
	equal(x, "imported after a restart", x.imported("dave", "alice", "nobody"), []bool{true, true, false})
}

// alike are valid ids that a careless engine takes for one another.
func alike() []string {
	return []string{
		"a", "A", "a ", " a", "7", "07", "7.0", "7e0", "0x7", "null", "NULL", "%", "_", "a_", "'", "''", `"`, `\`, `\\`,
		"{}", "[]", "{a,b}", "a,b", "a\x7d", "$1", "?1", "--", strings.Repeat("z", relation.MaxUserID),
		strings.Repeat("z", relation.MaxUserID-1),
	}
}

func bytewiseIDs(x *fixture) {
	ids := alike()
	for i, id := range ids {
		equal(x, fmt.Sprintf("%q before its import", id), x.imported(id), []bool{false})
		x.importAll(id)
		equal(x, "imported", x.imported(ids[:i+1]...), slices.Repeat([]bool{true}, i+1))
	}
	x.importAll("owner")
	x.block("owner", ids...)
	equal(x, "list", x.list("owner"), ids)
	equal(x, "targets of the event", x.reported(1)[0].Targets, ids)
	equal(x, "targets in the outbox", x.queue("owner")[0].Targets, ids)
	x.unblock("owner", "a", "7", "NULL")
	rest := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "a" || id == "7" || id == "NULL" })
	equal(x, "list without three", x.list("owner"), rest)
	for _, id := range ids {
		x.block(id, "owner")
		equal(x, fmt.Sprintf("list of %q", id), x.list(id), []string{"owner"})
	}
	for _, id := range ids {
		equal(x, fmt.Sprintf("queue of %q", id), len(x.queue(id)), 1)
	}
}

// strangeIDs asks for ids that cannot be imported but reach the store inside a request.
func strangeIDs(x *fixture) {
	x.importAll("alice")
	strange := []string{"", "\x00", "alice\x00", "\xff\xfe", "\xc3\x28", "é", "\U0001f600", "\n", strings.Repeat("x", 4096)}
	unknown := make([]bool, len(strange))
	equal(x, "imported", x.imported(strange...), unknown)
	equal(x, "states", x.check("alice", strange...), make([]relation.BlockState, len(strange)))
	for _, call := range []func(string, ...string) []relation.Outcome{x.block, x.unblock} {
		outcomes := call("alice", strange...)
		equal(x, "outcomes", outcomes, slices.Repeat([]relation.Outcome{relation.UnknownAccount}, len(strange)))
	}
	equal(x, "outcomes of delete", x.delete(strange...),
		slices.Repeat([]relation.Outcome{relation.UnknownAccount}, len(strange)))
	for _, id := range strange {
		wantNoAccount(x, id)
		at, err := x.KickedAt(x.ctx, appID, id)
		x.ok("kicked at", err)
		equal(x, "kicked at", at, 0)
		events, err := x.Following(x.ctx, relation.EventKey{SDKAppID: appID, Owner: id}, 10)
		x.ok("following", err)
		equal(x, "events", len(events), 0)
	}
	equal(x, "events", x.journal.count(), 0)
}

// wantNoAccount fails the test unless every call for the owner says that it is not imported.
func wantNoAccount(x *fixture, owner string) {
	x.Helper()
	_, blockErr := x.svc.Block(x.ctx, x.command(owner, []string{"alice"}))
	_, unblockErr := x.svc.Unblock(x.ctx, x.command(owner, []string{"alice"}))
	_, pageErr := x.svc.Blocklist(x.ctx, relation.BlockQuery{SDKAppID: x.app.SDKAppID, Owner: owner, Limit: 10})
	check := relation.BlockCheckQuery{SDKAppID: x.app.SDKAppID, Owner: owner, Targets: []string{"alice"}}
	_, checkErr := x.svc.CheckBlocks(x.ctx, check)
	check.Both = true
	_, bothErr := x.svc.CheckBlocks(x.ctx, check)
	for i, err := range []error{blockErr, unblockErr, pageErr, checkErr, bothErr, x.svc.Kick(x.ctx, x.app.SDKAppID, owner)} {
		if !errors.Is(err, relation.ErrNoAccount) {
			x.Fatalf("call %d for %q: got error %v, want ErrNoAccount", i, owner, err)
		}
	}
}

func appsApart(x *fixture) {
	first := x.app
	second := x.create(math.MaxUint32)
	x.importAll("alice", "bob")
	x.block("alice", "bob")
	x.app = second
	equal(x, "imported into the other app", x.imported("alice", "bob"), []bool{false, false})
	wantNoAccount(x, "alice")
	x.importAll("alice", "bob")
	equal(x, "list in the other app", x.list("alice"), nil)
	equal(x, "due in the other app", len(x.heads(far, 10)), 0)
	x.block("bob", "alice")
	equal(x, "app of the event", x.reported(2)[1].SDKAppID, uint32(math.MaxUint32))
	equal(x, "due", x.heads(far, 10)[0].SDKAppID, uint32(math.MaxUint32))
	x.delete("alice")
	x.ok("kick", x.svc.Kick(x.ctx, second.SDKAppID, "bob"))
	x.app = first
	equal(x, "imported", x.imported("alice", "bob"), []bool{true, true})
	equal(x, "list", x.list("alice"), []string{"bob"})
	at, err := x.KickedAt(x.ctx, appID, "bob")
	x.ok("kicked at", err)
	equal(x, "kicked at", at, 0)
}

func deleteReports(x *fixture) {
	x.importAll("alice", "bob", "carol")
	unknown := relation.UnknownAccount
	equal(x, "outcomes", x.delete("bob", "nobody", "bob", "alice"), []relation.Outcome{relation.Done, unknown, unknown, relation.Done})
	equal(x, "outcomes of the second call", x.delete("bob", "carol"), []relation.Outcome{unknown, relation.Done})
	equal(x, "imported", x.imported("alice", "bob", "carol"), make([]bool, 3))
	equal(x, "events", x.journal.count(), 0)
}

func deletedIsGone(x *fixture) {
	x.importAll("alice", "bob", "carol", "dave")
	x.block("alice", "bob", "carol", "dave")
	x.block("carol", "alice", "bob")
	x.delete("carol")
	// At once:
	wantNoAccount(x, "carol")
	equal(x, "list", x.list("alice"), []string{"bob", "dave"})
	equal(x, "states", x.check("alice", "carol", "bob"), []relation.BlockState{{}, {Exists: true, Blocked: true}})
	snap := x.read("alice", "carol", "dave")
	equal(x, "snapshot", snap.Accounts, []relation.Account{{}, {Exists: true, Blocked: true}})
	unknown := []relation.Outcome{relation.UnknownAccount}
	equal(x, "block", x.block("alice", "carol"), unknown)
	equal(x, "unblock", x.unblock("alice", "carol"), unknown)
	// In the end:
	x.until("the count forgets the deleted target", func() bool { return x.count("alice") == 2 })
	equal(x, "list", x.list("alice"), []string{"bob", "dave"})
	equal(x, "page", x.page("alice", 1, 1), relation.BlockPage{
		Entries: []relation.BlockEntry{{UserID: "dave", Since: x.clock.Now().Unix()}}, Sequence: x.page("alice", 0, 1).Sequence,
	})
	x.reported(2)
}

func reimportIsClean(x *fixture) {
	x.importAll("alice", "bob", "carol")
	x.block("alice", "bob", "carol")
	x.block("bob", "alice", "carol")
	x.delete("bob")
	x.importAll("bob")
	for range 2 {
		equal(x, "own list", x.page("bob", 0, 10), relation.BlockPage{})
		equal(x, "own count", x.count("bob"), 0)
		equal(x, "list of another", x.list("alice"), []string{"carol"})
		equal(x, "states", x.check("alice", "bob"), []relation.BlockState{{Exists: true}})
		equal(x, "states", x.check("bob", "alice"), []relation.BlockState{{Exists: true}})
		x.restart()
	}
	equal(x, "blocking again", x.block("alice", "bob"), []relation.Outcome{relation.Done})
	equal(x, "list of another", x.list("alice"), []string{"carol", "bob"})
	x.block("bob", "carol")
	equal(x, "own list", x.list("bob"), []string{"carol"})
	equal(x, "own sequence", x.page("bob", 0, 1).Sequence, 1)
	x.until("the count forgets the deleted target", func() bool { return x.count("alice") == 2 })
	equal(x, "states", x.check("alice", "bob"), []relation.BlockState{{Exists: true, Blocked: true}})
	equal(x, "own count", x.count("bob"), 1)
}

// reimportChain deletes and imports an account faster than its rows are swept.
func reimportChain(x *fixture) {
	const rounds = 20
	x.importAll("alice", "bob", "carol")
	for range rounds {
		equal(x, "block", x.block("alice", "bob", "carol"), []relation.Outcome{relation.Done, relation.Done})
		equal(x, "block", x.block("bob", "alice"), []relation.Outcome{relation.Done})
		x.delete("bob")
		equal(x, "list", x.list("alice"), []string{"carol"})
		x.importAll("bob")
		equal(x, "list", x.list("alice"), []string{"carol"})
		equal(x, "unblock", x.unblock("alice", "bob", "carol"), []relation.Outcome{relation.NotListed, relation.Done})
	}
	x.until("the count forgets the deleted targets", func() bool { return x.count("alice") == 0 })
	equal(x, "list", x.list("alice"), nil)
	equal(x, "queue of alice", len(x.queue("alice")), 2*rounds)
	equal(x, "queue of bob", len(x.queue("bob")), rounds)
}

// eventsOutliveAccount: events of the account's earlier life are delivered before those of its later one.
func eventsOutliveAccount(x *fixture) {
	x.importAll("alice", "bob", "carol")
	for _, target := range []string{"bob", "carol"} {
		x.block("alice", target)
		x.clock.advance(time.Millisecond)
	}
	x.delete("alice", "bob")
	equal(x, "events of the deleted account", len(x.queue("alice")), 2)
	x.importAll("alice", "bob")
	x.block("alice", "carol")
	x.clock.advance(time.Millisecond)
	x.unblock("alice", "carol")
	x.restart()
	want := []struct {
		kind   relation.EventKind
		target string
	}{
		{relation.EventBlockAdd, "bob"},
		{relation.EventBlockAdd, "carol"},
		{relation.EventBlockAdd, "carol"},
		{relation.EventBlockDelete, "carol"},
	}
	last := int64(-1)
	for i, w := range want {
		heads := x.heads(x.clock.Now(), 10)
		if len(heads) != 1 {
			x.Fatalf("event %d: %d heads are due, want 1", i, len(heads))
		}
		h := heads[0]
		equal(x, "kind", h.Kind, w.kind)
		equal(x, "targets", h.Targets, []string{w.target})
		equal(x, "more", h.More, i < len(want)-1)
		if h.Seq <= last {
			x.Fatalf("event %d has sequence %d after %d", i, h.Seq, last)
		}
		last = h.Seq
		x.settle(x.verdict(relation.Delivered, h.Event))
	}
	// A number is not used again after the queue was empty and the account was deleted once more.
	x.delete("alice")
	x.importAll("alice")
	x.block("alice", "carol")
	if seq := x.queue("alice")[0].Seq; seq <= last {
		x.Fatalf("the first event of the third life has sequence %d after %d", seq, last)
	}
}

func kick(x *fixture) {
	kickedAt := func() int64 {
		at, err := x.KickedAt(x.ctx, appID, "alice")
		x.ok("kicked at", err)
		return at
	}
	x.importAll("alice", "bob")
	equal(x, "never kicked", kickedAt(), 0)
	x.ok("kick", x.svc.Kick(x.ctx, appID, "alice"))
	first := x.clock.Now().Unix()
	equal(x, "kicked", kickedAt(), first)
	x.importAll("alice")
	equal(x, "kicked, imported again", kickedAt(), first)
	x.clock.advance(time.Hour)
	x.ok("kick", x.svc.Kick(x.ctx, appID, "alice"))
	x.restart()
	equal(x, "kicked again", kickedAt(), first+3600)
	x.delete("alice")
	equal(x, "kicked, deleted", kickedAt(), 0)
	at, err := x.KickedAt(x.ctx, appID, "bob")
	x.ok("kicked at", err)
	equal(x, "another", at, 0)
}

// sweepAfterRestart deletes a target of many lists and closes at once.
func sweepAfterRestart(x *fixture) {
	const owners = 60
	x.importAll("target", "other")
	ids := names("owner", owners)
	x.importAll(ids...)
	together(x, owners, func(ctx context.Context, i int) error {
		_, err := x.svc.Block(ctx, x.command(ids[i], []string{"target", "other"}))
		return err
	})
	x.delete("target")
	x.restart()
	for _, id := range ids {
		equal(x, "list", x.list(id), []string{"other"})
	}
	for _, id := range ids {
		x.until("the count forgets the deleted target", func() bool { return x.count(id) == 1 })
	}
}
