package gateway_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/gateway"
)

// A client that reads nothing is cut off once its queue is full. Nobody waits for it, and it resumes without a loss. The
// connections of this test hold nothing, so what the client does not read waits at the server.
func TestASlowClientIsCutOffAlone(t *testing.T) {
	const limit = 32 << 10
	inBubble(t, func(o *gateway.Options) { o.MaxQueue = limit }, func(t *testing.T, b *bubble) {
		b.imports(many(100)...)
		slow := b.open(home, "")
		news := b.loginOn(slow, on(api.PlatformIOS, "mira.k", "phone"))
		quick := b.enters(on(api.PlatformWeb, "mira.k", "tab"))
		start := time.Now()
		changes := 0
		for ; slices.Contains(b.g.Platforms(testApp, "mira.k"), api.PlatformIOS); changes += 2 {
			b.blockMany("mira.k", 100)
			b.restUnblock("mira.k", many(100)...)
			if n := b.g.Queued(); n > limit {
				t.Fatalf("%d bytes are queued after %d changes", n, changes)
			}
			if changes > 20 {
				t.Fatal("nothing ends the slow client")
			}
		}
		for i := range changes {
			c := decode[api.BlocklistChange](t, quick.notification(api.NotifyBlocklistChanged))
			if c.Sequence != int64(i+1) {
				t.Errorf("the quick device was told of %d after %d", c.Sequence, i)
			}
		}
		if waited := time.Since(start); waited != 0 { // virtual time passes only when everybody waits
			t.Errorf("somebody waited %s for the slow client", waited)
		}
		at := news.Blocklist.BlocklistPosition
		why := readRest(t, slow, &at)
		if why != api.RefusalSlow {
			t.Errorf("ended with %d", why)
		}
		p := on(api.PlatformIOS, "mira.k", "phone")
		p.Blocklist = &at
		missed := b.loginOn(b.open(home, ""), p).Blocklist
		if missed.Reload || at.Sequence+int64(len(missed.Changes)) != int64(changes) {
			t.Errorf("resumed at %d with %d changes of %d, reload %t", at.Sequence, len(missed.Changes), changes, missed.Reload)
		}
	})
}

// A client that never reads again does not keep its connection.
func TestAStuckClientIsGoneAfterAWhile(t *testing.T) {
	inBubble(t, func(o *gateway.Options) { o.MaxQueue = 2 << 10 }, func(t *testing.T, b *bubble) {
		b.imports(many(100)...)
		b.loginOn(b.open(home, ""), on(api.PlatformIOS, "mira.k", "phone"))
		b.blockMany("mira.k", 100)
		b.restUnblock("mira.k", many(100)...)
		b.pass(time.Minute)
		if n := b.g.Connections(); n != 0 {
			t.Errorf("%d connections", n)
		}
	})
}

// loginOn logs in on a connection that nobody reads but the test.
func (b *bubble) loginOn(ws *websocket.Conn, p api.LoginParams) api.LoginResult {
	b.t.Helper()
	text, err := json.Marshal(p)
	b.must(err)
	b.must(ws.Write(b.t.Context(), websocket.MessageText, []byte(`{"jsonrpc":"2.0","id":1,"method":"login","params":`+string(text)+`}`)))
	_, answer, err := ws.Read(b.t.Context())
	b.must(err)
	return decode[api.LoginResult](b.t, decode[api.GatewayFrame](b.t, answer).Result)
}

// readRest reads a connection to its end. at follows the changes that come.
func readRest(t *testing.T, ws *websocket.Conn, at *api.BlocklistPosition) api.Refusal {
	t.Helper()
	for {
		_, text, err := ws.Read(t.Context())
		if err != nil {
			return api.Refusal(websocket.CloseStatus(err))
		}
		c := decode[api.BlocklistChange](t, decode[api.GatewayFrame](t, text).Params)
		if c.Sequence != at.Sequence+1 {
			t.Errorf("told of %d after %d", c.Sequence, at.Sequence)
		}
		at.Sequence = c.Sequence
	}
}
