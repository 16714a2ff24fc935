package app

import (
	"slices"
	"sync"

	"github.com/kithchat/kith/api"
)

// blocklists is the backend's own copy of who blocks whom. An event that the export, from which the copy was built, has in it
// changes nothing; of two others about a pair the one with the higher sequence wins. So neither a repetition nor a replay puts
// an old state back, in whatever order they come. Its methods are safe for concurrent use.
type blocklists struct {
	mu   sync.Mutex
	apps map[uint32]*mirror
}

// mirror is the copy of an app's lists.
type mirror struct {
	position string // of the export that it was built from
	owners   map[string]map[string]entry
}

// entry is the state of a pair. One that is not blocked any more stays, for its sequence.
type entry struct {
	sequence int64 // of the last event applied; 0 for one of the export, or when the sender has none
	blocked  bool
}

// effect is what an event did to a pair.
type effect uint8

const (
	changed effect = iota
	unchanged
	outdated // a newer event was applied before
	exported // the export has it in it
)

// apply sets the state of a pair, unless the export has the event in it, or an event with a higher sequence was applied.
// Sequence 0 always sets it.
func (b *blocklists) apply(app uint32, id string, p api.Pair, sequence int64, blocked bool) effect {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.of(app)
	if id != "" && id <= m.position {
		return exported
	}
	targets := m.targets(p.FromAccount)
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

// begin empties the copy of an app, with all sequences. From now on events up to the position change nothing.
func (b *blocklists) begin(app uint32, position string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*b.of(app) = mirror{position: position, owners: make(map[string]map[string]entry)}
}

// load adds an entry of the export, unless an event about the pair was applied since begin.
func (b *blocklists) load(app uint32, p api.Pair) {
	b.mu.Lock()
	defer b.mu.Unlock()
	targets := b.of(app).targets(p.FromAccount)
	if _, touched := targets[p.ToAccount]; !touched {
		targets[p.ToAccount] = entry{0, true}
	}
}

// of returns the copy of an app, to be changed. The lock is held.
func (b *blocklists) of(app uint32) *mirror {
	if b.apps == nil {
		b.apps = make(map[uint32]*mirror)
	}
	if b.apps[app] == nil {
		b.apps[app] = &mirror{owners: make(map[string]map[string]entry)}
	}
	return b.apps[app]
}

// targets returns the pairs of an owner, to be changed.
func (m *mirror) targets(owner string) map[string]entry {
	if m.owners[owner] == nil {
		m.owners[owner] = make(map[string]entry)
	}
	return m.owners[owner]
}

// list returns the owner's targets in alphabetical order. It is never nil.
func (b *blocklists) list(app uint32, owner string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	targets := []string{}
	if m := b.apps[app]; m != nil {
		for target, e := range m.owners[owner] {
			if e.blocked {
				targets = append(targets, target)
			}
		}
	}
	slices.Sort(targets)
	return targets
}
