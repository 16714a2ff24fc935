package restapi

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

type memAccount struct {
	exists bool
	kicked int64
	blocks []relation.BlockEntry
	seq    int64
	events []relation.NewEvent
}

type memKey struct {
	app uint32
	id  string
}

type memStore struct {
	mu sync.Mutex
	m  map[memKey]*memAccount
}

func openStore(testing.TB) testStore { return &memStore{m: map[memKey]*memAccount{}} }

func (s *memStore) get(app uint32, id string) *memAccount {
	a := s.m[memKey{app, id}]
	if a == nil {
		a = &memAccount{}
		s.m[memKey{app, id}] = a
	}
	return a
}

func (a *memAccount) blocked(id string) bool {
	return slices.ContainsFunc(a.blocks, func(e relation.BlockEntry) bool { return e.UserID == id })
}

func (s *memStore) Apply(ctx context.Context, scope relation.Scope, decide func(relation.Snapshot) relation.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.get(scope.SDKAppID, scope.Owner)
	snap := relation.Snapshot{Owner: relation.Owner{Exists: o.exists, Blocks: len(o.blocks)}}
	for _, id := range scope.Accounts {
		snap.Accounts = append(snap.Accounts, relation.Account{Exists: s.get(scope.SDKAppID, id).exists, Blocked: o.blocked(id)})
	}
	c := decide(snap)
	for _, id := range c.Block {
		o.blocks = append(o.blocks, relation.BlockEntry{UserID: id, Since: c.At.Unix()})
	}
	o.blocks = slices.DeleteFunc(o.blocks, func(e relation.BlockEntry) bool { return slices.Contains(c.Unblock, e.UserID) })
	if len(c.Block)+len(c.Unblock) > 0 {
		o.seq++
	}
	o.events = append(o.events, c.Events...)
	for _, p := range c.Import {
		s.get(scope.SDKAppID, p.UserID).exists = true
	}
	for _, id := range c.Delete {
		gone := s.get(scope.SDKAppID, id)
		gone.exists, gone.blocks = false, nil
		for _, a := range s.m {
			a.blocks = slices.DeleteFunc(a.blocks, func(e relation.BlockEntry) bool { return e.UserID == id })
		}
	}
	for _, id := range c.Kick {
		s.get(scope.SDKAppID, id).kicked = c.At.Unix()
	}
	return nil
}

func (s *memStore) Blocklist(_ context.Context, q relation.BlockQuery) (relation.BlockPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.get(q.SDKAppID, q.Owner)
	if !a.exists {
		return relation.BlockPage{}, relation.ErrNoAccount
	}
	p := relation.BlockPage{Sequence: a.seq}
	if q.Start >= len(a.blocks) {
		return p, nil
	}
	end := min(len(a.blocks), q.Start+q.Limit)
	p.Entries = slices.Clone(a.blocks[q.Start:end])
	if end < len(a.blocks) {
		p.Next = end
	}
	return p, nil
}

func (s *memStore) CheckBlocks(_ context.Context, q relation.BlockCheckQuery) ([]relation.BlockState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.get(q.SDKAppID, q.Owner)
	if !o.exists {
		return nil, relation.ErrNoAccount
	}
	var states []relation.BlockState
	for _, id := range q.Targets {
		a := s.get(q.SDKAppID, id)
		states = append(states, relation.BlockState{Exists: a.exists, Blocked: o.blocked(id), BlockedBy: q.Both && a.blocked(q.Owner)})
	}
	return states, nil
}

func (s *memStore) Imported(_ context.Context, q relation.AccountSet) ([]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b []bool
	for _, id := range q.UserIDs {
		b = append(b, s.get(q.SDKAppID, id).exists)
	}
	return b, nil
}

func (s *memStore) KickedAt(_ context.Context, app uint32, id string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get(app, id).kicked, nil
}

func (s *memStore) Due(_ context.Context, q relation.DueQuery) ([]relation.DueHead, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var heads []relation.DueHead
	for k, a := range s.m {
		if k.app == q.SDKAppID && len(a.events) > 0 {
			heads = append(heads, relation.DueHead{Event: relation.Event{SDKAppID: k.app, Owner: k.id, Seq: 1, NewEvent: a.events[0]}, Due: time.Time{}, More: len(a.events) > 1})
		}
	}
	return heads, nil
}

func (s *memStore) Following(_ context.Context, key relation.EventKey, limit int) ([]relation.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ev []relation.Event
	for _, e := range s.get(key.SDKAppID, key.Owner).events[key.Seq:] {
		ev = append(ev, relation.Event{NewEvent: e, Owner: key.Owner})
	}
	return ev, nil
}
