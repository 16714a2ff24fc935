package gateway

import (
	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// Tracer follows calls into traces. Its method is called for each frame of a client and must be quick.
type Tracer interface {
	// StartCall is told of a call that begins; method is one of api's methods, "login" included, or "unknown". It returns the
	// traceparent of the call, for what comes of it, and end, which is called once: with the app, 0 before login, the code, 0
	// for success, and how many accounts the call named. Both are zero when the call is not followed.
	StartCall(method string) (own string, end func(sdkAppID uint32, code api.Code, accounts int))
}

// followed is a call that a Tracer follows. A nil one is not followed.
type followed struct {
	own      string
	accounts int
	end      func(sdkAppID uint32, code api.Code, accounts int)
}

// follow tells the Tracer of a call.
func (g *Gateway) follow(method string) *followed {
	if g.o.Tracer == nil {
		return nil
	}
	own, end := g.o.Tracer.StartCall(method)
	if end == nil {
		return nil
	}
	return &followed{own: own, end: end}
}

// traceparent returns that of the call, empty when it is not followed.
func (f *followed) traceparent() string {
	if f == nil {
		return ""
	}
	return f.own
}

// ended tells the Tracer how the call was answered.
func (f *followed) ended(s *session, code api.Code) {
	if f == nil {
		return
	}
	var app uint32
	if s != nil {
		app = s.key.SDKAppID
	}
	f.end(app, code, f.accounts)
}

// trace returns the traceparent of the call, empty when it is not followed.
func (c call) trace() string { return c.followed.traceparent() }

// origin says where the call came from, for the events that it makes.
func (c call) origin() relation.Origin {
	o := c.session.device.Origin
	o.Trace = c.trace()
	return o
}

// accountsOf returns how many accounts a call names besides its user.
func accountsOf(req any) int {
	if targets, ok := req.(*api.BlocklistTargets); ok {
		return len(targets.ToAccount)
	}
	return 0
}
