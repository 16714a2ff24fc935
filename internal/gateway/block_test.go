package gateway_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// TestNobodyActsForSomebodyElse: whatever a client puts into a call, its own list is the one that is read or changed.
func TestNobodyActsForSomebodyElse(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.imports("victim", "rob", "tom", "mira.k")
		b.restBlock("victim", "tom", "mira.k")
		c := b.enters(loginOf("mira.k", "tab-1"))
		call := func(method, fields string) api.GatewayFrame {
			t.Helper()
			return c.call(method, jsonText(fmt.Sprintf(`{"From_Account":"victim","UserID":"victim","Owner":"victim","SDKAppID":1,%s}`, fields)))
		}
		for _, method := range []string{api.MethodBlocklistAdd, api.MethodBlocklistRemove, api.MethodBlocklistCheck} {
			if frame := call(method, `"To_Account":["rob","tom"]`); frame.Error != nil {
				t.Errorf("%s: %+v", method, *frame.Error)
			}
		}
		if frame := call(api.MethodBlocklistAdd, `"To_Account":["rob"]`); frame.Error != nil {
			t.Errorf("%+v", *frame.Error)
		}
		mine := decode[api.BlocklistPage](t, call(api.MethodBlocklistGet, `"Limit":10`).Result)
		if len(mine.BlackListItem) != 1 || mine.BlackListItem[0].ToAccount != "rob" {
			t.Errorf("the caller's list is %+v", mine)
		}
		page, err := b.service.Blocklist(t.Context(), relation.BlockQuery{SDKAppID: testApp, Owner: "victim", Limit: 10})
		b.must(err)
		if len(page.Entries) != 2 || page.Sequence != 1 {
			t.Errorf("the other's list was changed: %+v", page)
		}
		if info := decode[api.SessionInfo](t, call(api.MethodSessionGet, `"x":1`).Result); info.UserID != "mira.k" || info.SDKAppID != testApp {
			t.Errorf("session.get answers %+v", info)
		}
	})
}

// TestCheckTellsNothingOfOthers: the answer is the same whether the target blocked the caller or not.
func TestCheckTellsNothingOfOthers(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.imports("mira.k", "blocks-her", "does-not")
		b.restBlock("blocks-her", "mira.k")
		c := b.enters(loginOf("mira.k", "tab-1"))
		for _, want := range []string{api.BlackNo, api.BlackAWithB} {
			got := must[api.BlocklistCheckResult](c, api.MethodBlocklistCheck, api.BlocklistTargets{ToAccount: []string{"blocks-her", "does-not"}})
			for _, item := range got.BlackListCheckItem {
				if item.Relation != want {
					t.Errorf("%+v, want %s", item, want)
				}
			}
			must[api.BlocklistResult](c, api.MethodBlocklistAdd, api.BlocklistTargets{ToAccount: []string{"blocks-her", "does-not"}})
		}
	})
}

// TestPages: every size of page gives the whole list in its order.
func TestPages(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		var names []string
		for i := range 25 {
			names = append(names, fmt.Sprint("user", i))
		}
		b.imports(names...)
		c := b.enters(loginOf("mira.k", "tab-1"))
		must[api.BlocklistResult](c, api.MethodBlocklistAdd, api.BlocklistTargets{ToAccount: names})
		for _, limit := range []int{1, 5, 24, 25, 26, 1000} {
			var got []string
			p := api.BlocklistGetParams{Limit: limit}
			for {
				page := must[api.BlocklistPage](c, api.MethodBlocklistGet, p)
				for _, e := range page.BlackListItem {
					got = append(got, e.ToAccount)
				}
				if p.Cursor = page.Cursor; p.Cursor == "" {
					break
				}
			}
			if !slices.Equal(got, names) {
				t.Errorf("pages of %d: %v", limit, got)
			}
		}
	})
}

