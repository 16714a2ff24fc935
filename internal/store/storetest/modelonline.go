package storetest

import (
	"cmp"
	"context"
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

func (m *model) Online(_ context.Context, q relation.OnlineQuery) ([]relation.OnlineDevice, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var devices []relation.OnlineDevice
	for k, a := range m.accounts {
		for _, d := range a.online {
			if d := (relation.OnlineDevice{AccountKey: k.key(), Device: d}); compareOnline(d, q.After) > 0 {
				devices = append(devices, d)
			}
		}
	}
	slices.SortFunc(devices, compareOnline)
	return devices[:min(len(devices), q.Limit)], nil
}

// compareOnline is the order of Online.
func compareOnline(a, b relation.OnlineDevice) int {
	return cmp.Or(cmp.Compare(a.SDKAppID, b.SDKAppID), strings.Compare(a.UserID, b.UserID), strings.Compare(a.ID, b.ID))
}
