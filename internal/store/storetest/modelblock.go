package storetest

import (
	"context"
	"slices"

	"github.com/kithchat/kith/internal/relation"
)

func has(list []relation.BlockEntry, id string) bool {
	return slices.ContainsFunc(list, func(e relation.BlockEntry) bool { return e.UserID == id })
}

func (a *modelAccount) remove(id string) bool {
	i := slices.IndexFunc(a.list, func(e relation.BlockEntry) bool { return e.UserID == id })
	if i < 0 {
		return false
	}
	a.list, a.places = slices.Delete(a.list, i, i+1), slices.Delete(a.places, i, i+1)
	return true
}

func (m *model) changeList(k account, change relation.Change) {
	if len(change.Block)+len(change.Unblock) == 0 {
		return
	}
	owner := m.accounts[k]
	owner.sequence++
	told := relation.ListChange{
		AccountKey: k.key(), List: owner.life, Sequence: owner.sequence, Removed: slices.Clone(change.Unblock),
	}
	for _, id := range change.Unblock {
		owner.remove(id)
	}
	for _, id := range change.Block {
		entry := relation.BlockEntry{UserID: id, Since: change.At.Unix()}
		owner.place++
		owner.list, owner.places = append(owner.list, entry), append(owner.places, owner.place)
		told.Added = append(told.Added, entry)
	}
	m.told.Lists = append(m.told.Lists, told)
}

func (m *model) Blocklist(_ context.Context, q relation.BlockQuery) (relation.BlockPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.accounts[account{q.SDKAppID, q.Owner}]
	if !ok {
		return relation.BlockPage{}, relation.ErrNoAccount
	}
	start := min(q.Start, len(a.list))
	if q.After != 0 {
		start, _ = slices.BinarySearch(a.places, q.After+1)
	}
	end := min(start+q.Limit, len(a.list))
	page := relation.BlockPage{Entries: slices.Clone(a.list[start:end]), List: a.life, Sequence: a.sequence}
	if end < len(a.list) {
		page.Cursor = a.places[end-1]
		if q.After == 0 {
			page.Next = end
		}
	}
	return page, nil
}

func (m *model) CheckBlocks(_ context.Context, q relation.BlockCheckQuery) ([]relation.BlockState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	owner, ok := m.accounts[account{q.SDKAppID, q.Owner}]
	if !ok {
		return nil, relation.ErrNoAccount
	}
	states := make([]relation.BlockState, len(q.Targets))
	for i, id := range q.Targets {
		target, exists := m.accounts[account{q.SDKAppID, id}]
		states[i] = relation.BlockState{
			Exists: exists, Blocked: has(owner.list, id),
			BlockedBy: q.Both && exists && has(target.list, q.Owner),
		}
	}
	return states, nil
}
