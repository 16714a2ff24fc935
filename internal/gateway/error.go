package gateway

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/relation"
)

// problem is an error whose texts and codes are for the client. fatal ends the connection with its refusal.
type problem struct {
	code    api.Code
	refusal api.Refusal
	message string
	retry   time.Duration
	fatal   bool
}

// Error returns the text that the client sees.
func (p *problem) Error() string { return p.message }

// callProblem is the problem of one call; the session goes on.
func callProblem(code api.Code, message string) *problem {
	return &problem{code: code, refusal: api.RefusalCall, message: message}
}

// wire returns what the client is sent.
func (p *problem) wire() *api.GatewayError {
	return &api.GatewayError{
		Code: p.code, Message: p.message,
		Data: api.GatewayErrorData{Refusal: p.refusal, RetryAfterMS: p.retry.Milliseconds()},
	}
}

// refusals says what a client has to do about each code that the check of a ticket can have.
var refusals = map[api.Code]api.Refusal{
	api.CodeTicketExpired:    api.RefusalExpired,
	api.CodeTicketRevoked:    api.RefusalRevoked,
	api.CodeTicketSignature:  api.RefusalKeyDropped,
	api.CodeTicketEmpty:      api.RefusalTicket,
	api.CodeTicketMalformed:  api.RefusalTicket,
	api.CodeTicketIdentifier: api.RefusalTicket,
	api.CodeTicketSDKAppID:   api.RefusalTicket,
	api.CodeNoKey:            api.RefusalTicket,
	api.CodeAppUnknown:       api.RefusalApp,
	api.CodeAppDisabled:      api.RefusalApp,
	api.CodeTooManyFailures:  api.RefusalFailures,
}

// failureWait is how long the holder of a UserID with too many refused tickets has to wait, per code 70050.
const failureWait = time.Minute

// explain turns an error into what the client is told. This is the one place that knows which error of relation has which
// code here. An error without a row is logged in full and answered as internal, without its text.
func (g *Gateway) explain(method string, err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if f, ok := errors.AsType[auth.Failure](err); ok {
		p := &problem{code: f.Code, message: f.Info, refusal: refusals[f.Code]}
		if p.refusal == api.RefusalFailures {
			p.retry = failureWait
		}
		return p
	}
	switch {
	case errors.Is(err, relation.ErrParameter):
		return callProblem(api.CodeParameter, strings.TrimPrefix(err.Error(), relation.ErrParameter.Error()+": "))
	case errors.Is(err, relation.ErrNoAccount):
		return &problem{code: api.CodeNoAccount, refusal: api.RefusalDeleted, message: "the account was deleted"}
	case errors.Is(err, relation.ErrNoApp):
		return &problem{code: api.CodeAppUnknown, refusal: api.RefusalApp, message: "there is no such app any more"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled): // the latter when the server stops
		return &problem{
			code: api.CodeServiceTimeout, refusal: api.RefusalUnavailable, retry: retryPause,
			message: "the call took too long and may still be carried out; ask again, which is safe",
		}
	}
	p := &problem{code: api.CodeSnsInternal, refusal: api.RefusalUnavailable, retry: retryPause}
	if errors.Is(err, relation.ErrUnavailable) {
		// The store logs when an outage begins and ends; a line for each call would bury that.
		g.o.Log.Debug("gateway call failed", "method", method, "err", err)
		p.message = "the server cannot store changes now; try again"
		return p
	}
	g.o.Log.Error("gateway call failed", "method", method, "err", err)
	p.message = "internal error; try again, the server's log has the reason"
	return p
}

// errHeldBack answers a call that waited for its turn for Options.CallTimeout.
var errHeldBack = &problem{
	code: api.CodeServiceTimeout, refusal: api.RefusalUnavailable, retry: retryPause,
	message: "the app makes more calls at a time than the server can carry out; this one was not begun; try again",
}

// retryPause is what a client is asked to wait after a fault of the server.
const retryPause = time.Second
