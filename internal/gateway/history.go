package gateway

import (
	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/result"
)

// maxHistory is how many bytes of changes are kept of one list. It stays well below a connection's queue.
const maxHistory = 96 << 10

// list is what the gateway knows of a blocklist: where it stands, and the newest changes without a gap up to there. It is
// guarded by the user's shard.
type list struct {
	known   bool
	id      int64 // the life of the list
	seq     int64
	changes []api.BlocklistChange
	bytes   int
}

// news says how a list moved on.
type news uint8

const (
	stale   news = iota // nothing new: it was known already
	changed             // by one change that can be told
	moved               // in a way that cannot be told
)

// move takes a change from the store. It returns what is new, and by how many bytes the history grew.
func (l *list) move(c *relation.ListChange) (n news, grown int) {
	before := l.bytes
	switch {
	case l.known && c.List == l.id && c.Sequence <= l.seq:
		return stale, 0
	case c.Reload || l.known && (c.List != l.id || c.Sequence != l.seq+1):
		l.set(c.List, c.Sequence)
		return moved, l.bytes - before
	}
	if !l.known {
		l.set(c.List, c.Sequence)
	}
	l.seq = c.Sequence
	l.keep(api.BlocklistChange{Sequence: c.Sequence, Added: result.Entries(c.Added), Removed: c.Removed})
	return changed, l.bytes - before
}

// set puts the list to where the store says it is, without a history.
func (l *list) set(id, seq int64) {
	l.known, l.id, l.seq = true, id, seq
	l.changes, l.bytes = nil, 0
}

// clear forgets everything and returns how many bytes the history had.
func (l *list) clear() int {
	bytes := l.bytes
	*l = list{}
	return bytes
}

// keep appends a change and drops the oldest ones that do not fit any more.
func (l *list) keep(c api.BlocklistChange) {
	l.changes = append(l.changes, c)
	l.bytes += changeBytes(&c)
	n := 0
	for l.bytes > maxHistory {
		l.bytes -= changeBytes(&l.changes[n])
		n++
	}
	clear(l.changes[:n]) // the texts can go, though the array stays until it grows
	l.changes = l.changes[n:]
}

// changeBytes is about what a change takes, in memory and in a frame.
func changeBytes(c *api.BlocklistChange) int {
	const fixed, perEntry, perName = 96, 64, 32
	n := fixed + perEntry*len(c.Added) + perName*len(c.Removed)
	for _, e := range c.Added {
		n += len(e.ToAccount)
	}
	for _, name := range c.Removed {
		n += len(name)
	}
	return n
}

// since returns what a client missed whose copy stands at p; nil means that it has no copy.
func (l *list) since(p *api.BlocklistPosition) api.BlocklistNews {
	n := api.BlocklistNews{BlocklistPosition: position(l.id, l.seq), Changes: []api.BlocklistChange{}}
	first := l.seq - int64(len(l.changes)) // the position from which all changes are known
	if p == nil || p.List != n.List || p.Sequence > l.seq || p.Sequence < first {
		n.Reload = true
		return n
	}
	n.Changes = append(n.Changes, l.changes[p.Sequence-first:]...)
	return n
}
