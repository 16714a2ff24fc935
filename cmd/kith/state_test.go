package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/usersig"
	"github.com/kithchat/kith/webhook"
)

// stateUser is the account whose devices come and go.
var stateUser = crashOwner(0)

// stateWorld is a whole server, an app backend on package webhook, and an admin.
type stateWorld struct {
	shell
	*crashCaller
	gateway string
	told    chan string // what the app backend is told, an event each
}

func newStateWorld(t *testing.T, changes ...func(*config.Config)) *stateWorld {
	t.Helper()
	told := make(chan string, 64)
	handler, err := webhook.New(webhook.Options{
		SDKAppID: crashApp, Logger: slog.New(slog.DiscardHandler),
		OnStateChange: func(_ context.Context, e webhook.StateEvent) error {
			told <- strings.TrimSpace(fmt.Sprint(e.Account, " ", e.Action, " ", e.Reason, " ", e.OptPlatform, " ", e.ClientIP, " ", strings.Join(e.Kicked, "+")))
			return nil
		},
		OnBlackListAdd: func(_ context.Context, e webhook.BlackListEvent) error {
			told <- e.Pairs[0].FromAccount + " blocks " + e.Pairs[0].ToAccount
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	backend := httptest.NewServer(handler)
	t.Cleanup(backend.Close)
	data, info := startServer(t, changes...)
	w := &stateWorld{
		shell: shell{t, data}, crashCaller: newCrashCaller(t, data, backend.URL),
		gateway: "ws" + strings.TrimPrefix(info.HTTP, "http") + api.GatewayPath, told: told,
	}
	w.connect(info.HTTP)
	w.importAccounts(t)
	return w
}

// switchOn switches State.StateChange on.
func (w *stateWorld) switchOn() {
	w.run("app", "callback", "set", fmt.Sprint(crashApp), "--enable", api.CallbackStateChange)
}

// expect waits for what the app backend is told next.
func (w *stateWorld) expect(want ...string) {
	w.t.Helper()
	for _, line := range want {
		select {
		case got := <-w.told:
			if line = stateUser + " " + line; got != line {
				w.t.Errorf("told %q, want %q", got, line)
			}
		case <-time.After(processStart):
			w.t.Fatalf("nothing told, want %q", line)
		}
	}
}

// marker makes an event in the user's queue, so that expect sees if anything else is told before.
func (w *stateWorld) marker(n int) {
	w.t.Helper()
	if _, err := w.change(stateUser, change{Command: api.CallbackBlackListAdd, Targets: []string{crashTarget(n)}}); err != nil {
		w.t.Fatal(err)
	}
}

func blocks(n int) string { return "blocks " + crashTarget(n) }

// login connects a device. Its UserSig is some seconds old, so that a kick makes it invalid.
func (w *stateWorld) login(platform, device string) *websocket.Conn {
	w.t.Helper()
	sig, err := usersig.Sign(crashKey, usersig.Ticket{
		SDKAppID: crashApp, Identifier: stateUser, Issued: time.Now().Unix() - 5, Expire: 3600,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	conn, response, err := websocket.Dial(w.t.Context(), w.gateway, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	w.t.Cleanup(func() { _ = conn.CloseNow() })
	params, err := json.Marshal(api.LoginParams{
		SDKAppID: crashApp, UserID: stateUser, UserSig: sig, Platform: platform, DeviceID: device,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.request(conn, api.MethodLogin, string(params))
	return conn
}

// request sends a request and reads its answer, which must be no error.
func (w *stateWorld) request(conn *websocket.Conn, method, params string) {
	w.t.Helper()
	frame := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
	if err := conn.Write(w.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		w.t.Fatal(err)
	}
	for {
		_, text, err := conn.Read(w.t.Context())
		if err != nil {
			w.t.Fatalf("%s: %v", method, err)
		}
		var answer api.GatewayFrame
		decode(w.t, string(text), &answer)
		if answer.Error != nil {
			w.t.Fatalf("%s: %+v", method, answer.Error)
		}
		if answer.ID != nil {
			return
		}
	}
}

func (w *stateWorld) logout(conn *websocket.Conn) {
	w.t.Helper()
	w.request(conn, api.MethodLogout, "{}")
	w.ended(conn)
}

// ended waits until the server has closed the connection.
func (w *stateWorld) ended(conn *websocket.Conn) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), processStart)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			if ctx.Err() != nil {
				w.t.Fatal("the connection was not closed")
			}
			return
		}
	}
}

// TestStateChangeOfDevices holds what an app backend is told of a user's devices, and of what not.
func TestStateChangeOfDevices(t *testing.T) {
	w := newStateWorld(t)

	// Off until it is switched on.
	conn := w.login(api.PlatformWeb, "tab")
	w.logout(conn)
	w.marker(0)
	w.expect(blocks(0))
	w.switchOn()

	// A login; a change by that device; the connection is lost and the device comes back: nothing happened.
	phone := w.login(api.PlatformIOS, "phone")
	w.request(phone, api.MethodBlocklistAdd, fmt.Sprintf(`{"To_Account":[%q]}`, crashTarget(1)))
	_ = phone.CloseNow()
	phone = w.login(api.PlatformIOS, "phone")
	w.marker(2)
	w.expect("Login Register iOS 127.0.0.1", blocks(1), blocks(2))

	// Another device of the platform puts it out: one event, which names it. Other platforms are not touched.
	tv := w.login("Fridge", "tv")
	other := w.login(api.PlatformIOS, "new phone")
	w.ended(phone)
	w.marker(3)
	w.expect("Login Register Unknown 127.0.0.1", "Login Register iOS 127.0.0.1 iOS", blocks(3))

	// A logout, and a kick by REST, are told at once.
	w.logout(other)
	w.expect("Logout Unregister iOS 127.0.0.1")
	var answer api.Envelope
	if err := w.call("im_open_login_svc/kick", api.KickRequest{UserID: stateUser}, &answer); err != nil || answer.ErrorCode != api.OK {
		t.Fatalf("kick: %+v, %v", answer, err)
	}
	w.ended(tv)
	w.expect("Disconnect LinkClose Unknown 127.0.0.1")
	w.marker(4)
	w.expect(blocks(4))
}

// TestStateChangeOfLostConnections holds what is told when a device does not come back within the grace period.
func TestStateChangeOfLostConnections(t *testing.T) {
	w := newStateWorld(t, func(c *config.Config) { c.GatewayGrace = 10 * time.Millisecond })
	w.switchOn()
	closed := w.login(api.PlatformWeb, "tab")
	_ = closed.Close(websocket.StatusNormalClosure, "")
	w.expect("Login Register Web 127.0.0.1", "Disconnect LinkClose Web 127.0.0.1")

	// The login must come in time too, on a machine that is busy.
	w = newStateWorld(t, func(c *config.Config) {
		c.GatewayGrace, c.GatewayHeartbeat = 10*time.Millisecond, 3*time.Second
	})
	w.switchOn()
	silent := w.login(api.PlatformAndroid, "silent")
	w.ended(silent)
	w.expect("Login Register Android 127.0.0.1", "Disconnect TimeOut Android 127.0.0.1")
}

// A state event that nobody takes is a dead letter like any other, in its place.
func TestDeadStateEvents(t *testing.T) {
	w := newStateWorld(t)
	w.switchOn()
	w.run("app", "callback", "set", fmt.Sprint(crashApp), "--url", "http://127.0.0.1:1/", "--retry", "off")
	conn := w.login(api.PlatformMac, "laptop")
	w.marker(0)
	w.logout(conn)
	var got []string
	for _, e := range w.await("dead", 3) {
		got = append(got, fmt.Sprint(e.Command, " ", tells(e), " ", e.Platform))
	}
	equal(t, "dead letters, newest first", got, []string{
		"State.StateChange Logout, Unregister Mac", "Sns.CallbackBlackListAdd " + crashTarget(0) + " RESTAPI", "State.StateChange Login, Register Mac",
	})
	if out := w.run("events", "list"); !strings.Contains(out, "Logout, Unregister") || !strings.Contains(out, crashTarget(0)) {
		t.Errorf("for people:\n%s", out)
	}
}
