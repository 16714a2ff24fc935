package storetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func (x *fixture) importAll(ids ...string) {
	x.Helper()
	for batch := range slices.Chunk(ids, relation.MaxAccountBatch) {
		profiles := make([]relation.Profile, len(batch))
		for i, id := range batch {
			profiles[i] = relation.Profile{UserID: id, Nick: "nick of " + id}
		}
		outcomes, err := x.svc.Import(x.ctx, relation.AccountImport{SDKAppID: x.app.SDKAppID, Profiles: profiles})
		x.ok("import", err)
		equal(x, "outcomes of import", outcomes, make([]relation.Outcome, len(batch)))
	}
}

func (x *fixture) imported(ids ...string) []bool {
	x.Helper()
	exist, err := x.svc.Imported(x.ctx, relation.AccountSet{SDKAppID: x.app.SDKAppID, UserIDs: ids})
	x.ok("imported", err)
	return exist
}

func (x *fixture) delete(ids ...string) []relation.Outcome {
	x.Helper()
	outcomes, err := x.svc.Delete(x.ctx, relation.AccountSet{SDKAppID: x.app.SDKAppID, UserIDs: ids})
	x.ok("delete", err)
	return outcomes
}

func (x *fixture) command(owner string, targets []string) relation.BlockCommand {
	return relation.BlockCommand{
		App: x.app, Owner: owner, Targets: targets,
		Origin: relation.Origin{ClientIP: "203.0.113.9", Platform: "RESTAPI"},
	}
}

func (x *fixture) block(owner string, targets ...string) []relation.Outcome {
	x.Helper()
	outcomes, err := x.svc.Block(x.ctx, x.command(owner, targets))
	x.ok("block", err)
	return outcomes
}

func (x *fixture) unblock(owner string, targets ...string) []relation.Outcome {
	x.Helper()
	outcomes, err := x.svc.Unblock(x.ctx, x.command(owner, targets))
	x.ok("unblock", err)
	return outcomes
}

func (x *fixture) page(owner string, start, limit int) relation.BlockPage {
	x.Helper()
	p, err := x.svc.Blocklist(x.ctx, relation.BlockQuery{SDKAppID: x.app.SDKAppID, Owner: owner, Start: start, Limit: limit})
	x.ok("blocklist", err)
	if p.List <= 0 || (p.Next != 0) != (p.Cursor != 0) {
		x.Fatalf("page at %d of list %d: next %d, cursor %d", start, p.List, p.Next, p.Cursor)
	}
	p.List, p.Cursor = 0, 0 // the engine's own affair
	if len(p.Entries) == 0 {
		p.Entries = nil
	}
	return p
}

// scroll returns the page of a list behind a cursor.
func (x *fixture) scroll(owner string, after int64, limit int) relation.BlockPage {
	x.Helper()
	p, err := x.svc.Blocklist(x.ctx, relation.BlockQuery{SDKAppID: x.app.SDKAppID, Owner: owner, After: after, Limit: limit})
	x.ok("blocklist", err)
	if p.Cursor != 0 && p.Cursor <= after || after != 0 && p.Next != 0 {
		x.Fatalf("page behind %d: next %d, cursor %d", after, p.Next, p.Cursor)
	}
	return p
}

// account returns an account with the head of its list.
func (x *fixture) account(userID string) relation.AccountHead {
	x.Helper()
	head, err := x.svc.Account(x.ctx, relation.AccountKey{SDKAppID: x.app.SDKAppID, UserID: userID})
	x.ok("account", err)
	return head
}

// list returns the UserIDs of a list, read in the largest pages.
func (x *fixture) list(owner string) []string {
	x.Helper()
	return x.walk(owner, relation.MaxBlockPage)
}

// walk returns the UserIDs of a list, read in pages.
func (x *fixture) walk(owner string, limit int) (ids []string) {
	x.Helper()
	for start := 0; ; {
		p := x.page(owner, start, limit)
		for _, e := range p.Entries {
			ids = append(ids, e.UserID)
		}
		if p.Next == 0 {
			return ids
		}
		if p.Next <= start {
			x.Fatalf("the page after %d starts at %d", start, p.Next)
		}
		start = p.Next
	}
}

func (x *fixture) check(owner string, targets ...string) []relation.BlockState {
	x.Helper()
	states, err := x.svc.CheckBlocks(x.ctx, relation.BlockCheckQuery{
		SDKAppID: x.app.SDKAppID, Owner: owner, Targets: targets, Both: true,
	})
	x.ok("check", err)
	return states
}

