package gateway_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
)

// connected returns the device ids of the session's user, as the session sees them.
func connected(c *client) []string {
	c.t.Helper()
	info := must[api.SessionInfo](c, api.MethodSessionGet, nil)
	var ids []string
	for _, d := range info.Devices {
		ids = append(ids, d.DeviceID)
	}
	return ids
}

func (c *client) wantDevices(ids ...string) {
	c.t.Helper()
	if got := connected(c); !reflect.DeepEqual(got, ids) {
		c.t.Errorf("connected are %v, want %v", got, ids)
	}
}

// ends fails the test unless the connection ends with this code.
func (c *client) ends(why api.Refusal) {
	c.t.Helper()
	if got := c.end(); got != why {
		c.t.Errorf("ended with %d, want %d", got, why)
	}
}

func TestOneDeviceOfEachPlatform(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		var devices []*client
		for _, platform := range api.Platforms() {
			devices = append(devices, b.enters(on(platform, "mira.k", "first-"+platform)))
		}
		for i, platform := range api.Platforms() {
			next := b.enters(on(platform, "mira.k", "second-"+platform))
			devices[i].ends(api.RefusalKicked)
			devices[i] = next
		}
		if got := len(connected(devices[0])); got != len(devices) {
			t.Errorf("%d devices are connected, want one of each platform", got)
		}
		other := b.enters(on("Toaster", "mira.k", "toaster")) // any other word is Unknown, and so of that platform
		devices[len(devices)-1].ends(api.RefusalKicked)
		b.enters(on(api.PlatformWeb, "rob", "tab")) // other users are not concerned
		if got := len(connected(other)); got != len(devices) {
			t.Errorf("%d devices are connected, want one of each platform", got)
		}
	})
}

func TestTheOldestLoginGoes(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.updateApp(func(app *relation.App) { app.DevicesPerPlatform = 3 })
		one := b.enters(loginOf("mira.k", "tab-1"))
		two := b.enters(loginOf("mira.k", "tab-2"))
		b.enters(loginOf("mira.k", "tab-3"))
		one2 := b.enters(loginOf("mira.k", "tab-1")) // a newer login than the others, now
		one.ends(api.RefusalReplaced)
		one2.wantDevices("tab-2", "tab-3", "tab-1")
		b.enters(loginOf("mira.k", "tab-4"))
		two.ends(api.RefusalKicked)
		one2.wantDevices("tab-3", "tab-1", "tab-4")

		b.updateApp(func(app *relation.App) { app.DevicesPerPlatform = 1 })
		one2.wantDevices("tab-3", "tab-1", "tab-4") // counts from the next login on
		last := b.enters(loginOf("mira.k", "tab-5"))
		one2.ends(api.RefusalKicked)
		last.wantDevices("tab-5")
	})
}

// TestMaxSessions: the limit of the server holds for all platforms together, and for one that has more room than it.
func TestMaxSessions(t *testing.T) {
	for _, platforms := range [][]string{
		{api.PlatformWeb},
		{api.PlatformWeb, api.PlatformAndroid, api.PlatformIOS, api.PlatformMac, api.PlatformIPad},
	} {
		t.Run(fmt.Sprint(len(platforms)), func(t *testing.T) {
			inBubble(t, func(o *gateway.Options) { o.MaxSessions = 3 }, func(t *testing.T, b *bubble) {
				b.updateApp(func(app *relation.App) { app.DevicesPerPlatform = 10 })
				var devices []*client
				for i := range 5 {
					devices = append(devices, b.enters(on(platforms[i%len(platforms)], "mira.k", fmt.Sprint("d", i))))
				}
				devices[0].ends(api.RefusalKicked)
				devices[1].ends(api.RefusalKicked)
				devices[4].wantDevices("d2", "d3", "d4")
			})
		})
	}
}

// TestKick: a kick by REST ends every session of the account and voids its tickets; newer ones work.
func TestKick(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		p := loginOf("mira.k", "tab-1")
		tab, phone := b.enters(p), b.enters(on(api.PlatformIOS, "mira.k", "phone"))
		bystander := b.enters(loginOf("rob", "tab-1"))
		b.pass(time.Second)
		b.must(b.service.Kick(t.Context(), testApp, "mira.k"))
		tab.ends(api.RefusalRevoked)
		phone.ends(api.RefusalRevoked)
		refused(b.from(home, ""), p, api.CodeTicketRevoked, api.RefusalRevoked)
		again := b.enters(loginOf("mira.k", "tab-1"))
		again.wantDevices("tab-1")
		must[struct{}](bystander, api.MethodPing, nil)
		if got := b.g.Platforms(testApp, "mira.k"); !reflect.DeepEqual(got, []string{api.PlatformWeb}) {
			t.Errorf("online from %v", got)
		}
	})
}

