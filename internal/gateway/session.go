package gateway

import (
	"context"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

// session is a connection that is logged in.
type session struct {
	conn   *conn
	id     string
	key    relation.AccountKey
	device relation.Device
	login  int64 // Unix seconds

	// live says that the session is told of changes. It is guarded by the user's shard.
	live bool
	// recorded says that the store has the device as online. It is set before the connection becomes the session's.
	// loggedOut says that the client wants to end; it belongs to the goroutine that handles frames.
	recorded, loggedOut bool

	mu     sync.Mutex
	ticket usersig.Ticket
	signer string // the key of the app that signed the ticket
	warnAt int64  // Unix seconds
	warned bool
}

// setTicket makes the ticket the one that the session lives by.
func (s *session) setTicket(t usersig.Ticket, signer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ticket, s.signer = t, signer
	s.warnAt, s.warned = warningTime(t.Issued, t.ExpiresAt()), false
}

func (s *session) signedBy() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signer
}

// revoked reports whether a kick at this Unix second made the session's ticket invalid.
func (s *session) revoked(kickedAt int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ticket.Issued < kickedAt
}

func (s *session) expires() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ticket.ExpiresAt()
}

// sessionGet is session.get.
func (g *Gateway) sessionGet(_ context.Context, c call, _ *struct{}) (any, error) {
	s := c.session
	return api.SessionInfo{
		SDKAppID: s.key.SDKAppID, UserID: s.key.UserID, SessionID: s.id, ClientIP: s.device.Origin.ClientIP,
		ExpireTime: s.expires(), Devices: g.users.devices(s),
	}, nil
}

// sessionRenew is session.renew: the session goes on with a newer ticket of the same user. A ticket that is refused changes
// nothing.
func (g *Gateway) sessionRenew(ctx context.Context, c call, req *api.RenewParams) (any, error) {
	s := c.session
	ticket, signer, err := g.o.Auth.Verify(c.app, s.key.UserID, req.UserSig)
	if err != nil {
		return nil, err
	}
	head, err := g.o.Service.Account(ctx, s.key)
	if err != nil {
		return nil, err
	}
	if err := g.checkKick(ticket, head.KickedAt); err != nil {
		return nil, err
	}
	s.setTicket(ticket, signer)
	if p := g.outdated(s); p != nil {
		return nil, p
	}
	s.conn.tick() // the next warning is due at another time
	return api.SessionExpiring{ExpireTime: ticket.ExpiresAt()}, nil
}

// ping is ping.
func (g *Gateway) ping(context.Context, call, *struct{}) (any, error) { return struct{}{}, nil }

// logout is logout. The departure is told before the answer, so that it comes before the login of who then connects again. The
// connection is closed after the answer.
func (g *Gateway) logout(_ context.Context, c call, _ *struct{}) (any, error) {
	c.session.loggedOut = true
	g.depart(c.session, 0, true, c.trace())
	return struct{}{}, nil
}

// method carries out a decoded call.
type method func(ctx context.Context, c call, params jsontext.Value) (any, error)

// call is what a method knows of its caller.
type call struct {
	session  *session
	app      *relation.App
	followed *followed // nil when nobody follows it
}

// table lists the methods of a session. login is not one of them.
func (g *Gateway) table() map[string]method {
	return map[string]method{
		api.MethodLogout:          row(g.logout),
		api.MethodPing:            row(g.ping),
		api.MethodSessionGet:      row(g.sessionGet),
		api.MethodSessionRenew:    row(g.sessionRenew),
		api.MethodBlocklistAdd:    row(g.blocklistAdd),
		api.MethodBlocklistRemove: row(g.blocklistRemove),
		api.MethodBlocklistGet:    row(g.blocklistGet),
		api.MethodBlocklistCheck:  row(g.blocklistCheck),
	}
}

// row makes the method that decodes a Req and does do with it.
func row[Req any](do func(context.Context, call, *Req) (any, error)) method {
	return func(ctx context.Context, c call, params jsontext.Value) (any, error) {
		req := new(Req)
		if err := decodeParams(params, req); err != nil {
			return nil, err
		}
		if c.followed != nil {
			c.followed.accounts = accountsOf(req)
		}
		return do(ctx, c, req)
	}
}