// read applies a change that writes nothing and returns what it was decided on.
func (x *fixture) read(owner string, accounts ...string) relation.Snapshot {
	x.Helper()
	var snap relation.Snapshot
	scope := relation.Scope{SDKAppID: x.app.SDKAppID, Owner: owner, Accounts: accounts}
	x.ok("apply", x.Apply(x.ctx, scope, func(s relation.Snapshot) relation.Change {
		snap = s
		return relation.Change{}
	}))
	return snap
}

// count returns the number of entries that rules see on a list.
func (x *fixture) count(owner string) int {
	x.Helper()
	return x.read(owner).Owner.Blocks
}

// heads returns the app's heads that are due at a time, read in pages, in order.
func (x *fixture) heads(now time.Time, limit int) []relation.DueHead {
	x.Helper()
	q := relation.DueQuery{SDKAppID: x.app.SDKAppID, Now: now, Limit: limit}
	var heads []relation.DueHead
	for {
		page, err := x.Due(x.ctx, q)
		x.ok("due", err)
		if len(page) > limit {
			x.Fatalf("a page of %d due heads, asked for at most %d", len(page), limit)
		}
		for _, h := range page {
			at := relation.DueCursor{Due: h.Due.UnixMilli(), Owner: h.Owner}
			if cmp.Or(cmp.Compare(at.Due, q.After.Due), cmp.Compare(at.Owner, q.After.Owner)) <= 0 {
				x.Fatalf("due heads are out of order: %+v comes after %+v", at, q.After)
			}
			if h.Due.After(now) {
				x.Fatalf("the head of %q is due at %v, asked for those up to %v", h.Owner, h.Due, now)
			}
			q.After = at
			h.Due, h.Created, h.BudgetFrom = milli(h.Due), milli(h.Created), milli(h.BudgetFrom)
			heads = append(heads, h)
		}
		if len(page) < limit {
			return heads
		}
	}
}

// queue returns an owner's waiting events in order.
func (x *fixture) queue(owner string) []relation.Event {
	x.Helper()
	events, err := x.Following(x.ctx, relation.EventKey{SDKAppID: x.app.SDKAppID, Owner: owner, Seq: -1}, most)
	x.ok("following", err)
	return times(events)
}

func times(events []relation.Event) []relation.Event {
	for i := range events {
		events[i].Created, events[i].BudgetFrom = milli(events[i].Created), milli(events[i].BudgetFrom)
	}
	return events
}

// reported waits until OnCommit reported n events and returns them.
func (x *fixture) reported(n int) []relation.Event {
	x.Helper()
	x.until("OnCommit reports every event", func() bool { return x.journal.count() >= n })
	events := times(x.journal.all())
	if len(events) != n {
		x.Fatalf("OnCommit reported %d events, want %d: %s", len(events), n, text(events))
	}
	return events
}

// settle commits verdicts and returns the new heads, ordered by owner.
func (x *fixture) settle(settlements ...relation.Settlement) []relation.EventKey {
	x.Helper()
	next, err := x.Settle(x.ctx, settlements)
	x.ok("settle", err)
	slices.SortFunc(next, func(a, b relation.EventKey) int { return cmp.Compare(a.Owner, b.Owner) })
	return next
}

// verdict returns a settlement of an event at its first attempt, made now.
func (x *fixture) verdict(v relation.Verdict, e relation.Event) relation.Settlement {
	return relation.Settlement{
		EventKey: e.Key(), Verdict: v, Attempts: e.Attempts + 1, At: x.clock.Now(), Reason: "status 502",
	}
}

// letters returns the app's dead letters, newest first, read in pages.
func (x *fixture) letters(limit int) []relation.Record {
	x.Helper()
	return x.records(relation.RecordQuery{State: relation.StateDead}, limit)
}

// stats returns what OutboxStats says of each app, ordered by app.
func (x *fixture) stats() []relation.OutboxStats {
	x.Helper()
	stats, err := x.OutboxStats(x.ctx)
	x.ok("outbox stats", err)
	slices.SortFunc(stats, func(a, b relation.OutboxStats) int { return cmp.Compare(a.SDKAppID, b.SDKAppID) })
	for i := range stats {
		stats[i].Oldest = milli(stats[i].Oldest)
	}
	return stats
}
