package gateway_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
)

// tellsStates has the app's backend told of logins.
func (b *bubble) tellsStates() {
	b.t.Helper()
	b.updateApp(func(app *relation.App) {
		app.Callback.URL, app.Callback.On = "http://192.0.2.1/hooks", []relation.EventKind{relation.EventState}
	})
}

// outbox returns what waits for the app's backend of a user, in order, a line each.
func (b *bubble) outbox(userID string) []string {
	b.t.Helper()
	synctest.Wait()
	heads, err := b.store.Due(b.t.Context(), relation.DueQuery{SDKAppID: testApp, Now: time.Now().Add(time.Hour), Limit: 100})
	b.must(err)
	var lines []string
	for _, head := range heads {
		if head.Owner != userID {
			continue
		}
		rest, err := b.store.Following(b.t.Context(), head.Key(), 100)
		b.must(err)
		for _, e := range append([]relation.Event{head.Event}, rest...) {
			lines = append(lines, eventLine(&e))
		}
	}
	return lines
}

func eventLine(e *relation.Event) string {
	what := strings.TrimPrefix(string(e.Kind), "Sns.CallbackBlackList") + " " + strings.Join(e.Targets, " ")
	if s := e.State; s != nil {
		what = s.Action + " " + s.Reason
		if len(s.Kicked) > 0 {
			what += " out " + strings.Join(s.Kicked, " ")
		}
	}
	return fmt.Sprint(what, ", ", e.Origin.Platform, " ", e.Origin.ClientIP)
}

func (b *bubble) wantOutbox(userID string, want ...string) {
	b.t.Helper()
	if got := b.outbox(userID); !reflect.DeepEqual(got, want) {
		b.t.Errorf("the outbox of %s holds\n\t%s\nwant\n\t%s", userID, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// recorded returns the devices that the store has as online.
func (b *bubble) recorded() (devices []string) {
	b.t.Helper()
	synctest.Wait()
	b.must(b.store.Online(b.t.Context(), func(d relation.OnlineDevice) { devices = append(devices, d.UserID+"/"+d.Device.ID) }))
	return devices
}

func (b *bubble) wantRecorded(want ...string) {
	b.t.Helper()
	if got := b.recorded(); !reflect.DeepEqual(got, want) {
		b.t.Errorf("recorded as online are %v, want %v", got, want)
	}
}

func TestLoginAndLogoutAreTold(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.tellsStates()
		b.updateApp(func(app *relation.App) { app.DevicesPerPlatform = 2 })
		b.imports("rob")
		one := b.enters(on(api.PlatformIOS, "mira.k", "phone"))
		must[api.BlocklistResult](one, api.MethodBlocklistAdd, api.BlocklistTargets{ToAccount: []string{"rob"}})
		b.restUnblock("mira.k", "rob")
		two := b.enters(on("Watch", "mira.k", "watch"))
		b.enters(on(api.PlatformIOS, "mira.k", "phone-2"))
		b.wantRecorded("mira.k/phone", "mira.k/phone-2", "mira.k/watch")
		b.enters(on(api.PlatformIOS, "mira.k", "phone-3"))
		must[struct{}](two, api.MethodLogout, nil)
		b.pass(time.Minute) // nothing more comes of those that are gone
		b.wantOutbox("mira.k",
			"Login Register, iOS 198.51.100.7",
			"Add rob, iOS 198.51.100.7",
			"Delete rob, RESTAPI 203.0.113.9",
			"Login Register, Unknown 198.51.100.7",
			"Login Register, iOS 198.51.100.7",
			"Login Register out iOS, iOS 198.51.100.7",
			"Logout Unregister, Unknown 198.51.100.7",
		)
		b.wantRecorded("mira.k/phone-2", "mira.k/phone-3")
	})
}

// TestLostConnectionIsToldAfterTheGrace: unless the device comes back, which nobody is told of.
func TestLostConnectionIsToldAfterTheGrace(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.tellsStates()
		p := on(api.PlatformAndroid, "mira.k", "phone")
		c := b.enters(p)
		b.must(c.ws.CloseNow())
		b.pass(gateway.DefaultGrace - time.Second)
		c = b.enters(p)
		b.pass(gateway.DefaultGrace)
		b.wantOutbox("mira.k", "Login Register, Android 198.51.100.7")

		again := b.enters(p) // while it is still connected: just as if it had come back
		c.ends(api.RefusalReplaced)
		b.must(again.ws.CloseNow())
		b.pass(gateway.DefaultGrace - time.Second)
		b.wantOutbox("mira.k", "Login Register, Android 198.51.100.7")
		b.wantRecorded("mira.k/phone")
		b.pass(time.Second)
		b.wantOutbox("mira.k", "Login Register, Android 198.51.100.7", "Disconnect LinkClose, Android 198.51.100.7")
		b.wantRecorded()
		b.enters(p)
		b.wantOutbox("mira.k",
			"Login Register, Android 198.51.100.7", "Disconnect LinkClose, Android 198.51.100.7", "Login Register, Android 198.51.100.7")
	})
}

// TestAbsentDevicesCount: a device that may come back has its place, and is the first to lose it.
func TestAbsentDevicesCount(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.tellsStates()
		b.updateApp(func(app *relation.App) { app.DevicesPerPlatform = 2 })
		stays := b.enters(loginOf("mira.k", "tab-1"))
		lost := b.enters(loginOf("mira.k", "tab-2"))
		b.must(lost.ws.CloseNow())
		b.pass(time.Second)
		b.enters(loginOf("mira.k", "tab-3"))
		stays.wantDevices("tab-1", "tab-3")
		b.pass(gateway.DefaultGrace)
		b.wantOutbox("mira.k",
			"Login Register, Web 198.51.100.7", "Login Register, Web 198.51.100.7", "Login Register out Web, Web 198.51.100.7")
		b.wantRecorded("mira.k/tab-1", "mira.k/tab-3")
	})
}

