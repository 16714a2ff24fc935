package app

import (
	"slices"
	"sync"

	"github.com/kithchat/kith/api"
)

// blocklists is the backend's own copy of who blocks whom. Of two events about a pair the one with the higher sequence wins,
// in whatever order they come, so neither a repetition nor a replay puts an old state back. Its methods are safe for
// concurrent use.
type blocklists struct {
	mu   sync.Mutex
	apps map[uint32]map[string]map[string]entry // app, owner, target
}

// entry is the state of a pair. One that is not blocked any more stays, for its sequence.
type entry struct {
	sequence int64 // of the last event applied; 0 when the sender has none
	blocked  bool
}

// effect is what an event did to a pair.
type effect uint8

const (
	changed effect = iota
	unchanged
	outdated // a newer event was applied before
)

// apply sets the state of a pair, unless an event with a higher sequence did. Sequence 0 always sets it.
func (b *blocklists) apply(app uint32, p api.Pair, sequence int64, blocked bool) effect {
	b.mu.Lock()
	defer b.mu.Unlock()
	targets := b.targets(app, p.FromAccount)
	was := targets[p.ToAccount]
	if sequence != 0 && sequence < was.sequence {
		return outdated
	}
	targets[p.ToAccount] = entry{max(sequence, was.sequence), blocked}
	if was.blocked == blocked {
		return unchanged
	}
	return changed
}

// targets returns the pairs of an owner, to be changed. The lock is held.
func (b *blocklists) targets(app uint32, owner string) map[string]entry {
	if b.apps == nil {
		b.apps = make(map[uint32]map[string]map[string]entry)
	}
	if b.apps[app] == nil {
		b.apps[app] = make(map[string]map[string]entry)
	}
	if b.apps[app][owner] == nil {
		b.apps[app][owner] = make(map[string]entry)
	}
	return b.apps[app][owner]
}

// list returns the owner's targets in alphabetical order. It is never nil.
func (b *blocklists) list(app uint32, owner string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	targets := make([]string, 0, len(b.apps[app][owner]))
	for target, e := range b.apps[app][owner] {
		if e.blocked {
			targets = append(targets, target)
		}
	}
	slices.Sort(targets)
	return targets
}
