package restapi

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// failure is an error whose code and text are for the caller.
type failure struct {
	code api.Code
	info string
}

// Error returns the text that the caller sees.
func (f failure) Error() string { return f.info }

// errTimeLimit answers a call that took longer than Options.CallTimeout.
var errTimeLimit = failure{
	api.CodeServiceTimeout,
	"the call took too long and may still be carried out; ask again, which is safe",
}

// explain turns an error into what the caller is told. This is the one place that knows which error of relation has
// which code. An error without a row is logged in full and answered as internal, without its text.
func (h *Handler) explain(cmd *command, err error) failure {
	if f, ok := errors.AsType[failure](err); ok {
		return f
	}
	s := cmd.service
	switch {
	case errors.Is(err, relation.ErrParameter):
		return s.badParameter(strings.TrimPrefix(err.Error(), relation.ErrParameter.Error()+": "))
	case errors.Is(err, relation.ErrNoAccount):
		return s.noAccount
	case errors.Is(err, relation.ErrNoApp):
		return failure{api.CodeAppUnknown, "there is no app with this sdkappid"}
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

// item is what the caller is told about one item.
type item struct {
	code api.Code
	info string
}

// items maps the outcomes that a command can have.
type items struct {
	rows     map[relation.Outcome]item
	internal api.Code
}

// of returns the row of an outcome. One without a row is a mistake in this table and is reported as internal, never as
// success.
func (t items) of(o relation.Outcome) item {
	row, ok := t.rows[o]
	if !ok {
		return item{code: t.internal}
	}
	return row
}

// The outcomes of each command that reports items.
var (
	blockAddItems = items{internal: api.CodeSnsInternal, rows: map[relation.Outcome]item{
		relation.Done:           {},
		relation.AlreadyListed:  {api.CodeParameter, api.InfoBlockExists},
		relation.Self:           {api.CodeParameter, api.InfoBlockSelf},
		relation.UnknownAccount: {api.CodeNoAccount, api.InfoBlockAddUnknown},
		relation.ListFull:       {api.CodeBlocklistFull, api.InfoBlockFull},
	}}
	blockDeleteItems = items{internal: api.CodeSnsInternal, rows: map[relation.Outcome]item{
		relation.Done:           {},
		relation.NotListed:      {api.CodeParameter, api.InfoBlockNotListed},
		relation.UnknownAccount: {api.CodeNoAccount, api.InfoBlockDelUnknown},
	}}
	accountDeleteItems = items{internal: api.CodeAccountInternal, rows: map[relation.Outcome]item{
		relation.Done:           {},
		relation.UnknownAccount: {api.CodeAccountUnknown, api.InfoAccountNotExist},
	}}
	accountImportItems = items{internal: api.CodeAccountInternal, rows: map[relation.Outcome]item{
		relation.Done:    {},
		relation.Invalid: {api.CodeAccountParameter, api.InfoAccountParameter},
	}}
)

// recoverTo turns a panic into an error with its stack, for the log. It must be deferred itself.
func recoverTo(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}
