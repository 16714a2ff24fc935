package gateway_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
)

// states returns what was told of a user's logins, as "Login Register Web" with what it put out.
func (f *fixture) states(userID string) []string {
	f.t.Helper()
	events, err := f.store.Following(f.t.Context(), relation.EventKey{SDKAppID: testApp, Owner: userID}, 1000)
	f.must(err)
	var told []string
	for _, e := range events {
		if e.Kind == relation.EventState {
			told = append(told, strings.Join(append([]string{e.State.Action, e.State.Reason, e.Origin.Platform}, e.State.Kicked...), " "))
		}
	}
	return told
}

// wantStates wants this, and no more, to be told of a user.
func (f *fixture) wantStates(userID string, want ...string) {
	f.t.Helper()
	if got := f.states(userID); !slices.Equal(got, want) {
		f.t.Errorf("%s: told %q, want %q", userID, got, want)
	}
}

// What is told of the devices of these tests.
const (
	webLogin  = "Login Register Web"
	webLogout = "Logout Unregister Web"
	webClosed = "Disconnect LinkClose Web"
	webLost   = "Disconnect TimeOut Web"
	iosLogin  = "Login Register iOS"
	iosLost   = "Disconnect TimeOut iOS"
)

// grace is how long the devices of these tests may be away, spread how much longer after a start.
const grace, spread = gateway.DefaultGrace, gateway.DefaultSpread

// restart starts another gateway on the same store.
func (b *bubble) restart() {
	b.t.Helper()
	b.stop()
	b.wires = newWires()
	b.g = gateway.New(b.options(nil))
	b.told.Store(b.g)
	b.apps.Watch(b.g.AppsChanged)
	b.must(b.g.Start(b.t.Context()))
	b.http = &httptest.Server{Listener: b.wires, Config: &http.Server{Handler: b.g}}
	b.http.Start()
}

func TestADeviceThatComesBackWasNeverAway(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.switchOn()
		for range 3 {
			c := b.enters(loginOf("mira.k", "tab"))
			b.must(c.ws.CloseNow())
			b.pass(grace - time.Second)
		}
		b.wantStates("mira.k", webLogin)
		b.pass(2 * time.Second)
		b.wantStates("mira.k", webLogin, webClosed)
		b.wantRecorded()
		if n := b.g.Absent(); n != 0 {
			t.Errorf("%d devices are away", n)
		}
	})
}

func TestDevicesThatARestartLost(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.switchOn()
		b.enters(loginOf("mira.k", "tab"))
		b.enters(on(api.PlatformIOS, "mira.k", "phone"))
		b.enters(loginOf("rob", "tab"))
		b.restart()
		b.pass(grace + spread - time.Second)
		phone := b.enters(on(api.PlatformIOS, "mira.k", "phone"))
		b.wantStates("mira.k", webLogin, iosLogin)
		b.pass(2 * time.Second)
		b.wantStates("mira.k", webLogin, iosLogin, webLost)
		b.wantStates("rob", webLogin, webLost)
		b.wantRecorded("mira.k/phone")
		must[struct{}](phone, api.MethodLogout, nil)
		b.restart()
		b.pass(time.Hour)
		b.wantStates("mira.k", webLogin, iosLogin, webLost, "Logout Unregister iOS")
		b.wantStates("rob", webLogin, webLost)
	})
}

func TestALogoutIsToldBeforeTheNextLogin(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.switchOn()
		var want []string
		for range 20 {
			must[struct{}](b.enters(loginOf("mira.k", "tab")), api.MethodLogout, nil)
			want = append(want, webLogin, webLogout)
		}
		b.wantStates("mira.k", want...)
		b.wantRecorded()
	})
}

// Of an account that is deleted nothing is told any more, and one that is imported again begins anew.
func TestDeletionForgetsDevices(t *testing.T) {
	for name, away := range map[string]bool{"connected": false, "away": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, b *bubble) {
				b.switchOn()
				c := b.enters(loginOf("mira.k", "tab"))
				if away {
					b.must(c.ws.CloseNow())
					synctest.Wait()
				}
				b.deletes("mira.k")
				before := len(b.states("mira.k"))
				again := b.enters(loginOf("mira.k", "tab"))
				if got := b.states("mira.k")[before:]; !slices.Equal(got, []string{webLogin}) {
					t.Errorf("the new account's login: told %q", got)
				}
				b.pass(time.Minute / 2)
				must[struct{}](again, api.MethodPing, nil)
				if got := b.states("mira.k")[before:]; len(got) != 1 {
					t.Errorf("told %q", got)
				}
			})
		})
	}
}

// A device that was online before the app wanted to know is told when it connects again.
func TestSwitchedOnLate(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.enters(loginOf("mira.k", "tab"))
		b.switchOn()
		b.enters(loginOf("mira.k", "tab"))
		b.wantStates("mira.k", webLogin)
		b.wantRecorded("mira.k/tab")
	})
}

// Records are removed too when the app does not want to know any more.
func TestSwitchedOffRecordsGo(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.switchOn()
		b.enters(loginOf("mira.k", "old tab"))
		b.enters(on(api.PlatformIOS, "mira.k", "phone"))
		b.updateApp(func(app *relation.App) { app.Callback = relation.Callback{} })
		b.enters(loginOf("mira.k", "tab"))
		phone := b.enters(on(api.PlatformIOS, "mira.k", "phone"))
		b.pass(2 * time.Second)
		b.wantRecorded("mira.k/phone")
		b.must(phone.ws.CloseNow())
		b.pass(grace + time.Second)
		b.wantRecorded()
		b.wantStates("mira.k", webLogin, iosLogin)
	})
}

// What cannot be stored is told once, later.
func TestDeparturesOutlastAnOutage(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.switchOn()
		gone := b.enters(loginOf("mira.k", "tab"))
		out := b.enters(loginOf("rob", "tab"))
		down := func(step string) error {
			if step == "begin" {
				return errors.New("the disk is gone")
			}
			return nil
		}
		b.fault.Store(&down)
		b.must(gone.ws.CloseNow())
		must[struct{}](out, api.MethodLogout, nil)
		b.pass(time.Minute)
		b.fault.Store(nil)
		b.pass(5 * time.Second)
		b.wantStates("mira.k", webLogin, webClosed)
		b.wantStates("rob", webLogin, webLogout)
		b.wantRecorded()
	})
}
