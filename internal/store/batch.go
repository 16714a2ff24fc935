package store

import (
	"fmt"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// batch is one group commit: the calls, what was read for them, and how their decisions changed it.
type batch struct {
	store   *Store
	applies []*call
	settles []*call
	replays []*call
	alone   *call

	apps     map[uint32]bool // those that calls name: whether they are there
	accounts map[accountKey]*account
	order    []*account // those of accounts that may have to be written, in order of mention
	pairs    map[pairKey]*pair
	changed  []*pair // pairs that were touched by a decision
	online   []onlineRow
	devices  map[onlineKey]int // places in online

	events   []relation.Event
	lists    []relation.ListChange
	kicked   []relation.AccountKey
	gone     []goneAccount
	settled  []settledEvent
	tallies  tallies
	verdicts int
}

type accountKey struct {
	app    uint32
	userID string
}

// account is a row of the account table as the batch sees it.
type account struct {
	accountKey
	id       int64 // 0: not imported
	kicked   int64
	seq      int64
	count    int64
	place    int64
	eventSeq int64

	fresh   bool // inserted by this batch
	dirty   bool
	profile relation.Profile // what imports of this batch say
}

type pairKey struct{ owner, target int64 }

// pair is an entry of a list: its place before the batch and now, 0 for none.
type pair struct {
	pairKey
	before, now int64
	since       int64
	touched     bool
}

type goneAccount struct {
	accountKey
	id int64
}

func newBatch(s *Store, calls []*call) *batch {
	b := &batch{store: s}
	for _, c := range calls {
		switch {
		case c.decide != nil:
			b.applies = append(b.applies, c)
		case c.alone != nil:
			b.alone = c
		case c.replayed != nil:
			b.replays = append(b.replays, c)
			b.verdicts += len(c.replayed)
		default:
			b.settles = append(b.settles, c)
			b.verdicts += len(c.settle)
		}
	}
	return b
}

// run does the whole transaction but its begin and commit. Verdicts go first: an owner whose last waiting event is
// settled here has an empty queue for the events that follow.
func (b *batch) run(c conn) error {
	if b.alone != nil {
		err := b.alone.alone(c)
		b.lists, b.tallies = b.alone.lists, b.alone.tallies
		return err
	}
	for _, write := range []func(conn) error{b.settle, b.settleReplays, b.writeTallies} {
		if err := write(c); err != nil {
			return err
		}
	}
	if len(b.applies) == 0 {
		return nil
	}
	if err := b.load(c); err != nil {
		return err
	}
	if err := b.store.step("read"); err != nil {
		return err
	}
	for _, call := range b.applies {
		if !b.apps[call.scope.SDKAppID] {
			call.err = fmt.Errorf("%w: %d", relation.ErrNoApp, call.scope.SDKAppID)
			continue
		}
		if err := b.apply(c, call); err != nil {
			return err
		}
	}
	if err := b.writeAccounts(c); err != nil {
		return err
	}
	if err := b.writePairs(c); err != nil {
		return err
	}
	if err := b.writeOnline(c); err != nil {
		return err
	}
	if err := b.store.step("write"); err != nil {
		return err
	}
	return b.writeEvents(c)
}

func (s *Store) step(name string) error {
	if s.options.Fault == nil {
		return nil
	}
	return s.options.Fault(name)
}

// apply runs one decision and takes its change into the batch.
func (b *batch) apply(c conn, call *call) error {
	scope := call.scope
	change := call.decide(b.snapshot(scope))
	if err := b.changeAccounts(c, scope.SDKAppID, change); err != nil {
		return err
	}
	owner := b.accounts[accountKey{scope.SDKAppID, scope.Owner}]
	if scope.Owner == "" || owner == nil || owner.id == 0 {
		if len(change.Block)+len(change.Unblock)+len(change.Online)+len(change.Offline)+len(change.Events) > 0 {
			return fmt.Errorf("a decision changes the list, devices or events of %q, which does not exist", scope.Owner)
		}
		return nil
	}
	b.changePairs(owner, change)
	b.changeOnline(owner, change)
	b.addEvents(owner, change)
	return nil
}

func (b *batch) snapshot(scope relation.Scope) relation.Snapshot {
	snap := relation.Snapshot{Accounts: make([]relation.Account, len(scope.Accounts))}
	var ownerID int64
	if scope.Owner != "" {
		if owner := b.accounts[accountKey{scope.SDKAppID, scope.Owner}]; owner != nil && owner.id != 0 {
			ownerID = owner.id
			snap.Owner = relation.Owner{Exists: true, Blocks: int(owner.count)}
		}
	}
	for i, userID := range scope.Accounts {
		a := b.accounts[accountKey{scope.SDKAppID, userID}]
		if a == nil || a.id == 0 {
			continue
		}
		snap.Accounts[i].Exists = true
		if ownerID != 0 {
			p := b.pairs[pairKey{ownerID, a.id}]
			snap.Accounts[i].Blocked = p != nil && p.now != 0
		}
	}
	return snap
}

func (b *batch) changePairs(owner *account, change relation.Change) {
	for _, target := range change.Unblock {
		p := b.pair(owner, target)
		p.now = 0
		owner.count--
	}
	for _, target := range change.Block {
		p := b.pair(owner, target)
		owner.place++
		p.now, p.since = owner.place, change.At.Unix()
		owner.count++
	}
	if len(change.Unblock)+len(change.Block) > 0 {
		owner.seq++
		owner.dirty = true
		b.addList(owner, change)
	}
}

func (b *batch) pair(owner *account, target string) *pair {
	key := pairKey{owner.id, b.accounts[accountKey{owner.app, target}].id}
	p := b.pairs[key]
	if p == nil {
		p = &pair{pairKey: key}
		b.pairs[key] = p
	}
	if !p.touched {
		p.touched = true
		b.changed = append(b.changed, p)
	}
	return p
}

func (b *batch) addEvents(owner *account, change relation.Change) {
	for _, e := range change.Events {
		created := change.At.Truncate(time.Millisecond)
		owner.eventSeq++
		owner.dirty = true
		b.events = append(b.events, relation.Event{
			SDKAppID: owner.app, Owner: owner.userID, Seq: owner.eventSeq,
			ID: b.store.eventIDs.next(created.UnixMilli()).String(), NewEvent: e, Created: created,
		})
	}
}
