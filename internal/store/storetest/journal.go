package storetest

import (
	"context"
	"slices"
	"sync"

	"github.com/kithchat/kith/internal/relation"
)

// journal keeps what OnCommit told, in order. It follows every list as a device does, and reports a broken promise to
// fail at once: a change that cannot be read yet, a sequence with a gap, an entry that comes or goes twice.
type journal struct {
	fail func(format string, args ...any)

	mu       sync.Mutex
	engine   Engine // to read from; nil while there is none
	commits  []relation.Commit
	events   []relation.Event
	replicas map[relation.AccountKey]*replica
	deleted  map[relation.AccountKey]bool // at any time
	onCommit func(relation.Commit)        // of a test, or nil
}

// replica is a list as its changes tell it.
type replica struct {
	list, sequence int64
	entries        []relation.BlockEntry
	stale          bool // it has to be read anew, which could not be done
}

func newJournal(fail func(string, ...any)) *journal {
	return &journal{
		fail: fail, replicas: make(map[relation.AccountKey]*replica), deleted: make(map[relation.AccountKey]bool),
	}
}

// use names the engine to read from.
func (j *journal) use(e Engine) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.engine = e
}

func (j *journal) add(c relation.Commit) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !c.Lost && len(c.Events)+len(c.Lists)+len(c.Kicked)+len(c.Deleted) == 0 {
		j.fail("a commit that tells nothing was told")
	}
	j.commits = append(j.commits, c)
	for _, e := range c.Events {
		e.Targets = slices.Clone(e.Targets)
		j.events = append(j.events, e)
	}
	for _, key := range c.Deleted {
		j.deleted[key] = true
	}
	for _, change := range c.Lists {
		j.follow(change)
	}
	if c.Lost {
		for _, r := range j.replicas {
			r.stale = true
		}
	}
	if j.onCommit != nil {
		j.onCommit(c)
	}
}

// follow applies a change to the replica of its list.
func (j *journal) follow(c relation.ListChange) {
	r := j.replicas[c.AccountKey]
	if r == nil || r.list != c.List {
		r = &replica{list: c.List}
		j.replicas[c.AccountKey] = r
	}
	if c.Sequence != r.sequence+1 && !r.stale {
		j.fail("list %d of %q: change %d was told after %d", c.List, c.UserID, c.Sequence, r.sequence)
	}
	r.sequence = c.Sequence
	j.readable(c)
	if c.Reload {
		j.reload(c.AccountKey, r)
		return
	}
	if len(c.Added)+len(c.Removed) == 0 {
		j.fail("list of %q: change %d is empty", c.UserID, c.Sequence)
	}
	for _, id := range c.Removed {
		if !r.remove(id) && !r.stale {
			j.fail("list of %q: change %d removes %q, which is not there", c.UserID, c.Sequence, id)
		}
	}
	for _, e := range c.Added {
		// An entry of a deleted account stays until the reload that comes of its removal.
		if r.remove(e.UserID) && !r.stale && !j.deleted[relation.AccountKey{SDKAppID: c.SDKAppID, UserID: e.UserID}] {
			j.fail("list of %q: change %d adds %q, which is there", c.UserID, c.Sequence, e.UserID)
		}
		r.entries = append(r.entries, e)
	}
}

func (r *replica) remove(id string) bool {
	n := len(r.entries)
	r.entries = slices.DeleteFunc(r.entries, func(e relation.BlockEntry) bool { return e.UserID == id })
	return len(r.entries) < n
}

// readable wants what is told to be there for readers.
func (j *journal) readable(c relation.ListChange) {
	if j.engine == nil {
		return
	}
	head, err := j.engine.Account(context.Background(), c.AccountKey)
	if err == nil && head.List == c.List && head.Sequence < c.Sequence {
		j.fail("list of %q: change %d was told when the list stood at %d", c.UserID, c.Sequence, head.Sequence)
	}
}

// reload reads a list anew, which nothing changes while its change is being told.
func (j *journal) reload(key relation.AccountKey, r *replica) {
	r.stale = true
	if j.engine == nil {
		return
	}
	page, err := j.engine.Blocklist(context.Background(), relation.BlockQuery{
		SDKAppID: key.SDKAppID, Owner: key.UserID, Limit: relation.MaxBlockPage,
	})
	if err == nil && page.List == r.list && page.Next == 0 {
		r.entries, r.stale = page.Entries, false
	}
}

// count returns how many events were told.
func (j *journal) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.events)
}

func (j *journal) all() []relation.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.events)
}

func (j *journal) told() []relation.Commit {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.commits)
}

// replica returns a copy of what the changes of a list make of it.
func (j *journal) replica(key relation.AccountKey) replica {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.replicas[key]
	if r == nil {
		return replica{}
	}
	found := *r
	found.entries = slices.Clone(r.entries)
	return found
}

// followed fails the test unless the changes told of a list make it what it is. Nothing may be left to sweep.
func (x *fixture) followed(owner string) {
	x.Helper()
	key := relation.AccountKey{SDKAppID: x.app.SDKAppID, UserID: owner}
	head := x.account(owner)
	r := x.journal.replica(key)
	if r.stale {
		return
	}
	if r.list != head.List { // no change in this life
		r = replica{list: head.List}
	}
	page, err := x.svc.Blocklist(x.ctx, relation.BlockQuery{
		SDKAppID: key.SDKAppID, Owner: owner, Limit: relation.MaxBlockPage,
	})
	x.ok("blocklist", err)
	equal(x, "sequence of the changes told of "+owner, r.sequence, page.Sequence)
	equal(x, "list that the changes told make of "+owner, r.entries, page.Entries)
}
