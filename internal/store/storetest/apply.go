package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func applyTests() []test {
	return []test{
		{name: "a change that writes nothing", run: zeroChange},
		{name: "a scope of 1000", run: largeScope},
		{name: "a context that has ended", run: endedContext},
		{name: "a context that ends while the call waits", run: cancelledWaiting},
		{name: "a closed engine", run: closedEngine},
		{name: "close in the middle of a load", run: closeUnderLoad},
	}
}

func zeroChange(x *fixture) {
	x.importAll("a", "b")
	x.block("a", "b")
	before := x.page("a", 0, 10)
	for range 3 {
		x.read("a", "b", "nobody")
		x.read("nobody")
		x.read("")
	}
	equal(x, "page", x.page("a", 0, 10), before)
	equal(x, "imported", x.imported("nobody"), []bool{false})
	x.reported(1)
}

func largeScope(x *fixture) {
	ids := names("user", 1000)
	x.importAll("owner")
	x.importAll(ids[:600]...)
	x.block("owner", ids[:300]...)
	snap := x.read("owner", ids...)
	equal(x, "owner", snap.Owner, relation.Owner{Exists: true, Blocks: 300})
	equal(x, "accounts", len(snap.Accounts), len(ids))
	for i, a := range snap.Accounts {
		equal(x, ids[i], a, relation.Account{Exists: i < 600, Blocked: i < 300})
	}
}

func endedContext(x *fixture) {
	x.importAll("a", "b")
	ctx, cancel := context.WithCancel(x.ctx)
	cancel()
	if _, err := x.svc.Block(ctx, x.command("a", []string{"b"})); !errors.Is(err, context.Canceled) {
		x.Fatalf("cancelled: got error %v", err)
	}
	ctx, cancel = context.WithDeadline(x.ctx, time.Now().Add(-time.Second))
	defer cancel()
	if _, err := x.svc.Block(ctx, x.command("a", []string{"b"})); !errors.Is(err, context.DeadlineExceeded) {
		x.Fatalf("deadline exceeded: got error %v", err)
	}
	x.read("a") // a later call was decided, so an earlier one is not under way any more
	equal(x, "list", x.list("a"), nil)
	equal(x, "events", x.journal.count(), 0)
}

// cancelledWaiting ends the contexts of calls that wait behind one which takes long to decide. Whatever each call is
// told must be what happened.
func cancelledWaiting(x *fixture) {
	const n = 20
	ids := names("target", n)
	x.importAll("owner")
	x.importAll(ids...)
	deciding, release := make(chan struct{}), make(chan struct{})
	slow := make(chan error, 1)
	go func() {
		first := true
		slow <- x.Apply(x.ctx, relation.Scope{SDKAppID: appID, Owner: "owner"}, func(relation.Snapshot) relation.Change {
			if first {
				first = false
				close(deciding)
				<-release
			}
			return relation.Change{}
		})
	}()
	<-deciding
	ctx, cancel := context.WithCancel(x.ctx)
	errs := make(chan error, n)
	told := make([]error, n)
	for i, id := range ids {
		go func() {
			_, told[i] = x.svc.Block(ctx, x.command("owner", []string{id}))
			errs <- told[i]
		}()
	}
	time.AfterFunc(10*time.Millisecond, cancel) // most calls wait by then; those that do not are cancelled as well
	time.AfterFunc(30*time.Millisecond, func() { close(release) })
	x.ok("slow call", <-slow)
	for range ids {
		<-errs
	}
	var want []string
	for i, err := range told {
		switch {
		case err == nil:
			want = append(want, ids[i])
		case !errors.Is(err, context.Canceled):
			x.Fatalf("call %d: %v", i, err)
		}
	}
	for range 2 {
		got := x.list("owner")
		slices.Sort(got)
		equal(x, "list", got, want)
		x.restart()
	}
	equal(x, "sequence", x.page("owner", 0, 1).Sequence, int64(len(want)))
	equal(x, "events", len(x.queue("owner")), len(want))
}

func closedEngine(x *fixture) {
	x.importAll("a", "b")
	e := commit(x, "a", "b")[0]
	closed := x.Engine
	x.close()
	svc := relation.NewService(closed, x.clock.Now)
	_, blockErr := svc.Block(x.ctx, x.command("b", []string{"a"}))
	_, settleErr := closed.Settle(x.ctx, []relation.Settlement{x.verdict(relation.Delivered, e)})
	for i, err := range []error{blockErr, settleErr} {
		if !errors.Is(err, relation.ErrUnavailable) {
			x.Fatalf("call %d: got error %v, want ErrUnavailable", i, err)
		}
	}
	x.reopen()
	equal(x, "list", x.list("b"), nil)
	equal(x, "queue", len(x.queue("a")), 1)
}

// closeUnderLoad: what was acknowledged before the end is there after it, and nothing else but what failed in doubt.
func closeUnderLoad(x *fixture) {
	const callers, each = 16, 200
	owners, targets := names("owner", callers), names("target", each)
	x.importAll(owners...)
	x.importAll(targets...)
	acknowledged := make([]int, callers) // calls of each caller that returned nil, one after another
	started := make(chan struct{}, callers*each)
	done := make(chan struct{})
	go func() {
		defer close(done)
		together(x, callers, func(ctx context.Context, i int) error {
			for _, target := range targets {
				_, err := x.svc.Block(ctx, x.command(owners[i], []string{target}))
				if errors.Is(err, relation.ErrUnavailable) {
					return nil
				}
				if err != nil {
					return err
				}
				acknowledged[i]++
				started <- struct{}{}
			}
			return nil
		})
	}()
	for range callers * 4 {
		<-started
	}
	closing := x.Engine
	if err := closing.Close(); err != nil {
		x.Errorf("close: %v", err)
	}
	<-done
	x.reopen()
	for i, owner := range owners {
		n := len(x.list(owner))
		if n != acknowledged[i] && n != acknowledged[i]+1 {
			x.Fatalf("%s has %d entries, %d were acknowledged", owner, n, acknowledged[i])
		}
		equal(x, "list", x.list(owner), targets[:n])
		equal(x, "events", len(x.queue(owner)), n)
		equal(x, "sequence", x.page(owner, 0, 1).Sequence, int64(n))
		equal(x, "count", x.count(owner), n)
	}
}
