package main

import (
	"fmt"
	"math/rand/v2"
)

// call is one request to make.
type call struct {
	body []byte
	key  int64
	want want
}

// source makes the calls of a job. Connections call next at the same time, each with its own number; the lists of an
// owner are touched by one connection only.
type source interface {
	// next returns the next call of the connection, its body appended to b.
	next(conn int, b []byte) (call, bool)
}

// source returns the calls of a job.
func (g *generator) source(j job) (source, error) {
	removed := g.removed[j.Lists.Name]
	if removed == nil {
		removed = make([]int, j.Lists.Owners)
		for i := range removed {
			removed[i] = j.Lists.Size
		}
		g.removed[j.Lists.Name] = removed
	}
	if j.Dry {
		// A fresh walk over full lists, whatever the real ones hold now.
		removed = make([]int, j.Lists.Owners)
	}
	switch j.Kind {
	case kindImport:
		return newImports(j), nil
	case kindFill:
		return &fills{walk: newWalk(j, removed)}, nil
	case kindUnblock, kindDirect, kindDevice:
		return newUnblocks(j, removed), nil
	case kindCheck:
		return newChecks(j), nil
	}
	return nil, fmt.Errorf("unknown kind of load %q", j.Kind)
}

// walk goes round the owners of each connection: those whose number leaves the connection's as the remainder.
type walk struct {
	job     job
	removed []int
	at      []int // by connection: the owner that is next
}

func newWalk(j job, removed []int) walk {
	at := make([]int, j.Connections)
	for i := range at {
		at[i] = i
	}
	return walk{job: j, removed: removed, at: at}
}

// next returns the connection's next owner, by its place in the set, that fits; false when none does.
func (w *walk) next(conn int, fits func(owner int) bool) (int, bool) {
	owners := len(w.removed)
	for range owners/w.job.Connections + 1 {
		owner := w.at[conn]
		if w.at[conn] += w.job.Connections; w.at[conn] >= owners {
			w.at[conn] = conn
		}
		if owner < owners && fits(owner) {
			return owner, true
		}
	}
	return 0, false
}

// unblocks takes entries off full lists: the first ones that are left.
type unblocks struct {
	walk
	count int // entries that a call removes
	limit int // entries that may be missing from a list afterwards
}

func newUnblocks(j job, removed []int) *unblocks {
	u := &unblocks{walk: newWalk(j, removed), count: min(j.Targets, j.Lists.Size), limit: j.Lists.Size}
	if j.Depth > 0 {
		u.limit = max(u.count, j.Depth)
	}
	return u
}

func (u *unblocks) next(conn int, b []byte) (call, bool) {
	i, ok := u.walk.next(conn, u.fits)
	if !ok {
		return call{}, false
	}
	l, first := u.job.Lists, u.removed[i]
	u.removed[i] += u.count
	owner := l.First + i
	c := call{key: pairKey(owner, l.target(owner, first)), want: want{items: u.count}}
	switch u.job.Kind {
	case kindDirect:
		c.body, c.want = l.callback(owner, first, u.count), want{}
	case kindDevice:
		c.body = l.appendTargets(append(b, `{"jsonrpc":"2.0","id":1,"method":"blocklist.remove","params":{`...), owner, first, u.count)
		c.body = append(c.body, `}}`...)
	default:
		c.body = l.appendBlockRequest(b, owner, first, u.job.Targets)
	}
	return c, true
}

// fits tells whether the owner's list has another call left. Where nothing is really removed, a phase against time starts
// over, so that it never runs out.
func (u *unblocks) fits(owner int) bool {
	if u.removed[owner]+u.count <= u.limit {
		return true
	}
	if u.job.Dry && u.job.Duration > 0 {
		u.removed[owner] = 0
		return true
	}
	return false
}

// fills puts missing entries back, as many as fit into a call.
type fills struct{ walk }

func (f *fills) next(conn int, b []byte) (call, bool) {
	i, ok := f.walk.next(conn, func(owner int) bool { return f.removed[owner] > 0 })
	if !ok {
		return call{}, false
	}
	n := min(f.removed[i], maxTargets)
	f.removed[i] -= n
	body := f.job.Lists.appendBlockRequest(b, f.job.Lists.First+i, f.removed[i], n)
	return call{body: body, want: want{items: n}}, true
}

// imports names all accounts once, a hundred in a call.
type imports struct {
	job job
	at  []int // by connection: the import that is next
}

func newImports(j job) *imports {
	at := make([]int, j.Connections)
	for i := range at {
		at[i] = i
	}
	return &imports{j, at}
}

func (s *imports) next(conn int, b []byte) (call, bool) {
	first := s.at[conn] * importSize
	s.at[conn] += s.job.Connections
	if first >= s.job.Lists.Accounts {
		return call{}, false
	}
	return call{body: appendImportRequest(b, first, min(first+importSize, s.job.Lists.Accounts))}, true
}

// checks asks for random pairs, half of which are on a list.
type checks struct {
	lists listSet
	rand  []*rand.Rand
}

func newChecks(j job) *checks {
	c := &checks{lists: j.Lists}
	for i := range j.Connections {
		c.rand = append(c.rand, rand.New(rand.NewPCG(1, uint64(i))))
	}
	return c
}

func (s *checks) next(conn int, b []byte) (call, bool) {
	r := s.rand[conn]
	owner := s.lists.First + r.IntN(s.lists.Owners)
	target := s.lists.target(owner, r.IntN(min(2*s.lists.Size, s.lists.Accounts-1)))
	return call{body: s.lists.appendCheckRequest(b, owner, target), want: want{items: 1}}, true
}
