package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
)

const (
	crowd      = 48 // clients at a time
	crowdUsers = 12
	enough     = 2000 // connections that are made before the stop
)

// Everything at once: clients that come, call and go in every way, kicks, deletions, apps that change, commits; in the end the
// gateway stops in the middle of it. The race detector, the detector of leaks and the counts say whether all of it ended.
func TestEverythingAtOnceThenStop(t *testing.T) {
	f := newFixture(t, func(o *gateway.Options) { o.Grace, o.History = time.Millisecond, 8000 })
	f.switchOn()
	f.imports("t0", "t1", "t2")
	app, _ := f.apps.App(testApp)
	working, finish := context.WithCancel(t.Context())
	defer finish()
	var clients, others sync.WaitGroup
	var lives atomic.Int64
	var stopped atomic.Bool
	defer stopped.Store(true)
	for i := range crowd {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(i)))
			for !stopped.Load() { // a busy machine may refuse one now and then
				if f.live(random) {
					lives.Add(1)
				}
			}
		})
	}
	other := func(do func(*rand.Rand, string) error) {
		random := rand.New(rand.NewPCG(8, 0))
		others.Go(func() {
			for working.Err() == nil {
				err := do(random, fmt.Sprintf("user%d", random.IntN(crowdUsers)))
				if err != nil && !errors.Is(err, relation.ErrNoAccount) && working.Err() == nil {
					t.Error(err)
					return
				}
				select {
				case <-time.After(2 * time.Millisecond):
				case <-working.Done():
				}
			}
		})
	}
	other(func(_ *rand.Rand, user string) error { return f.service.Kick(working, testApp, user) })
	other(func(_ *rand.Rand, user string) error {
		_, err := f.service.Delete(working, relation.AccountSet{SDKAppID: testApp, UserIDs: []string{user}})
		return err
	})
	other(func(random *rand.Rand, user string) error {
		_, err := f.service.Block(working, relation.BlockCommand{App: app, Owner: user, Targets: []string{"t0", "t1"}})
		return err
	})
	other(func(random *rand.Rand, user string) error {
		_, err := f.service.Unblock(working, relation.BlockCommand{App: app, Owner: user, Targets: []string{"t0"}})
		return err
	})
	other(func(random *rand.Rand, user string) error {
		f.g.Platforms(testApp, user)
		f.g.Committed(relation.Commit{Lost: true})
		_, err := f.apps.Update(working, testApp, func(app *relation.App) error {
			app.DevicesPerPlatform, app.Disabled = 1+random.IntN(3), random.IntN(20) == 0
			return nil
		})
		return err
	})
	for limit := time.After(5 * patience); lives.Load() < enough; { // a busy machine takes its time
		select {
		case <-time.After(10 * time.Millisecond):
		case <-limit:
			t.Fatalf("only %d connections were made", lives.Load())
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	f.g.Stop(ctx)
	if ctx.Err() != nil {
		t.Error("stopping took too long")
	}
	if c, a := f.g.Connections(), f.g.Addresses(); c != 0 || a != 0 {
		t.Errorf("%d connections from %d addresses are left", c, a)
	}
	stopped.Store(true)
	finish()
	clients.Wait()
	others.Wait()
}

// live is a client's connection, of which nothing is expected but its end. It returns false when none is made.
func (f *fixture) live(random *rand.Rand) bool {
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(f.http.URL, "http")+api.GatewayPath,
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return false
	}
	defer func() { _ = ws.CloseNow() }()
	user := fmt.Sprintf("user%d", random.IntN(crowdUsers))
	login := fmt.Sprintf(`{"jsonrpc":"2.0","id":0,"method":"login","params":{"SDKAppID":%d,"UserID":%q,"UserSig":%q,"Platform":"Web","DeviceID":"d%d"}}`,
		testApp, user, ticket(user, time.Now().Add(2*time.Second), time.Hour), random.IntN(4))
	var sent sync.WaitGroup
	sent.Go(func() {
		_ = ws.Write(ctx, websocket.MessageText, []byte(login))
		for id := range 1 + random.IntN(6) {
			call := []string{
				`"ping"`, `"session.get"`, `"blocklist.get","params":{"Limit":10}`, `"nothing"`,
				`"blocklist.add","params":{"To_Account":["t2"]}`, `"blocklist.remove","params":{"To_Account":["t2"]}`,
			}[random.IntN(6)]
			_ = ws.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":%s}`, id+1, call))
		}
		switch random.IntN(4) {
		case 0:
			_ = ws.Write(ctx, websocket.MessageText, []byte(`{"jsonrpc":"2.0","id":9,"method":"logout"}`))
		case 1:
			_ = ws.Close(websocket.StatusNormalClosure, "")
		case 2:
			_ = ws.CloseNow()
		case 3: // stays until it is put out
			<-time.After(20 * time.Millisecond)
			_ = ws.CloseNow()
		}
	})
	for err == nil {
		_, _, err = ws.Read(ctx)
	}
	sent.Wait()
	return true
}

// switchOn has the app told of logins. Nobody delivers what it is told.
func (f *fixture) switchOn() {
	f.t.Helper()
	f.updateApp(func(app *relation.App) {
		app.Callback = relation.Callback{URL: "http://127.0.0.1:1/", On: []relation.EventKind{relation.EventState}}
	})
}

// An app that changes while a ticket is being checked does not keep the session: its other sessions were ended before.
func TestAnAppThatChangesDuringALogin(t *testing.T) {
	for why, change := range map[api.Refusal]func(*relation.App){
		api.RefusalApp:        func(app *relation.App) { app.Disabled = true },
		api.RefusalKeyDropped: func(app *relation.App) { app.Keys = []relation.AppKey{{Secret: "gateway-test-secret-key-02"}} },
	} {
		f := &fixture{t: t, log: &logBuffer{}}
		f.openStore(t.TempDir())
		f.g = gateway.New(f.options(func(o *gateway.Options) {
			o.Auth = auth.New(auth.Options{Apps: &changingApps{Registry: f.apps, change: func() { f.updateApp(change) }}})
		}))
		f.serve()
		c := f.dial(nil)
		if answer := c.call(api.MethodLogin, loginOf("mira.k", "tab")); answer.Error == nil || answer.Error.Data.Refusal != why {
			t.Errorf("answer %+v, want %d", answer, why)
		}
		c.ends(why)
	}
}

// changingApps has an app that changes right after it was looked up the first time.
type changingApps struct {
	*apps.Registry
	change  func()
	changed atomic.Bool
}

// App implements auth.Apps.
func (a *changingApps) App(sdkAppID uint32) (*relation.App, bool) {
	app, ok := a.Registry.App(sdkAppID)
	if a.changed.CompareAndSwap(false, true) {
		a.change()
	}
	return app, ok
}
