package restapi

import (
	"context"
	"sync/atomic"

	"github.com/kithchat/kith/internal/relation"
)

// nullStore knows every account, finds every target on every list, and keeps nothing. It stands for an infinitely fast
// store in benchmarks, and for one that tells whether a call wanted a change in fuzzing.
type nullStore struct {
	changes atomic.Int64
	last    atomic.Pointer[relation.Change]
}

func (s *nullStore) Apply(_ context.Context, scope relation.Scope, decide func(relation.Snapshot) relation.Change) error {
	snap := relation.Snapshot{
		Owner:    relation.Owner{Exists: true, Blocks: len(scope.Accounts)},
		Accounts: make([]relation.Account, len(scope.Accounts)),
	}
	for i := range snap.Accounts {
		snap.Accounts[i] = relation.Account{Exists: true, Blocked: true}
	}
	c := decide(snap)
	s.last.Store(&c)
	if len(c.Block)+len(c.Unblock)+len(c.Import)+len(c.Delete)+len(c.Kick)+len(c.Events) > 0 {
		s.changes.Add(1)
	}
	return nil
}

func (s *nullStore) Blocklist(context.Context, relation.BlockQuery) (relation.BlockPage, error) {
	return relation.BlockPage{}, nil
}

func (s *nullStore) CheckBlocks(_ context.Context, q relation.BlockCheckQuery) ([]relation.BlockState, error) {
	return make([]relation.BlockState, len(q.Targets)), nil
}

func (s *nullStore) Imported(_ context.Context, q relation.AccountSet) ([]bool, error) {
	return make([]bool, len(q.UserIDs)), nil
}

func (s *nullStore) Account(context.Context, relation.AccountKey) (relation.AccountHead, error) {
	return relation.AccountHead{}, nil
}

func (s *nullStore) Online(context.Context, func(relation.OnlineDevice)) error { return nil }

func (s *nullStore) OnlineOf(context.Context, relation.AccountKey) ([]relation.Device, error) {
	return nil, nil
}

func (s *nullStore) KickedAt(context.Context, uint32, string) (int64, error) { return 0, nil }
