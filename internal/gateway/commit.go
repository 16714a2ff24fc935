package gateway

import (
	"slices"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/result"
)

const kickedReason = "the app backend kicked this account; log in again with a new UserSig"

// Committed takes what a commit made durable to the devices that it concerns. It must be called in commit order, before the
// calls return whose changes it tells, and never blocks on a client.
func (g *Gateway) Committed(c relation.Commit) {
	for i := range c.Lists {
		g.listChanged(&c.Lists[i])
	}
	for _, key := range c.Kicked {
		g.endAll(key, api.RefusalRevoked, kickedReason)
	}
	for _, key := range c.Deleted {
		g.deleted(key)
	}
	if c.Lost {
		g.repairs.lost.Add(1)
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

// deleted ends what there is of an account. One that is imported again begins anew.
func (g *Gateway) deleted(key relation.AccountKey) {
	g.users.with(key, func(one *user) {
		for _, s := range slices.Clone(one.sessions) {
			one.drop(s) // nothing is told of its departure
			s.conn.end(api.RefusalDeleted, "the account was deleted")
		}
		g.users.memory.take(-one.list.clear())
	})
	g.absences.forgetAll(key)
}

// AppsChanged ends the sessions whose app is gone or disabled, or dropped the key that signed their ticket.
func (g *Gateway) AppsChanged() {
	g.users.all(func(one *user) {
		for _, s := range one.sessions {
			if p := g.outdated(s); p != nil {
				s.conn.end(p.refusal, p.message)
			}
		}
	})
}

// outdated returns why a session cannot go on with its app as it is now, or nil.
func (g *Gateway) outdated(s *session) *problem {
	app, ok := g.o.Apps.App(s.key.SDKAppID)
	switch {
	case !ok:
		return &problem{code: api.CodeAppUnknown, refusal: api.RefusalApp, fatal: true, message: "the app was deleted"}
	case app.Disabled:
		return &problem{code: api.CodeAppDisabled, refusal: api.RefusalApp, fatal: true, message: "the app was disabled"}
	case !hasKey(app.Keys, s.signedBy()):
		return &problem{
			code: api.CodeTicketSignature, refusal: api.RefusalKeyDropped, fatal: true,
			message: "the key that signed the UserSig was dropped; log in again with a new one",
		}
	}
	return nil
}

func hasKey(keys []relation.AppKey, secret string) bool {
	for _, k := range keys {
		if k.Secret == secret {
			return true
		}
	}
	return false
}
