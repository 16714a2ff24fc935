package client

import (
	"sync"
	"time"

	"github.com/kithchat/kith/usersig"
)

// tickets makes UserSigs and keeps the newest. One is used for half of its lifetime, so that clocks may differ by the other
// half. After a refusal it signs by the server's clock.
type tickets struct {
	key      string
	sdkAppID uint32
	userID   string
	lifetime time.Duration
	now      func() time.Time

	mu    sync.Mutex
	sig   string
	until time.Time     // by our clock: when to make the next one
	ahead time.Duration // how much the server's clock is ahead of ours, as far as a refusal told
}

// get returns a ticket to use now.
func (t *tickets) get() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.sig != "" && now.Before(t.until) {
		return t.sig, nil
	}
	sig, err := usersig.Sign(t.key, usersig.Ticket{
		SDKAppID: t.sdkAppID, Identifier: t.userID, Issued: now.Add(t.ahead).Unix(), Expire: int64(t.lifetime / time.Second),
	})
	if err != nil {
		return "", err
	}
	t.sig, t.until = sig, now.Add(t.lifetime/2)
	return sig, nil
}

// drop forgets a ticket that was refused as too old, unless it has been replaced already. The server's time, if known, tells
// how far the clocks are apart.
func (t *tickets) drop(sig string, serverTime time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sig != sig {
		return
	}
	t.sig = ""
	if !serverTime.IsZero() {
		t.ahead = serverTime.Sub(t.now())
	}
}
