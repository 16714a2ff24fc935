package gateway

import (
	"context"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/result"
)

// Committed takes what a commit made durable to the devices that it concerns. It must be called in commit order, before the
// calls return whose changes it tells, and never blocks on a client.
func (g *Gateway) Committed(c relation.Commit) {
	for i := range c.Lists {
		g.listChanged(&c.Lists[i])
	}
	for _, key := range c.Kicked {
		g.endAll(key, api.RefusalRevoked, "the app backend kicked this account; log in again with a new UserSig")
	}
	for _, key := range c.Deleted {
		g.endAll(key, api.RefusalDeleted, "the account was deleted")
		g.users.with(key, func(one *user) { g.users.memory.take(-one.list.clear()) })
	}
	if c.Lost {
		g.refresh()
	}
}

func (g *Gateway) listChanged(c *relation.ListChange) {
	g.users.with(c.AccountKey, func(one *user) {
		n, grown := one.list.move(c)
		g.users.memory.take(grown)
		switch n {
		case changed:
			one.tell(g, api.NotifyBlocklistChanged, func() any {
				return api.BlocklistChange{Sequence: c.Sequence, Added: result.Entries(c.Added), Removed: c.Removed}
			})
		case moved:
			one.tellReload(g)
		case stale:
		}
	})
	if g.users.memory.full() {
		g.users.trim()
		g.users.shrink(c.AccountKey)
	}
}

// tell queues a notification for each of the user's devices. It is encoded once, and only if there is one.
func (one *user) tell(g *Gateway, method string, params func() any) {
	var frame []byte
	for _, s := range one.sessions {
		if !s.live {
			continue
		}
		if frame == nil {
			frame = notification(method, params())
		}
		s.conn.push(frame)
		g.o.Metrics.Pushed()
	}
}

func (one *user) tellReload(g *Gateway) {
	one.tell(g, api.NotifyBlocklistReload, func() any { return position(one.list.id, one.list.seq) })
}

// shrink drops the history of a user, if there is still too much of them: those of connected users alone are too large.
func (u *users) shrink(key relation.AccountKey) {
	if !u.memory.full() {
		return
	}
	u.with(key, func(one *user) {
		before := one.list.bytes
		one.list.changes, one.list.bytes = nil, 0
		u.memory.take(-before)
	})
}

// endAll ends all sessions of a user, those that are just logging in included.
func (g *Gateway) endAll(key relation.AccountKey, why api.Refusal, reason string) {
	g.users.with(key, func(one *user) {
		for _, s := range one.sessions {
			s.conn.end(why, reason)
		}
	})
}

// AppsChanged ends the sessions whose app is gone or disabled, or dropped the key that signed their ticket.
func (g *Gateway) AppsChanged() {
	g.users.all(func(one *user) {
		for _, s := range one.sessions {
			app, ok := g.o.Apps.App(one.key.SDKAppID)
			switch {
			case !ok || app.Disabled:
				s.conn.end(api.RefusalApp, "the app was deleted or disabled")
			case !hasKey(app.Keys, s.signedBy()):
				s.conn.end(api.RefusalKeyDropped, "the key that signed the UserSig was dropped; log in again with a new one")
			}
		}
	})
}

func hasKey(keys []relation.AppKey, secret string) bool {
	for _, k := range keys {
		if k.Secret == secret {
			return true
		}
	}
	return false
}

// refreshPause is the time between two tries to read lists anew.
const refreshPause = time.Second

// refresh reads all lists of connected users anew, in the background: a commit may have changed any of them.
func (g *Gateway) refresh() {
	var keys []relation.AccountKey
	g.users.all(func(one *user) {
		if len(one.sessions) > 0 {
			keys = append(keys, one.key)
			return
		}
		g.users.memory.take(-one.list.clear())
	})
	if len(keys) == 0 || !g.background(func(ctx context.Context) { g.refreshLists(ctx, keys) }) {
		return
	}
}

func (g *Gateway) refreshLists(ctx context.Context, keys []relation.AccountKey) {
	for len(keys) > 0 {
		if g.refreshList(ctx, keys[0]) {
			keys = keys[1:]
			continue
		}
		select {
		case <-time.After(refreshPause):
		case <-ctx.Done():
			return
		}
	}
}

// refreshList reports whether the list could be read. An account that is gone was told of, or its sessions end here.
func (g *Gateway) refreshList(ctx context.Context, key relation.AccountKey) bool {
	ctx, cancel := context.WithTimeout(ctx, g.o.CallTimeout)
	defer cancel()
	head, err := g.o.Service.Account(ctx, key)
	if err != nil {
		if !isGone(err) {
			return false
		}
		g.endAll(key, api.RefusalDeleted, "the account was deleted")
		return true
	}
	g.users.with(key, func(one *user) {
		if one.list.known && one.list.id == head.List && one.list.seq >= head.Sequence {
			return
		}
		g.users.memory.take(-one.list.bytes)
		one.list.set(head.List, head.Sequence)
		one.tellReload(g)
	})
	return true
}
