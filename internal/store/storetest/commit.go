package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/kithchat/kith/internal/relation"
)

func commitTests() []test {
	return []test{
		{name: "each change of a list is told", run: listsTold},
		{name: "changes of a list come in order", run: listsInOrder},
		{name: "kicks and deletions are told", run: kicksTold},
		{name: "a swept list is told anew", run: sweepTold},
		{name: "a lost answer is told", run: lostTold},
		{name: "nothing to tell, nothing told", run: silentCommits},
	}
}

// toldOf returns the changes told of an owner's list since the n-th commit. The sweeper's commits may be among them.
func toldOf(x *fixture, n int, owner string) (changes []relation.ListChange) {
	x.Helper()
	for _, c := range x.journal.told()[n:] {
		for _, change := range c.Lists {
			if change.UserID == owner {
				changes = append(changes, change)
			}
		}
	}
	return changes
}

func listsTold(x *fixture) {
	x.importAll("owner", "a", "b", "c", "d")
	key := relation.AccountKey{SDKAppID: appID, UserID: "owner"}
	list, now := x.account("owner").List, x.clock.Now().Unix()
	x.block("owner", "b", "nobody", "a", "owner", "b")
	x.block("owner", "a") // changes nothing
	silent := *x.app
	silent.Callback.URL = ""
	x.app = &silent // devices are told all the same
	x.clock.advance(10e9)
	x.block("owner", "c")
	x.unblock("owner", "c", "d", "b")
	scope := relation.Scope{SDKAppID: appID, Owner: "owner", Accounts: []string{"a", "b", "d"}}
	x.ok("apply", x.Apply(x.ctx, scope, func(relation.Snapshot) relation.Change {
		return relation.Change{At: x.clock.Now(), Block: []string{"d", "a"}, Unblock: []string{"a"}}
	}))
	equal(x, "changes told", toldOf(x, 0, "owner"), []relation.ListChange{
		{AccountKey: key, List: list, Sequence: 1, Added: []relation.BlockEntry{{UserID: "b", Since: now}, {UserID: "a", Since: now}}},
		{AccountKey: key, List: list, Sequence: 2, Added: []relation.BlockEntry{{UserID: "c", Since: now + 10}}},
		{AccountKey: key, List: list, Sequence: 3, Removed: []string{"c", "b"}},
		{
			AccountKey: key, List: list, Sequence: 4, Removed: []string{"a"},
			Added: []relation.BlockEntry{{UserID: "d", Since: now + 10}, {UserID: "a", Since: now + 10}},
		},
	})
	x.followed("owner")
	x.restart()
	x.unblock("owner", "a")
	x.followed("owner")
	equal(x, "sequence after a restart", x.journal.replica(key).sequence, 5)
}

// listsInOrder has many callers change a few lists; each must have been told when its call returns.
func listsInOrder(x *fixture) {
	const callers, rounds = 24, 12
	owners, targets := names("owner", 3), names("target", callers)
	x.importAll(owners...)
	x.importAll(targets...)
	together(x, callers, func(ctx context.Context, i int) error {
		for round := range rounds {
			owner, call := owners[(i+round/2)%len(owners)], x.svc.Block
			if round%2 == 1 {
				call = x.svc.Unblock
			}
			if _, err := call(ctx, x.command(owner, targets[i:i+1])); err != nil {
				return err
			}
			told := x.journal.replica(relation.AccountKey{SDKAppID: appID, UserID: owner}).entries
			if got := has(told, targets[i]); got != (round%2 == 0) {
				return fmt.Errorf("round %d returned before it was told: %v", round, got)
			}
		}
		return nil
	})
	for _, owner := range owners {
		x.followed(owner)
	}
}

func kicksTold(x *fixture) {
	key := func(id string) relation.AccountKey { return relation.AccountKey{SDKAppID: appID, UserID: id} }
	x.importAll("a", "b", "c")
	x.ok("kick", x.svc.Kick(x.ctx, appID, "b"))
	x.ok("kick", x.svc.Kick(x.ctx, appID, "a"))
	x.ok("kick", x.svc.Kick(x.ctx, appID, "b"))
	x.delete("c", "nobody", "a")
	x.delete("c")
	x.importAll("c")
	x.delete("c")
	var kicked, deleted []relation.AccountKey
	for _, c := range x.journal.told() {
		kicked, deleted = append(kicked, c.Kicked...), append(deleted, c.Deleted...)
	}
	equal(x, "kicked", kicked, []relation.AccountKey{key("b"), key("a"), key("b")})
	equal(x, "deleted", deleted, []relation.AccountKey{key("c"), key("a"), key("c")})
}

// sweepTold deletes targets: the owners of lists that had them are told to read anew, with sequences of their own.
func sweepTold(x *fixture) {
	owners, targets := names("owner", 20), names("target", 4)
	x.importAll("bystander")
	x.importAll(owners...)
	x.importAll(targets...)
	x.block("bystander", targets[3])
	for i, owner := range owners {
		x.block(owner, targets[i%2], targets[3])
	}
	n := len(x.journal.told())
	x.delete(targets[:3]...)
	x.block("bystander", owners...) // changes go on
	for i, owner := range owners {
		x.until("the count forgets the deleted target", func() bool { return x.count(owner) == 1 })
		x.followed(owner)
		equal(x, "sequence", x.account(owner).Sequence, 2)
		equal(x, "told", toldOf(x, n, owner), []relation.ListChange{{
			AccountKey: relation.AccountKey{SDKAppID: appID, UserID: owner}, List: x.account(owner).List, Sequence: 2, Reload: true,
		}})
		equal(x, "list", x.list(owner), targets[3:])
		if i == 10 {
			x.restart()
		}
	}
	equal(x, "changes told of a list that lost nothing", len(toldOf(x, n, "bystander")), 1)
	x.followed("bystander")
}

func lostTold(x *fixture) {
	x.importAll("owner", "a", "b")
	x.block("owner", "a")
	n := len(x.journal.told())
	x.lose.Store(true)
	if _, err := x.svc.Block(x.ctx, x.command("owner", []string{"b"})); !errors.Is(err, relation.ErrUnavailable) {
		x.Fatalf("a lost answer: got error %v, want ErrUnavailable", err)
	}
	equal(x, "told", x.journal.told()[n:], []relation.Commit{{Lost: true}})
	equal(x, "the change has happened", x.list("owner"), []string{"a", "b"})
	x.unblock("owner", "a")
	changes := toldOf(x, n+1, "owner")
	equal(x, "changes told after it", len(changes), 1)
	equal(x, "sequence", changes[0].Sequence, x.page("owner", 0, 1).Sequence)
}

func silentCommits(x *fixture) {
	x.importAll("a", "b")
	x.read("a", "b")
	x.unblock("a", "b")
	x.ok("update", x.UpdateApp(x.ctx, *x.app))
	equal(x, "told", len(x.journal.told()), 0)
	e := commit(x, "a", "b")[0]
	n := len(x.journal.told())
	x.settle(x.verdict(relation.Delivered, e))
	x.create(7)
	x.ok("delete", x.DeleteApp(x.ctx, 7))
	equal(x, "told", len(x.journal.told()), n)
}
