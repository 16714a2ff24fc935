package store

import (
	"context"
	"fmt"

	"github.com/kithchat/kith/internal/relation"
)

var (
	selectPairs = set{
		one: `SELECT place FROM block WHERE target = $1 AND owner = $2`,
		all: `SELECT j.i, b.place FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS j(target, owner, i)
			CROSS JOIN LATERAL (SELECT place FROM block WHERE target = j.target AND owner = j.owner OFFSET 0) b`,
	}
	insertPairs = set{
		one: `INSERT INTO block (owner, place, target, since_s) VALUES ($1, $2, $3, $4)`,
		all: `INSERT INTO block (owner, place, target, since_s)
			SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])`,
	}
	deletePairs = set{
		one: `DELETE FROM block WHERE owner = $1 AND place = $2`,
		all: `DELETE FROM block b USING unnest($1::bigint[], $2::bigint[]) AS j(owner, place)
			WHERE b.owner = ANY (ARRAY[j.owner]) AND b.place = j.place`,
	}
)

// selectPage reads a list from a place on.
const selectPage = `SELECT a.userid, b.since_s, b.place FROM block b JOIN account a ON a.id = b.target
	WHERE b.owner = $1 AND b.place > $2 ORDER BY b.place LIMIT $3`

// loadPairs reads, for every call with an owner, which of its accounts are on the owner's list.
func (b *batch) loadPairs(c conn) error {
	b.pairs = make(map[pairKey]*pair, len(b.applies))
	var targets, owners []int64
	var order []*pair
	for _, call := range b.applies {
		if call.scope.Owner == "" {
			continue
		}
		owner := b.accounts[accountKey{call.scope.SDKAppID, call.scope.Owner}]
		if owner == nil || owner.id == 0 {
			continue
		}
		for _, userID := range call.scope.Accounts {
			target := b.accounts[accountKey{call.scope.SDKAppID, userID}]
			if target == nil || target.id == 0 {
				continue
			}
			key := pairKey{owner.id, target.id}
			if b.pairs[key] != nil {
				continue
			}
			p := &pair{pairKey: key}
			b.pairs[key] = p
			order = append(order, p)
			targets, owners = append(targets, target.id), append(owners, owner.id)
		}
	}
	if len(order) == 0 {
		return nil
	}
	return c.each(selectPairs, func(i int, r row) error {
		if err := r.scan(&order[i].before); err != nil {
			return err
		}
		order[i].now = order[i].before
		return nil
	}, targets, owners)
}

// writePairs writes the net difference: what was added and removed again in one batch leaves no trace.
func (b *batch) writePairs(c conn) error {
	var delOwner, delPlace []int64
	var owner, place, target, since []int64
	for _, p := range b.changed {
		if p.before == p.now {
			continue
		}
		if p.before != 0 {
			delOwner, delPlace = append(delOwner, p.owner), append(delPlace, p.before)
		}
		if p.now != 0 {
			owner, place = append(owner, p.owner), append(place, p.now)
			target, since = append(target, p.target), append(since, p.since)
		}
	}
	if len(delOwner) > 0 {
		if err := c.each(deletePairs, nil, delOwner, delPlace); err != nil {
			return err
		}
	}
	if len(owner) > 0 {
		return c.each(insertPairs, nil, owner, place, target, since)
	}
	return nil
}

// Blocklist implements relation.Store. A page costs its length: the place where it starts is remembered from the page
// before; only a jump into the middle of a list counts through it.
func (s *Store) Blocklist(ctx context.Context, q relation.BlockQuery) (relation.BlockPage, error) {
	var page relation.BlockPage
	err := s.engine.read(ctx, func(c conn) error {
		owner, err := findOwner(c, q.SDKAppID, q.Owner)
		if err != nil {
			return err
		}
		page.List, page.Sequence = owner.id, owner.seq
		after, found := q.After, true
		if after == 0 {
			after, found, err = s.pageStart(c, owner, q.Start)
		}
		if err != nil || !found {
			return err
		}
		return s.readPage(c, owner, after, q, &page)
	})
	return page, domainError(err)
}

// pageStart returns the place before the entry with index start, or that the list is shorter.
func (s *Store) pageStart(c conn, owner account, start int) (after int64, found bool, err error) {
	if start == 0 {
		return 0, true, nil
	}
	if place, ok := s.pages.get(pageHint{owner.id, owner.seq, start}); ok {
		return place, true, nil
	}
	err = c.query(`SELECT b.place FROM block b JOIN account a ON a.id = b.target WHERE b.owner = $1
		ORDER BY b.place LIMIT 1 OFFSET $2`, func(r row) error {
		found = true
		return r.scan(&after)
	}, owner.id, int64(start-1))
	return after, found, err
}

func (s *Store) readPage(c conn, owner account, after int64, q relation.BlockQuery, page *relation.BlockPage) error {
	var last int64
	more := false
	err := c.query(selectPage, func(r row) error {
		if len(page.Entries) == q.Limit {
			more = true
			return nil
		}
		var e relation.BlockEntry
		if err := r.scan(&e.UserID, &e.Since, &last); err != nil {
			return err
		}
		page.Entries = append(page.Entries, e)
		return nil
	}, owner.id, after, int64(q.Limit+1))
	if err != nil || !more {
		return err
	}
	page.Cursor = last
	if q.After == 0 {
		page.Next = q.Start + len(page.Entries)
		s.pages.put(pageHint{owner.id, owner.seq, page.Next}, last)
	}
	return nil
}

// CheckBlocks implements relation.Store.
func (s *Store) CheckBlocks(ctx context.Context, q relation.BlockCheckQuery) ([]relation.BlockState, error) {
	states := make([]relation.BlockState, len(q.Targets))
	err := s.engine.read(ctx, func(c conn) error {
		owner, err := findOwner(c, q.SDKAppID, q.Owner)
		if err != nil {
			return err
		}
		var ids, owners []int64
		var index []int
		err = lookUp(c, q.SDKAppID, q.Targets, func(i int, a account) {
			states[i].Exists = true
			ids, owners, index = append(ids, a.id), append(owners, owner.id), append(index, i)
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		err = c.each(selectPairs, func(i int, _ row) error { states[index[i]].Blocked = true; return nil }, ids, owners)
		if err != nil || !q.Both {
			return err
		}
		return c.each(selectPairs, func(i int, _ row) error { states[index[i]].BlockedBy = true; return nil }, owners, ids)
	})
	if err != nil {
		return nil, domainError(err)
	}
	return states, nil
}

func findOwner(c conn, app uint32, userID string) (owner account, err error) {
	err = lookUp(c, app, []string{userID}, func(_ int, a account) { owner = a })
	if err == nil && owner.id == 0 {
		err = fmt.Errorf("%w: %q", relation.ErrNoAccount, userID)
	}
	return owner, err
}
