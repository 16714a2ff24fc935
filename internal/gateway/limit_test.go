package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
)

// TestRate: so many calls a second with bursts of twice as many; who never stops is ended.
func TestRate(t *testing.T) {
	inBubble(t, func(o *gateway.Options) { o.Rate = 10 }, func(t *testing.T, b *bubble) {
		c := b.enters(loginOf("mira.k", "tab-1")) // the first call of the burst
		for range 20 {
			must[struct{}](c, api.MethodPing, nil)
		}
		refusedCall := func() {
			t.Helper()
			frame := c.call(api.MethodPing, nil)
			if e := frame.Error; e == nil || e.Code != api.CodeAPIRate || e.Data != (api.GatewayErrorData{Refusal: api.RefusalRate, RetryAfterMS: 100}) {
				t.Fatalf("got %s, %+v", frame.Result, frame.Error)
			}
		}
		refusedCall()
		b.pass(100 * time.Millisecond)
		must[struct{}](c, api.MethodPing, nil)
		for range 200 {
			refusedCall()
		}
		b.pass(100 * time.Millisecond)
		must[struct{}](c, api.MethodPing, nil) // who obeys is forgiven
		for range 201 {
			refusedCall()
		}
		c.ends(api.RefusalRate)
	})
}

// TestRateOfBrokenFrames: what is no call counts too, answered or not.
func TestRateOfBrokenFrames(t *testing.T) {
	for name, frame := range map[string]string{
		"no request":                 `[]`,
		"an empty object":            `{}`,
		"a notification that is bad": `{"jsonrpc":"2.0","method":"ping","params":[]}`,
		"login again":                `{"jsonrpc":"2.0","id":1,"method":"login"}`,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(o *gateway.Options) { o.Rate, o.MaxQueue = 10, 1<<20 }, func(t *testing.T, b *bubble) {
				c := b.enters(loginOf("mira.k", "tab-1"))
				for range 400 {
					if c.ws.Write(t.Context(), websocket.MessageText, []byte(frame)) != nil {
						break // it was closed meanwhile
					}
				}
				if why := c.end(); why != api.RefusalRate {
					t.Errorf("ended with %d", why)
				}
			})
		})
	}
}

// turns is an Isolation that lets as many calls be under way as it has room for.
type turns chan uint32

