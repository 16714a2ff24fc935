package gateway

import (
	"math"
	"time"

	"github.com/kithchat/kith/api"
)

const (
	// silence is how many heartbeats a client may leave out, in halves.
	silenceHalves = 5
	// warning is how long before the end of a UserSig its holder is warned at most.
	warning = 10 * time.Minute
	// warningPart is the part of the UserSig's lifetime that is left when its holder is warned, if that is less.
	warningPart = 10
)

// tick is called by the connection's timer: it ends what is over and sets the timer to the next thing that may happen.
func (c *conn) tick() {
	next := c.check(c.g.o.Now())
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && !c.ending {
		c.timer.Reset(max(next, time.Millisecond))
	}
}

// check returns how long to wait before the next check.
func (c *conn) check(now time.Time) time.Duration {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	if s == nil {
		left := c.since.Add(c.g.o.LoginTimeout).Sub(now)
		if left <= 0 {
			c.end(api.RefusalLoginTimeout, "no login came in time; send it as the first frame")
		}
		return left
	}
	allowed := c.g.o.Heartbeat * silenceHalves / 2
	left := time.Unix(0, c.heard.Load()).Add(allowed).Sub(now)
	if left <= 0 {
		c.end(api.RefusalHeartbeat, "nothing came from the client for too long; send a ping when there is nothing else")
		return 0
	}
	return min(left, s.checkTicket(now))
}

// checkTicket warns of the end of the UserSig and ends the session with it. It returns how long to wait before it is asked
// again.
func (s *session) checkTicket(now time.Time) time.Duration {
	s.mu.Lock()
	expires, warnAt, warned := s.ticket.ExpiresAt(), s.warnAt, s.warned
	s.warned = warned || now.Unix() >= warnAt
	s.mu.Unlock()
	if now.Unix() > expires {
		s.conn.end(api.RefusalExpired, "the UserSig expired; log in again with a new one")
		return 0
	}
	if now.Unix() < warnAt {
		return until(now, warnAt)
	}
	if !warned {
		s.conn.notify(api.NotifySessionExpiring, api.SessionExpiring{ExpireTime: expires})
	}
	return until(now, expires+1)
}

// until returns the time from now to a Unix second, cut to what a timer takes well.
func until(now time.Time, second int64) time.Duration {
	const most = time.Hour
	if left := second - now.Unix(); left < int64(most/time.Second) {
		return time.Unix(second, 0).Sub(now)
	}
	return most
}

// warningTime returns when to warn of the end of a ticket that was issued and expires at these Unix seconds.
func warningTime(issued, expires int64) int64 {
	lifetime := expires - issued
	if lifetime < 0 || expires == math.MaxInt64 { // of absurd tickets
		return expires
	}
	return expires - min(int64(warning/time.Second), lifetime/warningPart)
}
