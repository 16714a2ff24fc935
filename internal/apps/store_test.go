package apps_test

import (
	"context"
	"sync"

	"github.com/kithchat/kith/internal/relation"
)

// tableStore is an AppStore on a map. It keeps to the contract, and fails on demand: before a write, or after one, as an
// engine does that lost the answer to a commit.
type tableStore struct {
	mu         sync.Mutex
	apps       map[uint32]relation.App
	failBefore error
	failAfter  error
}

func newTableStore() *tableStore { return &tableStore{apps: map[uint32]relation.App{}} }

func (s *tableStore) Apps(context.Context) ([]relation.App, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []relation.App
	for _, app := range s.apps {
		all = append(all, app)
	}
	return all, nil
}

func (s *tableStore) CreateApp(_ context.Context, app relation.App) error {
	return s.write(app.SDKAppID, false, relation.ErrAppExists, func() { s.apps[app.SDKAppID] = app })
}

func (s *tableStore) UpdateApp(_ context.Context, app relation.App) error {
	return s.write(app.SDKAppID, true, relation.ErrNoApp, func() { s.apps[app.SDKAppID] = app })
}

func (s *tableStore) DeleteApp(_ context.Context, id uint32) error {
	return s.write(id, true, relation.ErrNoApp, func() { delete(s.apps, id) })
}

func (s *tableStore) write(id uint32, exists bool, otherwise error, do func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failBefore != nil {
		return s.failBefore
	}
	if _, ok := s.apps[id]; ok != exists {
		return otherwise
	}
	do()
	return s.failAfter
}

// refuse makes writes fail as they do while the disk is full.
func (s *tableStore) refuse(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failBefore = nil
	if yes {
		s.failBefore = relation.ErrUnavailable
	}
}