func (s turns) Enter(ctx context.Context, sdkAppID uint32) error {
	select {
	case s <- sdkAppID:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s turns) Leave(uint32) { <-s }

// TestHeldBack: a call whose turn does not come in time is answered, and not carried out.
func TestHeldBack(t *testing.T) {
	var s turns
	inBubble(t, func(o *gateway.Options) {
		s = make(turns, 1) // in the bubble, so that its clock goes on while a call waits
		o.Isolation = s
	}, func(t *testing.T, b *bubble) {
		b.imports("lia")
		c := b.enters(loginOf("mira.k", "tab-1"))
		s <- 0
		start := time.Now()
		frame := c.call(api.MethodBlocklistAdd, api.BlocklistTargets{ToAccount: []string{"lia"}})
		if e := frame.Error; e == nil || e.Code != api.CodeServiceTimeout || e.Data.Refusal != api.RefusalUnavailable ||
			!strings.Contains(e.Message, "was not begun") || time.Since(start) != gateway.DefaultCallTimeout {
			t.Errorf("got %s, %+v after %v", frame.Result, frame.Error, time.Since(start))
		}
		<-s
		for range 2 {
			if page := must[api.BlocklistPage](c, api.MethodBlocklistGet, api.BlocklistGetParams{Limit: 10}); len(page.BlackListItem) != 0 {
				t.Errorf("the call was carried out: %+v", page)
			}
		}
		if len(s) != 0 {
			t.Errorf("the turn of app %d was not given back", <-s)
		}
	})
}

// TestEndWhileHeldBack: a call that waits for its turn is not carried out once its session has ended.
func TestEndWhileHeldBack(t *testing.T) {
	for name, change := range map[string]func(*bubble){
		"stays":    func(*bubble) {},
		"kicked":   func(b *bubble) { b.must(b.service.Kick(b.t.Context(), testApp, "mira.k")) },
		"disabled": func(b *bubble) { b.updateApp(func(app *relation.App) { app.Disabled = true }) },
	} {
		t.Run(name, func(t *testing.T) {
			var s turns
			inBubble(t, func(o *gateway.Options) {
				s = make(turns, 1)
				o.Isolation = s
			}, func(t *testing.T, b *bubble) {
				b.imports("lia")
				c := b.enters(loginOf("mira.k", "tab-1"))
				s <- 0
				c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":9,"method":%q,"params":{"To_Account":["lia"]}}`, api.MethodBlocklistAdd))
				b.pass(time.Second)
				change(b)
				<-s
				b.pass(time.Second)
				page, err := b.service.Blocklist(t.Context(), relation.BlockQuery{SDKAppID: testApp, Owner: "mira.k", Limit: 10})
				b.must(err)
				if (len(page.Entries) != 0) != (name == "stays") || len(s) != 0 {
					t.Errorf("on the list: %+v; %d turns were not given back", page.Entries, len(s))
				}
			})
		})
	}
}

// TestAddressLimit: of connections, logged in or not. Only real ends make room.
func TestAddressLimit(t *testing.T) {
	inBubble(t, func(o *gateway.Options) { o.MaxAddress = 2 }, func(t *testing.T, b *bubble) {
		one, two := b.from("203.0.113.1", ""), b.from("203.0.113.1", "")
		synctest.Wait() // until they are counted
		b.from("203.0.113.1", "").ends(api.RefusalAddress)
		must[api.LoginResult](b.from("203.0.113.2", ""), api.MethodLogin, loginOf("mira.k", "tab-1"))
		b.from("2001:db8:0:1::1", "")
		b.from("2001:db8:0:1:ffff:ffff:ffff:ffff", "")
		synctest.Wait()
		b.from("2001:db8:0:1:0:1::", "").ends(api.RefusalAddress)
		must[api.LoginResult](b.from("2001:db8:0:2::1", ""), api.MethodLogin, loginOf("rob", "tab-1"))
		b.must(one.ws.CloseNow())
		synctest.Wait()
		must[api.LoginResult](b.from("203.0.113.1", ""), api.MethodLogin, loginOf("tom", "tab-1"))
		b.from("203.0.113.1", "").ends(api.RefusalAddress)
		must[api.LoginResult](two, api.MethodLogin, loginOf("ann", "tab-1"))
	})
}

func TestNoAddressLimit(t *testing.T) {
	inBubble(t, func(o *gateway.Options) { o.MaxAddress = -1 }, func(t *testing.T, b *bubble) {
		for i := range 20 {
			b.enters(loginOf(fmt.Sprint("user", i), "tab-1"))
		}
		if n := b.g.Connections(); n != 20 {
			t.Errorf("%d connections", n)
		}
	})
}

// TestFrameLimit: a frame of exactly the limit is read, one byte more is not, in one fragment or in many.
func TestFrameLimit(t *testing.T) {
	const limit = 4096
	sized := func(n int) string {
		frame := `{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":""}}`
		return strings.Replace(frame, `""`, `"`+strings.Repeat("x", n-len(frame))+`"`, 1)
	}
	inBubble(t, func(o *gateway.Options) { o.MaxFrame = limit }, func(t *testing.T, b *bubble) {
		c := b.enters(loginOf("mira.k", "tab-1"))
		c.send(sized(limit))
		if frame, ok := c.receive(); !ok || frame.Error != nil {
			t.Errorf("a frame of %d bytes: %+v", limit, frame)
		}
		c.send(sized(limit + 1))
		c.ends(api.RefusalProtocol)

		c = b.enters(loginOf("mira.k", "tab-1"))
		w, err := c.ws.Writer(t.Context(), websocket.MessageText)
		b.must(err)
		for range 5 {
			_, err = w.Write([]byte(strings.Repeat("x", limit)))
			if err != nil {
				break // it was closed meanwhile
			}
		}
		_ = w.Close()
		c.ends(api.RefusalProtocol)
	})
}

// TestEndlessFrame: a client that never ends its frame, and never closes, is cut off all the same.
func TestEndlessFrame(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		ws := b.open(home, "")
		w, err := ws.Writer(t.Context(), websocket.MessageText)
		b.must(err)
		_, err = w.Write([]byte(`{"jsonrpc":"2.0"`))
		b.must(err)
		b.pass(gateway.DefaultLoginTimeout + 20*time.Second)
		if n := b.g.Connections(); n != 0 {
			t.Errorf("%d connections are still there", n)
		}
	})
}

// TestLoginTimeout: who says nothing, or only pings, is cut off; a login in time is in time.
func TestLoginTimeout(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		silent, late := b.from(home, ""), b.from(home, "")
		b.pass(gateway.DefaultLoginTimeout - time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		b.must(silent.ws.Ping(ctx))
		must[api.LoginResult](late, api.MethodLogin, loginOf("mira.k", "tab-1"))
		b.pass(time.Second)
		silent.ends(api.RefusalLoginTimeout)
		must[struct{}](late, api.MethodPing, nil)
	})
}
