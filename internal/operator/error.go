package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/kithchat/kith/internal/relation"
)

// Codes of errors, for programs. The message is for people.
const (
	CodeInvalid      = "invalid"      // 400: the request is wrong; the message says what to change
	CodeUnauthorized = "unauthorized" // 401: the token is missing or wrong
	CodeForbidden    = "forbidden"    // 403: the request looks like a web page's, or the token is another app's
	CodeNotFound     = "not_found"    // 404: no such app, event, replay or endpoint
	CodeConflict     = "conflict"     // 409: the SDKAppID is taken, the replay has ended, the event does not wait or waits behind another, events are not kept any more, or nobody waits for the answer
	CodeTooLarge     = "too_large"    // 413: the body is over 1 MiB
	CodeInternal     = "internal"     // 500: the server's log has the reason
	CodeUnsupported  = "unsupported"  // 501: this server cannot do it
	CodeUnavailable  = "unavailable"  // 503: the store cannot commit now; ask again
)

// Error is a refusal of the operator API.
type Error struct {
	Status  int    `json:"-"` // HTTP status
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// errorBody is how an Error is sent.
type errorBody struct {
	Error *Error `json:"error"`
}

func badRequest(format string, args ...any) error {
	return &Error{Status: http.StatusBadRequest, Code: CodeInvalid, Message: fmt.Sprintf(format, args...)}
}

func forbidden(message string) error {
	return &Error{Status: http.StatusForbidden, Code: CodeForbidden, Message: message}
}

func unsupported(message string) error {
	return &Error{Status: http.StatusNotImplemented, Code: CodeUnsupported, Message: message}
}

// fail answers with the error and returns the status.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) int {
	e := toError(err)
	if e.Code == CodeInternal || e.Code == CodeUnavailable {
		h.Log.Error("operator call failed", "method", r.Method, "path", redactPath(r.URL), "err", err)
	}
	writeJSON(w, e.Status, errorBody{e})
	return e.Status
}

// toError maps the errors of relation and apps to what the caller sees.
func toError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, relation.ErrParameter):
		return &Error{Status: http.StatusBadRequest, Code: CodeInvalid, Message: err.Error()}
	case errors.Is(err, relation.ErrNoApp):
		return &Error{Status: http.StatusNotFound, Code: CodeNotFound, Message: err.Error() + "; `kith app list` shows them all"}
	case errors.Is(err, relation.ErrNoEvent):
		return &Error{Status: http.StatusNotFound, Code: CodeNotFound, Message: err.Error() + "; it never was, or is not kept any more"}
	case errors.Is(err, relation.ErrForgotten):
		return &Error{
			Status: http.StatusConflict, Code: CodeConflict,
			Message: err.Error() + " (record-retention, record-size), so a copy would lack them; take another export and replay what comes after " +
				"that, or pause the app's callbacks from before the export until it is loaded",
		}
	case errors.Is(err, relation.ErrNoReplay):
		return &Error{Status: http.StatusNotFound, Code: CodeNotFound, Message: err.Error() + "; `kith replay list` shows them all"}
	case errors.Is(err, relation.ErrAppExists):
		return &Error{Status: http.StatusConflict, Code: CodeConflict, Message: err.Error()}
	case errors.Is(err, relation.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{
			Status: http.StatusServiceUnavailable, Code: CodeUnavailable,
			Message: "the store cannot do it now; ask again, and see the server's log if it stays so",
		}
	}
	return &Error{Status: http.StatusInternalServerError, Code: CodeInternal, Message: "the server failed; its log has the reason"}
}