// TestLargestCalls: 1000 targets fit into a frame, and so does their answer.
func TestLargestCalls(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		names := make([]string, api.MaxBlocklistPage)
		for i := range names {
			names[i] = fmt.Sprintf("%032d", i)
		}
		c := b.enters(loginOf("mira.k", "tab-1"))
		for range 10 {
			b.imports(names[:100]...)
			names = append(names[100:], names[:100]...)
		}
		all := api.BlocklistTargets{ToAccount: names}
		if got := must[api.BlocklistResult](c, api.MethodBlocklistAdd, all); len(got.ResultItem) != 1000 || got.FailAccount != nil {
			t.Errorf("added %d, failed %d", len(got.ResultItem), len(got.FailAccount))
		}
		page := must[api.BlocklistPage](c, api.MethodBlocklistGet, api.BlocklistGetParams{Limit: 1000})
		if len(page.BlackListItem) != 1000 || page.Cursor != "" {
			t.Errorf("%d entries, cursor %q", len(page.BlackListItem), page.Cursor)
		}
		if got := must[api.BlocklistCheckResult](c, api.MethodBlocklistCheck, all); len(got.BlackListCheckItem) != 1000 {
			t.Errorf("checked %d", len(got.BlackListCheckItem))
		}
		if got := must[api.BlocklistResult](c, api.MethodBlocklistRemove, all); got.FailAccount != nil {
			t.Errorf("failed %d", len(got.FailAccount))
		}
	})
}

// TestCallsMakeEvents: with the origin that the session has, for exactly the pairs that changed.
func TestCallsMakeEvents(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.updateApp(func(app *relation.App) { app.Callback.URL = "http://192.0.2.1/hooks" })
		b.imports("rob", "tom")
		p := on(api.PlatformMac, "mira.k", "desk")
		c := b.from("2001:db8::7", "")
		must[api.LoginResult](c, api.MethodLogin, p)
		targets := func(names ...string) api.BlocklistTargets { return api.BlocklistTargets{ToAccount: names} }
		must[api.BlocklistResult](c, api.MethodBlocklistAdd, targets("rob", "nobody", "tom", "rob"))
		must[api.BlocklistResult](c, api.MethodBlocklistAdd, targets("rob"))
		must[api.BlocklistResult](c, api.MethodBlocklistRemove, targets("tom", "mira.k"))
		must[api.BlocklistResult](c, api.MethodBlocklistRemove, targets("tom"))
		b.wantOutbox("mira.k", "Add rob tom, Mac 2001:db8::7", "Delete tom, Mac 2001:db8::7")
	})
}

// TestAnswersKeepTheOrderOfCalls: many calls are sent before any answer is read.
func TestAnswersKeepTheOrderOfCalls(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.imports("rob")
		c := b.enters(loginOf("mira.k", "tab-1"))
		for i := range 50 {
			method := []string{api.MethodBlocklistAdd, api.MethodBlocklistRemove}[i%2]
			c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":"c%d","method":%q,"params":{"To_Account":["rob"]}}`, i, method))
		}
		for i := range 50 {
			change, _ := c.receive()
			answer, _ := c.receive()
			got := decode[api.BlocklistChange](t, change.Params)
			if got.Sequence != int64(i+1) || string(answer.ID) != fmt.Sprintf(`"c%d"`, i) || answer.Error != nil {
				t.Fatalf("call %d: %+v, %+v", i, change, answer)
			}
		}
	})
}

// TestChangeOfAnAppIsLive: the next call goes by the app as it is now.
func TestChangeOfAnAppIsLive(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.imports("rob", "tom")
		c := b.enters(loginOf("mira.k", "tab-1"))
		b.updateApp(func(app *relation.App) { app.BlocklistLimit = 1 })
		got := must[api.BlocklistResult](c, api.MethodBlocklistAdd, api.BlocklistTargets{ToAccount: []string{"rob", "tom"}})
		if !reflect.DeepEqual(got.FailAccount, []string{"tom"}) || got.ResultItem[1].ResultCode != api.CodeBlocklistFull {
			t.Errorf("%+v", got)
		}
	})
}

// jsonText is JSON as it is.
type jsonText string

// MarshalJSON implements json.Marshaler.
func (t jsonText) MarshalJSON() ([]byte, error) { return []byte(t), nil }
