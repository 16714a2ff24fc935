package client

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/kithchat/kith/api"
)

// Update is one of Connected, Disconnected, Synced, Changed, Expiring and Ended.
type Update interface{ weight() int }

// Connected says that the session is logged in.
type Connected struct{ SessionID string }

// Disconnected says that the connection was lost, or could not be made; the session goes on trying.
type Disconnected struct{ Err error }

// Synced is the whole list, as it is when the update is taken. It comes first, and whenever changes cannot be told one by one:
// too much was missed, or the reader fell behind. Changes that follow come after it.
type Synced struct{ Blocklist Blocklist }

// Changed is one change of the list, whoever made it. Removed went before Added.
type Changed struct {
	Sequence int64
	Added    []Entry
	Removed  []string
}

// Expiring says that the UserSig ends soon. The session renews it by itself.
type Expiring struct{ At time.Time }

// Ended is the last update. Err is ErrClosed after Close or Logout; else an *Error whose Refusal says why.
type Ended struct{ Err error }

// Kicked reports whether another device took this one's place among those that the app allows.
func (e Ended) Kicked() bool {
	why := asError(e.Err)
	return why != nil && why.Refusal == api.RefusalKicked
}

func (Connected) weight() int    { return 1 }
func (Disconnected) weight() int { return 1 }
func (Synced) weight() int       { return 1 }
func (c Changed) weight() int    { return 1 + len(c.Added) + len(c.Removed) }
func (Expiring) weight() int     { return 1 }
func (Ended) weight() int        { return 1 }

// backlog holds what waits to be read. A Synced in it has no list yet: it gets the one of when it is taken.
type backlog struct {
	waiting []Update
	total   int
	limit   int
}

// push adds an update. What gets too much is put together: one Synced for all changes, and the newest state.
func (b *backlog) push(u Update) {
	b.waiting = append(b.waiting, u)
	b.total += u.weight()
	if b.total > b.limit {
		b.coalesce()
	}
}

func (b *backlog) coalesce() {
	var kept []Update
	if slices.ContainsFunc(b.waiting, ofList) {
		kept = append(kept, Synced{})
	}
	if i := lastIndex(b.waiting, ofConnection); i >= 0 {
		kept = append(kept, b.waiting[i])
	}
	if i := lastIndex(b.waiting, ofEnd); i >= 0 {
		kept = append(kept, b.waiting[i])
	}
	b.set(kept)
}

func (b *backlog) set(updates []Update) {
	b.waiting, b.total = updates, 0
	for _, u := range updates {
		b.total += u.weight()
	}
}

// pop takes the first update. A Synced takes along the changes behind it, which are in the list already.
func (b *backlog) pop(list *listCopy) (Update, bool) {
	if len(b.waiting) == 0 {
		return nil, false
	}
	u := b.waiting[0]
	b.waiting[0] = nil
	b.waiting = b.waiting[1:]
	b.total -= u.weight()
	if _, whole := u.(Synced); whole {
		b.set(slices.DeleteFunc(b.waiting, ofList))
		return Synced{list.snapshot()}, true
	}
	return u, true
}

func ofList(u Update) bool {
	switch u.(type) {
	case Synced, Changed:
		return true
	}
	return false
}

func ofConnection(u Update) bool {
	switch u.(type) {
	case Connected, Disconnected:
		return true
	}
	return false
}

func ofEnd(u Update) bool {
	_, is := u.(Ended)
	return is
}

func lastIndex(updates []Update, is func(Update) bool) int {
	for i, u := range slices.Backward(updates) {
		if is(u) {
			return i
		}
	}
	return -1
}

// Updates returns what happens, in order, until ctx or the session ends. Each update is given once: loops that run at the same
// time share them. Who does not read loses no change: when more than Options.Backlog wait, they become one Synced.
func (s *Session) Updates(ctx context.Context) iter.Seq[Update] {
	return func(yield func(Update) bool) {
		for {
			u, ok := s.nextUpdate(ctx)
			if !ok || !yield(u) {
				return
			}
		}
	}
}

func (s *Session) nextUpdate(ctx context.Context) (u Update, ok bool) {
	over := false
	if ctx.Err() != nil {
		return nil, false
	}
	err := s.until(ctx, func() bool {
		u, ok = s.updates.pop(s.list)
		over = !ok && s.err != nil
		return ok || over
	})
	return u, ok && err == nil
}
