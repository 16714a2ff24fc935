package client

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kithchat/kith/api"
)

// Blocklist is a copy of the user's blocklist as it was at one position. It can be stored (as JSON, say) and given to the next
// Session as Options.Blocklist.
type Blocklist struct {
	List     string  // the list's life: another one after the account was deleted and imported again
	Sequence int64   // grows by one with each change
	Entries  []Entry // in order of insertion
}

// listCopy is a blocklist that changes are applied to.
type listCopy struct {
	at      api.BlocklistPosition
	entries map[string]place
	last    uint64
}

// place is an entry's time of insertion, in Unix seconds, and its place in the order.
type place struct {
	since int64
	order uint64
}

func copyOf(b *Blocklist) *listCopy {
	c := &listCopy{at: api.BlocklistPosition{List: b.List, Sequence: b.Sequence}, entries: make(map[string]place, len(b.Entries))}
	for _, e := range b.Entries {
		c.put(api.BlockEntry{ToAccount: e.UserID, AddBlackTimeStamp: e.Since.Unix()})
	}
	return c
}

// put adds an entry, in the place of an older one.
func (c *listCopy) put(e api.BlockEntry) {
	c.last++
	c.entries[e.ToAccount] = place{e.AddBlackTimeStamp, c.last}
}

// apply applies a change. What is there already, because a page showed it before, moves to the end, so that the order becomes
// the server's. Removing what is not there does nothing.
func (c *listCopy) apply(ch api.BlocklistChange) {
	for _, id := range ch.Removed {
		delete(c.entries, id)
	}
	for _, e := range ch.Added {
		c.put(e)
	}
	c.at.Sequence = ch.Sequence
}

// snapshot returns the list as it is now.
func (c *listCopy) snapshot() Blocklist {
	ids := slices.SortedFunc(maps.Keys(c.entries), func(a, b string) int { return cmp.Compare(c.entries[a].order, c.entries[b].order) })
	b := Blocklist{List: c.at.List, Sequence: c.at.Sequence, Entries: make([]Entry, len(ids))}
	for i, id := range ids {
		b.Entries[i] = Entry{id, time.Unix(c.entries[id].since, 0)}
	}
	return b
}