func TestRenew(t *testing.T) {
	inBubble(t, func(o *gateway.Options) { o.Heartbeat = 24 * time.Hour }, func(t *testing.T, b *bubble) {
		renew := func(c *client, sig string) api.GatewayFrame {
			return c.call(api.MethodSessionRenew, api.RenewParams{UserSig: sig})
		}
		c := b.enters(loginOf("mira.k", "tab-1"))
		expires := time.Now().Add(time.Hour).Unix()
		old := ticket("mira.k", time.Now().Add(-2*time.Hour), time.Hour)
		b.pass(time.Second)
		for code, sig := range map[api.Code]string{
			api.CodeTicketEmpty:      "",
			api.CodeTicketMalformed:  "eJw",
			api.CodeTicketIdentifier: ticket("rob", time.Now(), time.Hour),
			api.CodeTicketExpired:    old,
		} {
			if frame := renew(c, sig); frame.Error == nil || frame.Error.Code != code {
				t.Errorf("renewed with %s, %+v; want code %d", frame.Result, frame.Error, code)
			}
		}
		if info := must[api.SessionInfo](c, api.MethodSessionGet, nil); info.ExpireTime != expires || info.UserID != "mira.k" {
			t.Errorf("after refused tickets: %+v", info)
		}
		b.pass(30 * time.Minute)
		longer := must[api.SessionExpiring](c, api.MethodSessionRenew, api.RenewParams{UserSig: ticket("mira.k", time.Now(), 10*time.Hour)})
		if longer.ExpireTime != time.Now().Add(10*time.Hour).Unix() {
			t.Errorf("renewed until %d", longer.ExpireTime)
		}
		b.pass(9 * time.Hour) // way past the end of the first one
		must[struct{}](c, api.MethodPing, nil)
		shorter := must[api.SessionExpiring](c, api.MethodSessionRenew, api.RenewParams{UserSig: ticket("mira.k", time.Now(), time.Minute)})
		b.pass(55 * time.Second)
		if got := decode[api.SessionExpiring](t, c.notification(api.NotifySessionExpiring)); got != shorter {
			t.Errorf("warned of %+v, want %+v", got, shorter)
		}
		b.pass(10 * time.Second)
		c.ends(api.RefusalExpired)
	})
}

// TestRenewedTicketDecides: which key signed the ticket that the session lives by now.
func TestRenewedTicketDecides(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		stale, renewed := b.enters(loginOf("rob", "tab-1")), b.enters(loginOf("mira.k", "tab-1"))
		b.updateApp(func(app *relation.App) {
			app.Keys = append([]relation.AppKey{{Secret: otherKey, Created: time.Now()}}, app.Keys...)
		})
		must[api.SessionExpiring](renewed, api.MethodSessionRenew, api.RenewParams{UserSig: b.sign(otherKey, "mira.k")})
		b.updateApp(func(app *relation.App) { app.Keys = app.Keys[:1] })
		stale.ends(api.RefusalKeyDropped)
		must[struct{}](renewed, api.MethodPing, nil)
		refused(b.from(home, ""), loginOf("rob", "tab-1"), api.CodeTicketSignature, api.RefusalKeyDropped)
	})
}

func TestAppsThatGo(t *testing.T) {
	for name, change := range map[string]func(*bubble){
		"disabled": func(b *bubble) { b.updateApp(func(app *relation.App) { app.Disabled = true }) },
		"deleted":  func(b *bubble) { b.must(b.apps.Delete(b.t.Context(), testApp)) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, b *bubble) {
				_, err := b.apps.Create(t.Context(), appOf(1600077124, otherKey))
				b.must(err)
				tab, phone := b.enters(loginOf("mira.k", "tab-1")), b.enters(on(api.PlatformIOS, "mira.k", "phone"))
				p := loginOf("mira.k", "tab-1")
				p.SDKAppID, p.UserSig = 1600077124, b.signFor(1600077124, otherKey, "mira.k")
				namesake := b.enters(p)
				change(b)
				tab.ends(api.RefusalApp)
				phone.ends(api.RefusalApp)
				must[struct{}](namesake, api.MethodPing, nil)
			})
		})
	}
}

// TestDeletedAccount: its sessions end; its devices begin anew when it is imported again.
func TestDeletedAccount(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.imports("rob")
		c := b.enters(loginOf("mira.k", "tab-1"))
		b.restBlock("mira.k", "rob")
		page := must[api.BlocklistPage](c, api.MethodBlocklistGet, api.BlocklistGetParams{Limit: 10})
		b.deletes("mira.k")
		c.ends(api.RefusalDeleted)
		p := loginOf("mira.k", "tab-1")
		p.Blocklist = &page.BlocklistPosition
		again := b.from(home, "")
		news := must[api.LoginResult](again, api.MethodLogin, p).Blocklist
		if !news.Reload || news.Sequence != 0 || news.List == page.List {
			t.Errorf("a new life begins with %+v; the old one was %+v", news, page.BlocklistPosition)
		}
	})
}

func TestHeartbeat(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		silent, pings, calls := b.enters(loginOf("a", "tab")), b.enters(loginOf("b", "tab")), b.enters(loginOf("c", "tab"))
		for range 4 {
			b.pass(20 * time.Second)
			must[struct{}](calls, api.MethodPing, nil)
			b.must(pings.ws.Ping(t.Context())) // of WebSocket itself; browsers cannot, other clients do
		}
		silent.ends(api.RefusalHeartbeat)
		must[struct{}](pings, api.MethodPing, nil)
		must[struct{}](calls, api.MethodPing, nil)
	})
}

// TestCloseAfterSilence: a client that closes gets its close frame answered, however long ago the last frame was.
func TestCloseAfterSilence(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		c := b.enters(loginOf("mira.k", "tab-1"))
		b.pass(time.Minute)
		b.must(c.ws.Close(websocket.StatusNormalClosure, ""))
		c.ends(api.Refusal(websocket.StatusNormalClosure))
	})
}
