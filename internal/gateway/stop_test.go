package gateway_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/gateway"
)

// stops stops the gateway within a time and returns how long it took.
func (b *bubble) stops(within time.Duration) time.Duration {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	start := time.Now()
	b.g.Stop(ctx)
	return time.Since(start)
}

func TestStopTellsEverybodyAndLeavesNothing(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		const n = 200
		b.imports("rob")
		clients := make([]*client, n)
		for i := range clients {
			clients[i] = b.enters(loginOf(fmt.Sprintf("user%d", i), "tab"))
		}
		clients = append(clients, b.from(home, "")) // not logged in
		synctest.Wait()                             // until the gateway has it too
		if took := b.stops(time.Minute); took != 0 {
			t.Errorf("stopping took %s", took)
		}
		buckets := make(map[int64]int)
		for _, c := range clients {
			after := decode[api.SessionReconnect](t, c.notification(api.NotifySessionReconnect)).AfterMS
			if after < 0 || after >= 500 {
				t.Errorf("come back after %d ms", after)
			}
			buckets[after/100]++
			if why := c.end(); why != api.RefusalRestart {
				t.Errorf("ended with %d", why)
			}
		}
		for part := range int64(5) {
			if buckets[part] < n/20 { // of n/5
				t.Errorf("%d of %d come back in part %d of the time", buckets[part], n, part)
			}
		}
		b.left()
		b.stops(time.Minute) // again
	})
}

// left wants nothing to be left of any connection.
func (b *bubble) left() {
	b.t.Helper()
	if c, a := b.g.Connections(), b.g.Addresses(); c != 0 || a != 0 {
		b.t.Errorf("%d connections from %d addresses are left", c, a)
	}
}

// Clients that read nothing, or do not answer the close, are waited for as long as Stop may take, and no longer.
func TestStopDoesNotWaitForStuckClients(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.imports(many(50)...)
		b.open(home, "") // reads nothing, not logged in
		for i := range 3 {
			b.loginOn(b.open(home, ""), on(api.PlatformIOS, fmt.Sprintf("user%d", i), "phone"))
		}
		b.blockMany("user0", 50) // a frame is on its way
		idle := b.enters(loginOf("mira.k", "tab"))
		if took := b.stops(2 * time.Second); took != 2*time.Second {
			t.Errorf("stopping took %s, want 2s", took)
		}
		if why := idle.end(); why != api.RefusalRestart {
			t.Errorf("the idle client ended with %d", why)
		}
		b.left()
	})
}

// A call that hangs in the store is given up when Stop may not take longer.
func TestStopDoesNotWaitForTheStore(t *testing.T) {
	inBubble(t, func(o *gateway.Options) { o.CallTimeout = time.Hour }, func(t *testing.T, b *bubble) {
		b.imports("rob")
		c := b.enters(loginOf("mira.k", "tab"))
		hang := make(chan struct{})
		fault := func(string) error { <-hang; return nil }
		b.fault.Store(&fault)
		go b.restBlock("rob", "mira.k") // the commit that hangs
		synctest.Wait()
		c.send(`{"jsonrpc":"2.0","id":7,"method":"blocklist.add","params":{"To_Account":["rob"]}}`)
		synctest.Wait()
		if took := b.stops(2 * time.Second); took != 2*time.Second {
			t.Errorf("stopping took %s, want 2s", took)
		}
		b.left()
		close(hang)
		synctest.Wait()
	})
}
