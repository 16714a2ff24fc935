package client

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kithchat/kith/api"
)

// ErrClosed is the error of calls on a Session that was closed or logged out.
var ErrClosed = errors.New("client: closed; make a new one")

// ErrNoTicket is what Options.UserSig returns, or wraps, when there will be no ticket any more. The session ends with it.
var ErrNoTicket = errors.New("client: there is no ticket for this user any more")

// Error is a refusal: the server understood who asked and said no, or a proxy answered in its place. Take it out of an error
// with errors.As. It never holds a UserSig or a key.
type Error struct {
	// Command is the REST command or the gateway method that was refused.
	Command string
	// Code is a number of package api. It is 0 when the answer was not the API's; then HTTPStatus tells.
	Code api.Code
	// Info is the server's text, for a developer.
	Info string
	// HTTPStatus is the status of a REST answer, or of a handshake that was refused; 0 on a Session.
	HTTPStatus int
	// Refusal is what the gateway said to do; 0 over REST.
	Refusal api.Refusal

	retryAfter time.Duration
}

// Error says what was refused and why.
func (e *Error) Error() string {
	switch {
	case e.Code != api.OK:
		return fmt.Sprintf("client: %s: %s (%d)", e.Command, e.Info, e.Code)
	case e.Refusal != 0:
		return fmt.Sprintf("client: %s: %s (%d)", e.Command, e.Info, e.Refusal)
	}
	return fmt.Sprintf("client: %s: HTTP status %d instead of an answer of the API: %s", e.Command, e.HTTPStatus, e.Info)
}

// temporary are the codes that another try may not meet again.
var temporary = []api.Code{
	api.CodeAPIRate, api.CodeAppRate, api.CodeServiceTimeout, api.CodeTooManyFailures,
	api.CodeSnsInternal, api.CodeAccountInternal, api.CodeOpenimInternal,
}

// Temporary reports whether the same call may succeed later, as it is.
func (e *Error) Temporary() bool {
	if e.Refusal != 0 {
		return adviceOf(e.Refusal) == retry
	}
	return slices.Contains(temporary, e.Code) || e.Code == api.OK && (e.HTTPStatus == 429 || e.HTTPStatus >= 500)
}

// RetryAfter returns how long the server asked to wait before the next try; 0 when it did not say.
func (e *Error) RetryAfter() time.Duration { return e.retryAfter }

// undecided reports whether the call may have been carried out although it was answered with e.
func (e *Error) undecided() bool {
	switch e.Code {
	case api.CodeServiceTimeout, api.CodeSnsInternal, api.CodeAccountInternal, api.CodeOpenimInternal:
		return true
	}
	return e.Code == api.OK && e.HTTPStatus >= 500
}

// asError returns the refusal in an error, or nil.
func asError(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}
