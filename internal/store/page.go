package store

import "sync"

// maxPageHints bounds the memory of page hints: two generations of this many, about 100 bytes each.
const maxPageHints = 4096

// pageHint names an index into one state of a list.
type pageHint struct {
	owner, seq int64
	index      int
}

// pageHints remembers at which place a next page starts. A hint holds for one sequence of the list, so it never goes
// stale; the oldest are forgotten a generation at a time.
type pageHints struct {
	mu       sync.Mutex
	new, old map[pageHint]int64
}

func newPageHints() *pageHints { return &pageHints{new: make(map[pageHint]int64)} }

func (p *pageHints) put(h pageHint, place int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.new) >= maxPageHints {
		p.old, p.new = p.new, make(map[pageHint]int64, maxPageHints)
	}
	p.new[h] = place
}

func (p *pageHints) get(h pageHint) (place int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if place, ok = p.new[h]; !ok {
		place, ok = p.old[h]
	}
	return place, ok
}