func TestSilenceIsATimeOut(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.tellsStates()
		c := b.enters(loginOf("mira.k", "tab-1"))
		b.pass(5*gateway.DefaultHeartbeat/2 + time.Second)
		c.ends(api.RefusalHeartbeat)
		b.wantOutbox("mira.k", "Login Register, Web 198.51.100.7")
		b.pass(gateway.DefaultGrace)
		b.wantOutbox("mira.k", "Login Register, Web 198.51.100.7", "Disconnect TimeOut, Web 198.51.100.7")
	})
}

// TestKickIsToldAtOnce: who was kicked cannot come back with the same ticket.
func TestKickIsToldAtOnce(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.tellsStates()
		c := b.enters(loginOf("mira.k", "tab-1"))
		b.must(b.service.Kick(t.Context(), testApp, "mira.k"))
		b.wantOutbox("mira.k", "Login Register, Web 198.51.100.7", "Disconnect LinkClose, Web 198.51.100.7")
		c.ends(api.RefusalRevoked)
		b.wantRecorded()
	})
}

// TestDeletedAccountTellsNothing: its events would be those of nobody.
func TestDeletedAccountTellsNothing(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.tellsStates()
		c := b.enters(loginOf("mira.k", "tab-1"))
		before := b.outbox("mira.k")
		b.deletes("mira.k")
		c.ends(api.RefusalDeleted)
		b.imports("mira.k")
		b.pass(time.Minute)
		if got := b.outbox("mira.k"); len(got) > len(before) {
			t.Errorf("told %v", got)
		}
		b.wantRecorded()
	})
}

// TestDepartureWaitsForTheStore: what cannot be stored is told later, once.
func TestDepartureWaitsForTheStore(t *testing.T) {
	for name, leave := range map[string]func(*client) string{
		"logout": func(c *client) string {
			c.call(api.MethodLogout, nil)
			return "Logout Unregister, Web 198.51.100.7"
		},
		"lost connection": func(c *client) string {
			_ = c.ws.CloseNow()
			return "Disconnect LinkClose, Web 198.51.100.7"
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, b *bubble) {
				b.tellsStates()
				c := b.enters(loginOf("mira.k", "tab-1"))
				full := func(string) error { return errors.New("the disk is full") }
				b.fault.Store(&full)
				want := leave(c)
				b.pass(5 * time.Minute)
				b.wantOutbox("mira.k", "Login Register, Web 198.51.100.7")
				b.wantRecorded("mira.k/tab-1")
				b.fault.Store(nil)
				b.pass(5 * time.Second)
				b.wantOutbox("mira.k", "Login Register, Web 198.51.100.7", want)
				b.pass(5 * time.Minute)
				b.wantOutbox("mira.k", "Login Register, Web 198.51.100.7", want)
				b.wantRecorded()
			})
		})
	}
}

// TestNothingIsStoredUnlessWanted: logins and departures cost no commit where nobody wants to hear of them.
func TestNothingIsStoredUnlessWanted(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.updateApp(func(app *relation.App) { app.Callback.URL = "http://192.0.2.1/hooks" })
		b.imports("mira.k")
		var commits atomic.Int64
		count := func(step string) error {
			if step == "commit" {
				commits.Add(1)
			}
			return nil
		}
		b.fault.Store(&count)
		must[struct{}](b.enters(loginOf("mira.k", "tab-1")), api.MethodLogout, nil)
		b.must(b.enters(loginOf("mira.k", "tab-1")).ws.CloseNow())
		b.enters(loginOf("mira.k", "tab-2"))
		b.enters(loginOf("mira.k", "tab-3"))
		b.pass(5 * time.Minute)
		if n := commits.Load(); n != 0 {
			t.Errorf("%d commits", n)
		}
		b.wantOutbox("mira.k")
		b.wantRecorded()
		b.imports("rob")
		if commits.Load() == 0 {
			t.Error("commits are counted wrong")
		}
	})
}

// TestSwitchedOffMeanwhile: the records of devices go, though nobody is told any more.
func TestSwitchedOffMeanwhile(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.tellsStates()
		c := b.enters(loginOf("mira.k", "tab-1"))
		b.updateApp(func(app *relation.App) { app.Callback.On = nil })
		must[struct{}](c, api.MethodLogout, nil)
		b.wantRecorded()
		b.wantOutbox("mira.k", "Login Register, Web 198.51.100.7")
	})
}

// TestPlatforms: query_online_status asks this.
func TestPlatforms(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.updateApp(func(app *relation.App) { app.DevicesPerPlatform = 2 })
		want := func(platforms ...string) {
			t.Helper()
			synctest.Wait()
			if got := b.g.Platforms(testApp, "mira.k"); !reflect.DeepEqual(got, platforms) {
				t.Errorf("online from %v, want %v", got, platforms)
			}
		}
		want()
		phone := b.enters(on(api.PlatformAndroid, "mira.k", "phone"))
		b.enters(loginOf("mira.k", "tab-1"))
		b.enters(loginOf("mira.k", "tab-2"))
		want(api.PlatformAndroid, api.PlatformWeb)
		must[struct{}](phone, api.MethodLogout, nil)
		want(api.PlatformWeb)
		if got := b.g.Platforms(testApp+1, "mira.k"); got != nil {
			t.Errorf("the namesake of another app is online from %v", got)
		}
	})
}
