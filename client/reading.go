package client

import (
	"context"
	"encoding/json"

	"github.com/kithchat/kith/api"
)

// maxHeld is how many changes are held back while pages are read. With more, the reading begins anew.
const maxHeld = 10_000

// reading is the reading of the whole list, page by page, while it goes on changing. The pages are of different moments, so
// the result is exact only when every change up to the last page's sequence has been applied to it.
type reading struct {
	pages  *listCopy // at the first page's position; nil before it
	held   []api.BlocklistChange
	upTo   int64 // the highest sequence of a page
	whole  bool  // the last page is there
	failed int
}

// hold keeps a change for later. It returns false when one is missing before it.
func (r *reading) hold(c api.BlocklistChange) bool {
	if n := len(r.held); n > 0 {
		last := r.held[n-1].Sequence
		if c.Sequence <= last {
			return true
		}
		if c.Sequence != last+1 || n >= maxHeld {
			return false
		}
	}
	r.held = append(r.held, c)
	return true
}

// page takes a page in. It returns false for a page of another list.
func (r *reading) page(p *api.BlocklistPage) bool {
	if r.pages == nil {
		r.pages = copyOf(&Blocklist{List: p.List, Sequence: p.Sequence})
	}
	if p.List != r.pages.at.List || p.Sequence < r.upTo {
		return false
	}
	for _, e := range p.BlackListItem {
		r.pages.put(e)
	}
	r.upTo, r.whole = p.Sequence, p.Cursor == ""
	return true
}

// settle applies the changes that were held back. missing says that they have a gap; exact that the list is complete.
func (r *reading) settle() (exact, missing bool) {
	if !r.whole {
		return false, false
	}
	for _, c := range r.held {
		switch at := r.pages.at.Sequence; {
		case c.Sequence <= at:
		case c.Sequence == at+1:
			r.pages.apply(c)
		default:
			return false, true
		}
	}
	r.held = nil
	return r.pages.at.Sequence >= r.upTo, false
}

// catchUpLocked takes in what a login says about the list.
func (s *Session) catchUpLocked(l *link, news api.BlocklistNews) {
	s.reading = nil
	if news.Reload || s.list == nil || news.List != s.list.at.List {
		s.readLocked(l, nil)
		return
	}
	for _, c := range news.Changes {
		s.changeLocked(l, c)
	}
	if s.reading == nil && s.list.at.Sequence != news.Sequence {
		s.readLocked(l, nil)
	}
}

// changeLocked applies a change, holds it back, or begins to read the list when one before it is missing.
func (s *Session) changeLocked(l *link, c api.BlocklistChange) {
	if r := s.reading; r != nil {
		if !r.hold(c) {
			s.readLocked(l, &c)
			return
		}
		s.settleLocked(l)
		return
	}
	switch at := s.list.at.Sequence; {
	case c.Sequence <= at:
	case c.Sequence == at+1:
		s.list.apply(c)
		s.updates.push(Changed{c.Sequence, entries(c.Added), c.Removed})
	default:
		s.readLocked(l, &c)
	}
}

// readLocked begins to read the list, with a change that is known already.
func (s *Session) readLocked(l *link, first *api.BlocklistChange) {
	r := &reading{}
	if s.reading != nil {
		r.failed = s.reading.failed + 1
	}
	if first != nil {
		r.held = append(r.held, *first)
	}
	s.reading = r
	s.askPage(l, r, "")
}

// askPage asks for a page, if the reading still goes on when the answer comes.
func (s *Session) askPage(l *link, r *reading, cursor string) {
	params, err := encodeParams(api.BlocklistGetParams{Cursor: cursor, Limit: api.MaxBlocklistPage})
	if err != nil {
		l.fail(err)
		return
	}
	ask := func() {
		l.send(api.MethodBlocklistGet, params, func(body json.RawMessage, err error) { s.pageCame(l, r, body, err) })
	}
	if r.failed == 0 || cursor != "" {
		s.running.Go(ask) // not under the session's lock
		return
	}
	s.running.Go(func() {
		if pauses.wait(l.ctx, r.failed-1, 0) == nil {
			ask()
		}
	})
}

func (s *Session) pageCame(l *link, r *reading, body json.RawMessage, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading != r || l.ctx.Err() != nil {
		return // begun anew meanwhile, or the link is gone and the next login asks again
	}
	var p api.BlocklistPage
	if err != nil || json.Unmarshal(body, &p) != nil || !r.page(&p) {
		s.readLocked(l, nil)
		return
	}
	if !r.whole {
		s.askPage(l, r, p.Cursor)
		return
	}
	s.settleLocked(l)
	if s.reading == r {
		s.running.Go(func() { s.overdue(l, r) })
	}
	s.wakeLocked()
}

// settleLocked takes the list over if it is complete.
func (s *Session) settleLocked(l *link) {
	exact, missing := s.reading.settle()
	switch {
	case missing:
		s.readLocked(l, nil)
	case exact:
		s.list, s.reading = s.reading.pages, nil
		s.updates.push(Synced{})
	}
}

// overdue begins the reading anew when the changes that the pages show are not told in time.
func (s *Session) overdue(l *link, r *reading) {
	ctx, cancel := context.WithTimeout(l.ctx, s.o.Timeout)
	defer cancel()
	err := s.until(ctx, func() bool { return s.reading != r })
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.reading == r && l.ctx.Err() == nil {
		s.readLocked(l, nil)
	}
}

// Blocklist returns the copy of the user's list, as of the last change that reached it. It waits until the list was read for
// the first time, and not again: while the connection is lost the copy stays as it was.
func (s *Session) Blocklist(ctx context.Context) (Blocklist, error) {
	if err := s.until(ctx, func() bool { return s.list != nil || s.err != nil }); err != nil {
		return Blocklist{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil {
		return Blocklist{}, s.err
	}
	return s.list.snapshot(), nil
}
