package app

import (
	"slices"
	"sync"

	"github.com/kithchat/kith/api"
)

// blocklists is the backend's own copy of who blocks whom. Adding and removing are set operations, so an event that is
// delivered twice changes nothing the second time. Its methods are safe for concurrent use.
type blocklists struct {
	mu   sync.Mutex
	apps map[uint32]map[string]map[string]struct{} // app, owner, target
}

// add reports whether the target was not on the owner's list before.
func (b *blocklists) add(app uint32, p api.Pair) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.apps == nil {
		b.apps = make(map[uint32]map[string]map[string]struct{})
	}
	owners := b.apps[app]
	if owners == nil {
		owners = make(map[string]map[string]struct{})
		b.apps[app] = owners
	}
	targets := owners[p.FromAccount]
	if targets == nil {
		targets = make(map[string]struct{})
		owners[p.FromAccount] = targets
	}
	_, known := targets[p.ToAccount]
	targets[p.ToAccount] = struct{}{}
	return !known
}

// remove reports whether the target was on the owner's list before.
func (b *blocklists) remove(app uint32, p api.Pair) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	targets := b.apps[app][p.FromAccount]
	_, known := targets[p.ToAccount]
	delete(targets, p.ToAccount)
	if len(targets) == 0 {
		delete(b.apps[app], p.FromAccount)
	}
	return known
}

// list returns the owner's targets in alphabetical order. It is never nil.
func (b *blocklists) list(app uint32, owner string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	targets := make([]string, 0, len(b.apps[app][owner]))
	for target := range b.apps[app][owner] {
		targets = append(targets, target)
	}
	slices.Sort(targets)
	return targets
}
