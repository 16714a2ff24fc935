package gateway_test

import (
	"reflect"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

func TestEveryDeviceOfTheOwnerSeesEachChange(t *testing.T) {
	f := newFixture(t, nil)
	f.imports("rob", "tom")
	f.updateApp(func(app *relation.App) { app.DevicesPerPlatform = 5 })
	one, first := f.login("mira.k", "tab-1")
	two, _ := f.login("mira.k", "tab-2")
	blocked, _ := f.login("rob", "phone")
	if !first.Blocklist.Reload || first.Blocklist.Sequence != 0 {
		t.Errorf("a client without a copy gets %+v", first.Blocklist)
	}

	items := must[api.BlocklistResult](one, api.MethodBlocklistAdd, api.BlocklistTargets{ToAccount: []string{"rob", "nobody"}})
	if want := []string{"nobody"}; !reflect.DeepEqual(items.FailAccount, want) || items.ResultItem[0].ResultCode != 0 {
		t.Errorf("add: %+v", items)
	}
	if len(one.kept) != 1 {
		t.Errorf("%d changes came before the answer, want 1", len(one.kept))
	}
	f.restUnblock("mira.k", "rob")
	f.restBlock("mira.k", "tom")
	for _, c := range []*client{one, two} {
		for seq, want := range []api.BlocklistChange{
			{Added: []api.BlockEntry{{ToAccount: "rob"}}, Removed: []string{}},
			{Added: []api.BlockEntry{}, Removed: []string{"rob"}},
			{Added: []api.BlockEntry{{ToAccount: "tom"}}, Removed: []string{}},
		} {
			got := decode[api.BlocklistChange](t, c.notification(api.NotifyBlocklistChanged))
			for i := range got.Added {
				got.Added[i].AddBlackTimeStamp = 0
			}
			if want.Sequence = int64(seq + 1); !reflect.DeepEqual(got, want) {
				t.Errorf("change %+v, want %+v", got, want)
			}
		}
	}
	must[struct{}](blocked, api.MethodPing, nil)
	if len(blocked.kept) != 0 {
		t.Errorf("the blocked person was told %+v", blocked.kept)
	}
}
