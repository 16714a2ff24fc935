package gateway_test

import (
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/gateway"
)

func TestTheEndOfATicketIsAnnouncedAndKept(t *testing.T) {
	for _, tt := range []struct {
		name           string
		lifetime, left time.Duration // left when the warning comes
	}{
		{"a tenth of a short life", 100 * time.Minute, 10 * time.Minute},
		{"a tenth of a shorter life", 50 * time.Second, 5 * time.Second},
		{"ten minutes of a long life", 30 * 24 * time.Hour, 10 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(o *gateway.Options) { o.Heartbeat = 1000 * time.Hour }, func(t *testing.T, b *bubble) {
				p := loginOf("mira.k", "tab-1")
				p.UserSig = ticket("mira.k", time.Now(), tt.lifetime)
				expires := time.Now().Add(tt.lifetime)
				c := b.enters(p)
				b.pass(tt.lifetime - tt.left - time.Second)
				if len(c.frames) != 0 {
					t.Fatalf("too early: %+v", <-c.frames)
				}
				b.pass(time.Second)
				got := decode[api.SessionExpiring](t, c.notification(api.NotifySessionExpiring))
				if got.ExpireTime != expires.Unix() {
					t.Errorf("expires at %d, want %d", got.ExpireTime, expires.Unix())
				}
				b.pass(tt.left + time.Second/2) // the last second counts
				must[struct{}](c, api.MethodPing, nil)
				b.pass(time.Second)
				if code := c.end(); code != api.RefusalExpired {
					t.Errorf("ended with %d", code)
				}
				if len(c.kept) != 0 {
					t.Errorf("warned again: %+v", c.kept)
				}
			})
		})
	}
}
