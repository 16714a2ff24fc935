package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func concurrentTests() []test {
	return []test{
		{name: "decisions are serial", run: serialDecisions},
		{name: "one of many blocks the target", run: oneBlocks},
		{name: "block and unblock one pair", run: blockUnblockPair},
		{name: "readers see whole changes", run: wholeChanges},
		{name: "a return is seen by all", run: readYourWrites},
		{name: "accounts come and go", run: accountsComeAndGo},
		{name: "the outbox drains while it fills", run: drainWhileFilling},
	}
}

// together runs n calls at the same time and fails the test if one fails.
func together(x *fixture, n int, call func(ctx context.Context, i int) error) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			if err := call(x.ctx, i); err != nil {
				x.Errorf("concurrent call %d: %v", i, err)
			}
		})
	}
	group.Wait()
}

// serialDecisions has 64 callers who each take the first free target: none may be taken twice or left out.
func serialDecisions(x *fixture) {
	const callers, rounds = 64, 3
	ids := names("target", callers*rounds)
	x.importAll("owner")
	x.importAll(ids...)
	scope := relation.Scope{SDKAppID: appID, Owner: "owner", Accounts: ids}
	together(x, callers, func(ctx context.Context, _ int) error {
		for range rounds {
			err := x.Apply(ctx, scope, func(s relation.Snapshot) relation.Change {
				free := slices.Index(s.Accounts, relation.Account{Exists: true})
				if free != s.Owner.Blocks {
					x.Errorf("the first free target is %d on a list of %d", free, s.Owner.Blocks)
					return relation.Change{}
				}
				event := relation.NewEvent{Kind: relation.EventBlockAdd, Targets: ids[free : free+1]}
				return relation.Change{At: x.clock.Now(), Block: ids[free : free+1], Events: []relation.NewEvent{event}}
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	equal(x, "list", x.list("owner"), ids)
	equal(x, "sequence", x.page("owner", 0, 1).Sequence, int64(len(ids)))
	events := x.queue("owner")
	equal(x, "events", len(events), len(ids))
	for i, e := range events {
		equal(x, "targets", e.Targets, ids[i:i+1])
		equal(x, "event number", e.Seq, events[0].Seq+int64(i))
	}
	equal(x, "events as reported", keys(x.reported(len(ids))), keys(events))
}

func keys(events []relation.Event) []relation.EventKey {
	var keys []relation.EventKey
	for _, e := range events {
		keys = append(keys, e.Key())
	}
	return keys
}

func oneBlocks(x *fixture) {
	const callers = 50
	x.importAll("owner", "target")
	for round := range 6 {
		call, want := x.svc.Block, relation.AlreadyListed
		if round%2 == 1 {
			call, want = x.svc.Unblock, relation.NotListed
		}
		outcomes := make([]relation.Outcome, callers)
		together(x, callers, func(ctx context.Context, i int) error {
			got, err := call(ctx, x.command("owner", []string{"target"}))
			if err == nil {
				outcomes[i] = got[0]
			}
			return err
		})
		slices.Sort(outcomes)
		equal(x, "outcomes", outcomes, append([]relation.Outcome{relation.Done}, slices.Repeat([]relation.Outcome{want}, callers-1)...))
		equal(x, "sequence", x.page("owner", 0, 1).Sequence, int64(round+1))
		equal(x, "count", x.count("owner"), 1-round%2)
		x.reported(round + 1)
	}
}

func blockUnblockPair(x *fixture) {
	const callers, rounds = 32, 30
	x.importAll("owner", "target", "other")
	var (
		mu   sync.Mutex
		done [2]int // changes made by block and by unblock
	)
	together(x, callers, func(ctx context.Context, i int) error {
		for round := range rounds {
			call := x.svc.Block
			way := (i + round) % 2
			if way == 1 {
				call = x.svc.Unblock
			}
			got, err := call(ctx, x.command("owner", []string{"target"}))
			if err != nil {
				return err
			}
			mu.Lock()
			if got[0] == relation.Done {
				done[way]++
			}
			mu.Unlock()
		}
		return nil
	})
	left := done[0] - done[1]
	if left != 0 && left != 1 {
		x.Fatalf("%d blocks and %d unblocks changed the list", done[0], done[1])
	}
	for range 2 {
		equal(x, "entries", len(x.list("owner")), left)
		equal(x, "count", x.count("owner"), left)
		equal(x, "blocked", x.check("owner", "target")[0].Blocked, left == 1)
		equal(x, "sequence", x.page("owner", 0, 1).Sequence, int64(done[0]+done[1]))
		events := x.queue("owner")
		equal(x, "events", len(events), done[0]+done[1])
		for i, e := range events {
			equal(x, fmt.Sprintf("kind of event %d", i), e.Kind, relation.EventKinds()[i%2])
			equal(x, "head", e.Head, i == 0)
		}
		x.restart()
	}
	x.block("owner", "other")
	equal(x, "count", x.count("owner"), left+1)
}

// wholeChanges has one writer that adds and removes three targets in one call, and readers who must see all or none.
func wholeChanges(x *fixture) {
	const rounds = 60
	ids := []string{"t1", "t2", "t3"}
	x.importAll("owner")
	x.importAll(ids...)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if problem := seenInPart(x, ids); problem != "" {
					x.Error(problem)
					return
				}
			}
		})
	}
	for range rounds {
		x.block("owner", ids...)
		x.unblock("owner", ids...)
	}
	close(stop)
	readers.Wait()
	equal(x, "sequence", x.page("owner", 0, 1).Sequence, 2*rounds)
}

// seenInPart says what a reader saw of a change that it should not have seen.
func seenInPart(x *fixture, ids []string) string {
	// What is seen first is older, so the events may only be ahead of the page that was read before them.
	page, err := x.Blocklist(x.ctx, relation.BlockQuery{SDKAppID: appID, Owner: "owner", Limit: 10})
	if err != nil {
		return fmt.Sprintf("blocklist: %v", err)
	}
	events, err := x.Following(x.ctx, relation.EventKey{SDKAppID: appID, Owner: "owner"}, most)
	if err != nil {
		return fmt.Sprintf("following: %v", err)
	}
	states, err := x.CheckBlocks(x.ctx, relation.BlockCheckQuery{SDKAppID: appID, Owner: "owner", Targets: ids})
	if err != nil {
		return fmt.Sprintf("check: %v", err)
	}
	late, err := x.Blocklist(x.ctx, relation.BlockQuery{SDKAppID: appID, Owner: "owner", Limit: 10})
	if err != nil {
		return fmt.Sprintf("blocklist: %v", err)
	}
	switch {
	case int64(len(page.Entries)) != page.Sequence%2*int64(len(ids)):
		return fmt.Sprintf("a page of %d entries has sequence %d", len(page.Entries), page.Sequence)
	case int64(len(events)) < page.Sequence:
		return fmt.Sprintf("%d events after sequence %d", len(events), page.Sequence)
	case late.Sequence < int64(len(events)):
		return fmt.Sprintf("sequence %d after %d events", late.Sequence, len(events))
	case states[0] != states[1] || states[1] != states[2]:
		return fmt.Sprintf("states %+v", states)
	}
	return ""
}

// readYourWrites has callers who look at their change right after it was acknowledged.
func readYourWrites(x *fixture) {
	const callers, rounds = 8, 40
	ids := names("user", callers)
	x.importAll(ids...)
	together(x, callers, func(ctx context.Context, i int) error {
		owner, target := ids[i], ids[(i+1)%callers]
		for round := range rounds {
			call := x.svc.Block
			if round%2 == 1 {
				call = x.svc.Unblock
			}
			if _, err := call(ctx, x.command(owner, []string{target})); err != nil {
				return err
			}
			states, err := x.CheckBlocks(ctx, relation.BlockCheckQuery{
				SDKAppID: appID, Owner: target, Targets: []string{owner}, Both: true,
			})
			if err != nil {
				return err
			}
			page, err := x.Blocklist(ctx, relation.BlockQuery{SDKAppID: appID, Owner: owner, Limit: 10})
			if err != nil {
				return err
			}
			if want := round%2 == 0; states[0].BlockedBy != want || (len(page.Entries) == 1) != want || page.Sequence != int64(round+1) {
				return fmt.Errorf("round %d: state %+v, page %+v", round, states[0], page)
			}
		}
		return nil
	})
}

// accountsComeAndGo imports, deletes, blocks and unblocks the same few accounts at the same time. Whatever the order was,
// lists, checks and counts must agree in the end.
func accountsComeAndGo(x *fixture) {
	const callers, rounds = 16, 40
	ids := names("user", 6)
	x.importAll(ids...)
	together(x, callers, func(ctx context.Context, i int) error {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		for range rounds {
			owner, targets := ids[rng.IntN(len(ids))], []string{ids[rng.IntN(len(ids))], ids[rng.IntN(len(ids))]}
			var err error
			switch rng.IntN(6) {
			case 0:
				_, err = x.svc.Delete(ctx, relation.AccountSet{SDKAppID: appID, UserIDs: targets})
			case 1, 2:
				profiles := []relation.Profile{{UserID: owner, Nick: "n"}, {UserID: targets[0]}}
				_, err = x.svc.Import(ctx, relation.AccountImport{SDKAppID: appID, Profiles: profiles})
			case 3:
				_, err = x.svc.Unblock(ctx, x.command(owner, targets))
			default:
				_, err = x.svc.Block(ctx, x.command(owner, targets))
			}
			if err != nil && !errors.Is(err, relation.ErrNoAccount) {
				return err
			}
		}
		return nil
	})
	x.importAll(ids...)
	for range 2 {
		for _, owner := range ids {
			list := x.list(owner)
			for i, state := range x.check(owner, ids...) {
				equal(x, "blocked", state.Blocked, slices.Contains(list, ids[i]))
				equal(x, "blocked by", state.BlockedBy, slices.Contains(x.list(ids[i]), owner))
			}
			x.until("the count is that of the list", func() bool { return x.count(owner) == len(list) })
		}
		x.restart()
	}
	inOrder(x, x.journal.all())
}

// inOrder fails the test unless the numbers of each owner's events rise.
func inOrder(x *fixture, events []relation.Event) {
	x.Helper()
	last := make(map[string]int64)
	for _, e := range events {
		if seq, known := last[e.Owner]; known && e.Seq <= seq {
			x.Fatalf("event %d of %q comes after %d", e.Seq, e.Owner, seq)
		}
		last[e.Owner] = e.Seq
	}
}

// drainWhileFilling delivers events while others are committed. Each must arrive once and in order, and none may stay
// behind without a head.
func drainWhileFilling(x *fixture) {
	const callers, rounds = 8, 40
	ids := names("user", callers)
	x.importAll(ids...)
	filled := make(chan struct{})
	go func() {
		defer close(filled)
		together(x, callers, func(ctx context.Context, i int) error {
			for round := range rounds {
				call := x.svc.Block
				if round%2 == 1 {
					call = x.svc.Unblock
				}
				if _, err := call(ctx, x.command(ids[i/2], []string{ids[i]})); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	var arrived []relation.Event
	for drained := false; !drained; {
		select {
		case <-filled:
			drained = true // unless this last look finds some
		default:
		}
		var settlements []relation.Settlement
		for _, h := range x.heads(far, 3) {
			arrived = append(arrived, h.Event)
			settlements = append(settlements, x.verdict(relation.Delivered, h.Event))
			drained = false
		}
		named := x.settle(settlements...)
		for _, key := range named {
			if !slices.ContainsFunc(settlements, func(s relation.Settlement) bool { return s.Owner == key.Owner && s.Seq < key.Seq }) {
				x.Fatalf("%+v is named as a new head", key)
			}
		}
		if len(settlements) == 0 {
			time.Sleep(pause) // nothing is due yet, and the outbox gives no signal
		}
	}
	equal(x, "stats", x.stats(), nil)
	inOrder(x, arrived)
	reported := keys(x.reported(len(arrived)))
	byOwner := func(events []relation.EventKey) []relation.EventKey {
		slices.SortStableFunc(events, func(a, b relation.EventKey) int { return strings.Compare(a.Owner, b.Owner) })
		return events
	}
	equal(x, "arrived", byOwner(keys(arrived)), byOwner(reported))
}
