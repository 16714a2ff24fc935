package gateway

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/kithchat/kith/api"
)

// handle carries out one frame and queues its answer.
func (c *conn) handle(frame []byte) {
	start := c.g.o.Now()
	r, err := parse(frame)
	name := "unknown"
	if err == nil {
		name = c.g.nameOf(*r.Method)
		err = c.admit(r)
	}
	f := c.g.follow(name)
	if slow := c.limit(start); slow != nil { // of every frame, so that broken ones are not free
		err = slow
	}
	var result any
	if err == nil && name == api.MethodLogin {
		err = c.login(r, f) // it queues its own answer
	} else if err == nil {
		result, err = c.carryOut(r, f)
	}
	var code api.Code
	switch {
	case err != nil:
		code = c.refuse(r, name, err)
	case result != nil && len(r.ID) > 0:
		c.push(resultFrame(r.ID, result))
	}
	f.ended(c.session, code)
	if c.session != nil && c.session.loggedOut {
		c.end(0, "logged out")
	}
	c.g.o.Metrics.Call(name, code, c.g.o.Now().Sub(start))
}

// nameOf returns the method's name, or "unknown", so that strangers cannot make up names for metrics.
func (g *Gateway) nameOf(method string) string {
	if _, ok := g.methods[method]; ok || method == api.MethodLogin {
		return method
	}
	return "unknown"
}

// admit decides whether the call may be carried out at all.
func (c *conn) admit(r request) error {
	isLogin := *r.Method == api.MethodLogin
	switch {
	case c.session == nil && !isLogin:
		return &problem{
			code: api.CodeRPCMethod, refusal: api.RefusalProtocol, fatal: true, message: "the first frame must be login",
		}
	case isLogin && len(r.ID) == 0:
		return &problem{
			code: api.CodeRPCRequest, refusal: api.RefusalProtocol, fatal: true, message: "login needs an id, for its answer",
		}
	case c.session != nil && isLogin:
		return &problem{
			code: api.CodeRPCMethod, refusal: api.RefusalMethod,
			message: "this connection is logged in; use session.renew for a new UserSig, or another connection",
		}
	}
	return nil
}

// limit takes one frame from the connection's allowance. Too many that are refused in a row end the connection.
func (c *conn) limit(now time.Time) error {
	if c.limiter.AllowN(now, 1) {
		c.refused = 0
		return nil
	}
	c.refused++
	return &problem{
		code: api.CodeAPIRate, refusal: api.RefusalRate, retry: time.Duration(float64(time.Second) / c.g.o.Rate),
		message: "too many calls on this connection; call more slowly", fatal: c.refused > maxRefused,
	}
}

// carryOut runs a method of a session that is logged in.
func (c *conn) carryOut(r request, f *followed) (result any, err error) {
	defer recoverTo(&err)
	m, ok := c.g.methods[*r.Method]
	if !ok {
		return nil, &problem{
			code: api.CodeRPCMethod, refusal: api.RefusalMethod, message: "there is no such method; names are case-sensitive",
		}
	}
	id := c.session.key.SDKAppID
	ctx, cancel := context.WithTimeout(c.g.calls, c.g.o.CallTimeout)
	defer cancel()
	if c.g.o.Isolation.Enter(ctx, id) != nil {
		return nil, errHeldBack
	}
	defer c.g.o.Isolation.Leave(id)
	if c.isEnding() { // since it waited; nobody reads the answer
		return nil, errHeldBack
	}
	app, err := c.g.o.Auth.App(id) // as it is now
	if err != nil {
		return nil, err
	}
	return m(ctx, call{session: c.session, app: app, followed: f}, r.Params)
}

// refuse answers an error and ends the connection if the error says so.
func (c *conn) refuse(r request, name string, err error) api.Code {
	p := c.g.explain(name, err)
	if c.session == nil && p.refusal >= api.RefusalCall {
		p.refusal = api.RefusalProtocol // before login there is no session that could go on
	}
	if len(r.ID) > 0 || p.code == api.CodeRPCRequest || p.fatal { // what is not a request is no notification either
		c.push(errorFrame(r.ID, p.wire()))
	}
	if p.fatal || c.session == nil {
		c.end(p.refusal, p.message)
	}
	return p.code
}

// recoverTo turns a panic into an error with the place where it happened. One bad call must not end the process.
func recoverTo(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
	}
}
