package restapi

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/relation"
)

// failure is an error whose code and text are for the caller. Those of package auth become one.
type failure auth.Failure

// Error returns the text that the caller sees.
func (f failure) Error() string { return f.Info }

// errTimeLimit answers a call that took longer than Options.CallTimeout.
var errTimeLimit = failure{
	api.CodeServiceTimeout,
	"the call took too long and may still be carried out; ask again, which is safe",
}

// errHeldBack answers a call that waited for its turn for that long.
var errHeldBack = failure{
	api.CodeServiceTimeout,
	"the app makes more calls at a time than the server can carry out; this one was not begun; make fewer at a time and try again",
}

// explain turns an error into what the caller is told. This is the one place that knows which error of relation has
// which code. An error without a row is logged in full and answered as internal, without its text.
func (h *Handler) explain(cmd *command, err error) failure {
	if f, ok := errors.AsType[failure](err); ok {
		return f
	}
	if f, ok := errors.AsType[auth.Failure](err); ok {
		return failure(f)
	}
	s := cmd.service
	switch {
	case errors.Is(err, relation.ErrParameter):
		return s.badParameter(strings.TrimPrefix(err.Error(), relation.ErrParameter.Error()+": "))
	case errors.Is(err, relation.ErrNoAccount):
		return s.noAccount
	case errors.Is(err, relation.ErrNoApp):
		return failure(auth.UnknownApp())
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeLimit
	}
	const what = "REST call failed"
	if errors.Is(err, relation.ErrUnavailable) {
		// The store logs when an outage begins and ends; a line for each call would bury that.
		h.log.Debug(what, "command", cmd.name, "err", err)
		return failure{s.internal, "the server cannot store changes now; try again"}
	}
	h.log.Error(what, "command", cmd.name, "err", err)
	return failure{s.internal, "internal error; try again, the server's log has the reason"}
}

// recoverTo turns a panic into an error with its stack, for the log. It must be deferred itself.
func recoverTo(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}
