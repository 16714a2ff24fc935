package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/kithchat/kith/internal/relation"
)

func (m *model) changeOnline(k account, change relation.Change) {
	for _, id := range change.Offline {
		delete(m.accounts[k].online, id)
	}
	for _, d := range change.Online {
		m.accounts[k].online[d.ID] = d
	}
}

func (m *model) Online(_ context.Context, each func(relation.OnlineDevice)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, a := range m.accounts {
		for _, d := range a.online {
			each(relation.OnlineDevice{AccountKey: k.key(), Device: d})
		}
	}
	return nil
}

func (m *model) OnlineOf(_ context.Context, key relation.AccountKey) ([]relation.Device, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.accounts[account{key.SDKAppID, key.UserID}]
	if a == nil {
		return nil, nil
	}
	return slices.SortedFunc(maps.Values(a.online), func(a, b relation.Device) int { return strings.Compare(a.ID, b.ID) }), nil
}

// compareOnline is the order in which devices are compared.
func compareOnline(a, b relation.OnlineDevice) int {
	return cmp.Or(cmp.Compare(a.SDKAppID, b.SDKAppID), strings.Compare(a.UserID, b.UserID), strings.Compare(a.ID, b.ID))
}
