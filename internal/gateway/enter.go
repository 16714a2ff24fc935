package gateway

import (
	"context"
	"errors"
	"slices"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

// arrival is a login that was authenticated.
type arrival struct {
	session  *session
	app      *relation.App
	ticket   usersig.Ticket
	position *api.BlocklistPosition
	request  request
	trace    string // traceparent of the login, empty when it is not followed
}

// plan is what a login does to the user's other devices.
type plan struct {
	replaced []*session // older connections of the same device
	out      []*session // devices that have to go
	lost     []absent   // devices that are away: the same one, and those that have to go
	resumed  bool       // the same device was there a moment ago, and is recorded as online
}

// enter makes the session one of its user's and queues the answer to the login, followed by every change that comes after it.
// The session counts from the beginning for kicks and deletions, so that none is missed, but is told of nothing before the
// answer.
func (g *Gateway) enter(ctx context.Context, a arrival) error {
	s := a.session
	one := g.users.pin(s.key)
	defer g.users.unpin(one)
	one.gate.Lock()
	defer one.gate.Unlock()
	if err := g.settle(ctx, one); err != nil {
		return err
	}

	p, err := g.join(one, a)
	if err != nil {
		return err
	}
	lost := g.repairs.lost.Load()
	device := s.device
	device.Origin.Trace = a.trace // of this event alone, not of the session's
	head, err := g.o.Service.Enter(ctx, relation.EnterCommand{
		App: a.app, UserID: s.key.UserID, Device: device, Kicked: p.kicked(s.device.ID), Resumed: p.resumed,
		Admit: func(head relation.AccountHead) error { return g.checkKick(a.ticket, head.KickedAt) },
	})
	emits := a.app.Emits(relation.EventState)
	if err != nil {
		g.users.locked(one, func() { one.drop(s) })
		if emits {
			g.unsettle(s.key, lost)
		}
		return err
	}
	s.recorded = p.resumed || emits
	g.absences.forget(s.key, p.lost)
	if !g.begin(one, a, p, head) && emits {
		g.repair(&g.repairs.devices, s.key)
	}
	s.conn.setSession(s) // not before the answer: the clock may have a warning of the ticket's end, which must come after it
	if !emits {
		g.unrecord(s, p)
	}
	for _, old := range p.replaced {
		old.conn.end(api.RefusalReplaced, "this device connected again")
	}
	for _, old := range p.out {
		old.conn.end(api.RefusalKicked, "another device logged in; the app allows "+devicesText(a.app.Devices()))
	}
	return nil
}

// join adds a session to its user's and returns what its login does to the others.
func (g *Gateway) join(one *user, a arrival) (p plan, err error) {
	s := a.session
	g.users.locked(one, func() {
		p = one.plan(s, a.app.Devices(), g.o.MaxSessions, g.absences.of(s.key))
		one.sessions = append(one.sessions, s)
	})
	if p := g.outdated(s); p != nil { // the app changed while the ticket was checked, and AppsChanged did not meet the session
		g.users.locked(one, func() { one.drop(s) })
		return plan{}, p
	}
	return p, nil
}

// begin lets a session be told of changes, from what it missed on. It returns false when the account was deleted meanwhile,
// which ended the session.
func (g *Gateway) begin(one *user, a arrival, p plan, head relation.AccountHead) (begun bool) {
	s := a.session
	g.users.locked(one, func() {
		for _, old := range append(p.replaced, p.out...) {
			one.drop(old)
		}
		if begun = slices.Contains(one.sessions, s); !begun {
			return
		}
		if !one.list.known || one.list.id != head.List {
			g.users.memory.take(-one.list.clear())
			one.list.set(head.List, head.Sequence)
		}
		s.live = true
		s.conn.push(resultFrame(a.request.ID, g.welcome(s, one.list.since(a.position))))
	})
	return begun
}

// unrecord has the records of devices removed that a login put out which is not told to anybody itself.
func (g *Gateway) unrecord(s *session, p plan) {
	out := slices.DeleteFunc(p.lost, func(d absent) bool { return d.device.ID == s.device.ID })
	for _, old := range p.out {
		out = append(out, absent{key: s.key, device: old.device, recorded: old.recorded})
	}
	for _, d := range out {
		if d.recorded {
			d.action, d.reason = relation.ActionDisconnect, relation.ReasonLinkClose
			g.absences.add(g, d, leavePause)
		}
	}
}

// welcome is the answer to a login.
func (g *Gateway) welcome(s *session, news api.BlocklistNews) api.LoginResult {
	return api.LoginResult{
		UserID: s.key.UserID, Platform: s.device.Origin.Platform, DeviceID: s.device.ID, SessionID: s.id,
		ExpireTime: s.expires(), HeartbeatSeconds: int(g.o.Heartbeat.Seconds()), MaxFrame: g.o.MaxFrame, Blocklist: news,
	}
}

// plan decides what a login of s does to the user's other devices, of which perPlatform may be there of one platform, s
// included, and most in all. Those that are away go before those that are there, and the oldest login first.
func (one *user) plan(s *session, perPlatform, most int, away []absent) plan {
	var p plan
	var same []*session // on the platform of s
	var all []*session
	for _, old := range one.sessions {
		switch {
		case old.device.ID == s.device.ID:
			p.replaced = append(p.replaced, old)
			continue
		case old.device.Origin.Platform == s.device.Origin.Platform:
			same = append(same, old)
		}
		all = append(all, old)
	}
	p.resumed = slices.ContainsFunc(p.replaced, func(old *session) bool { return old.recorded })
	var lost []absent
	for _, d := range away {
		switch {
		case d.device.ID == s.device.ID:
			p.lost, p.resumed = append(p.lost, d), p.resumed || d.recorded
		case d.device.Origin.Platform == s.device.Origin.Platform:
			lost = append(lost, d)
		}
	}
	over := len(same) + len(lost) + 1 - perPlatform
	n := min(max(over, 0), len(lost))
	p.lost = append(p.lost, lost[:n]...)
	for i := range max(over-n, 0) {
		p.out = append(p.out, same[i])
	}
	for _, old := range all {
		if len(all)-len(p.out)+1 <= most {
			break
		}
		if !slices.Contains(p.out, old) {
			p.out = append(p.out, old)
		}
	}
	return p
}

// kicked returns the devices that the Login event of a device reports as put out.
func (p *plan) kicked(device string) []relation.Device {
	var devices []relation.Device
	for _, d := range p.lost {
		if d.device.ID != device {
			devices = append(devices, d.device)
		}
	}
	for _, s := range p.out {
		devices = append(devices, s.device)
	}
	return devices
}

// depart takes a session whose connection ended off its user's, and tells of it as far as the app wants to know. One that was
// replaced or put out by another login is gone already, and the login told of it.
func (g *Gateway) depart(s *session, why api.Refusal, loggedOut bool, trace string) {
	one := g.users.pin(s.key)
	defer g.users.unpin(one)
	one.gate.Lock()
	defer one.gate.Unlock()
	d := absent{key: s.key, device: s.device, recorded: s.recorded, action: relation.ActionDisconnect, reason: relation.ReasonLinkClose}
	d.device.Origin.Trace = trace
	atOnce := loggedOut || why == api.RefusalRevoked
	switch {
	case loggedOut:
		d.action, d.reason = relation.ActionLogout, relation.ReasonUnregister
	case why == api.RefusalHeartbeat:
		d.reason = relation.ReasonTimeOut
	}
	var there bool
	g.users.locked(one, func() {
		if there = one.drop(s) && g.concerns(&d); there && !atOnce {
			g.absences.add(g, d, g.o.Grace) // here, so that a deletion of the account meets either session or absence
		}
	})
	if there && atOnce {
		g.leave(d)
	}
}

// concerns reports whether a departure has to be told or recorded.
func (g *Gateway) concerns(d *absent) bool {
	app, ok := g.o.Apps.App(d.key.SDKAppID)
	return ok && (d.recorded || app.Emits(relation.EventState))
}

// leave tells of a departure now. When it cannot be stored, it is tried again later. While the gateway stops nothing is told:
// the next start takes over the devices that are recorded. The caller holds the user's gate.
func (g *Gateway) leave(d absent) {
	if g.stopping.Load() || !g.tell(d) {
		g.absences.add(g, d, leavePause)
	}
}

// tell stores a departure and reports whether it is done with.
func (g *Gateway) tell(d absent) bool {
	app, ok := g.o.Apps.App(d.key.SDKAppID)
	if !ok {
		return true // the app is gone, and all its records with it
	}
	ctx, cancel := context.WithTimeout(g.calls, g.o.CallTimeout)
	defer cancel()
	lost := g.repairs.lost.Load()
	err := g.o.Service.Leave(ctx, relation.LeaveCommand{
		App: app, UserID: d.key.UserID, Device: d.device, Action: d.action, Reason: d.reason, Recorded: d.recorded,
	})
	if err == nil || errors.Is(err, relation.ErrNoApp) {
		return true
	}
	// The store logs when an outage begins and ends; a line for each departure would bury that.
	g.o.Log.Debug("a departure could not be stored; it is tried again", "sdkappid", d.key.SDKAppID, "err", err)
	g.unsettle(d.key, lost)
	return false
}

func isGone(err error) bool {
	return errors.Is(err, relation.ErrNoAccount) || errors.Is(err, relation.ErrNoApp)
}

// setSession makes the connection one that is logged in.
func (c *conn) setSession(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = s
	if !c.closed {
		c.departLocked() // it may have been ended while it logged in
		c.timer.Reset(0) // what the clock looks at is another thing now
	}
}
