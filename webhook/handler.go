package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/kithchat/kith/api"
)

// Handler receives callbacks. Make it with [New]. It is safe for concurrent use.
type Handler struct {
	app       uint32 // 0: any
	tokens    []string
	secrets   *verifier // nil: signatures are not checked
	skew      time.Duration
	maxBody   int64
	seen      *seen // nil: not remembered
	tests     bool
	blackList map[string]func(context.Context, BlackListEvent) error
	state     func(context.Context, StateEvent) error // nil: a command like any unknown one
	unknown   func(context.Context, UnknownEvent) error
	log       *slog.Logger
	now       func() time.Time
}

// New makes a Handler. It fails when the options contradict each other or would accept what they should refuse.
func New(o Options) (*Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	h := &Handler{
		app:       o.SDKAppID,
		tokens:    slices.Clone(o.Tokens),
		skew:      o.Skew,
		maxBody:   o.MaxBody,
		tests:     o.Tests,
		blackList: make(map[string]func(context.Context, BlackListEvent) error),
		state:     o.OnStateChange,
		unknown:   o.OnUnknown,
		log:       o.Logger,
		now:       o.Now,
	}
	if len(o.Secrets) > 0 {
		secrets, err := newVerifier(o.Secrets)
		if err != nil {
			return nil, fmt.Errorf("webhook: Secrets: %w", err)
		}
		h.secrets = secrets
	}
	if h.skew == 0 {
		h.skew = DefaultSkew
	}
	if h.maxBody == 0 {
		h.maxBody = DefaultMaxBody
	}
	if o.Dedup > 0 {
		h.seen = newSeen(o.Dedup)
	}
	if o.OnBlackListAdd != nil {
		h.blackList[api.CallbackBlackListAdd] = o.OnBlackListAdd
	}
	if o.OnBlackListDelete != nil {
		h.blackList[api.CallbackBlackListDelete] = o.OnBlackListDelete
	}
	if h.log == nil {
		h.log = slog.Default()
	}
	if h.now == nil {
		h.now = time.Now
	}
	return h, nil
}

// ServeHTTP takes one callback. The package comment lists its answers.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	event, call, refused := h.receive(w, r)
	if refused != nil {
		h.log.LogAttrs(r.Context(), slog.LevelWarn, "callback refused",
			slog.Int("status", refused.status), slog.String("reason", refused.info), slog.String("peer", r.RemoteAddr))
		if refused.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		answer(w, refused.status, refused.info)
		return
	}
	if event.Test && !h.tests {
		h.log.LogAttrs(r.Context(), slog.LevelInfo, "test callback received",
			slog.String("command", event.Command), slog.String("event", event.ID))
		answer(w, http.StatusOK, "")
		return
	}
	h.settle(w, r, event, call)
}

// receive verifies a request and returns its event with the call of the function that is set for it.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) (Event, func(context.Context) error, *refusal) {
	event, refused := h.verify(r)
	if refused != nil {
		return Event{}, nil, refused
	}
	s, refused := h.readSigned(r.Header)
	if refused != nil {
		return Event{}, nil, refused
	}
	body, refused := h.readBody(w, r)
	if refused != nil {
		return Event{}, nil, refused
	}
	if refused := h.verifySigned(s, body); refused != nil {
		return Event{}, nil, refused
	}
	call, refused := h.decode(event, body)
	return event, call, refused
}

// settle runs the app's function, unless the event is known, and answers.
func (h *Handler) settle(w http.ResponseWriter, r *http.Request, e Event, call func(context.Context) error) {
	if h.seen != nil && e.ID != "" {
		call = h.seen.once(delivery{eventKey{e.SDKAppID, e.ID}, e.Replay}, call)
	}
	err := protect(r.Context(), call)
	if err == nil {
		answer(w, http.StatusOK, "")
		return
	}
	if errors.Is(err, errRunning) {
		answer(w, http.StatusOK, err.Error())
		return
	}
	attrs := []slog.Attr{
		slog.Any("error", err), slog.String("command", e.Command),
		slog.String("event", e.ID), slog.Int("attempt", e.Attempt),
	}
	status, info := http.StatusOK, "the app backend could not handle the callback: see its log"
	if panicked := (*panicError)(nil); errors.As(err, &panicked) {
		status, info = http.StatusInternalServerError, "the app backend panicked: see its log"
		attrs = append(attrs, slog.String("stack", string(panicked.stack)))
	}
	h.log.LogAttrs(r.Context(), slog.LevelError, "callback not handled", attrs...)
	answer(w, status, info)
}

// panicError is a panic of the app's function.
type panicError struct {
	value any
	stack []byte
}

// Error names the panic's value.
func (e *panicError) Error() string { return fmt.Sprint("panic: ", e.value) }

// protect turns a panic of call into an error, so that it is answered and the server lives.
func protect(ctx context.Context, call func(context.Context) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
		}
	}()
	return call(ctx)
}

// answer writes the documented triple. Without info the callback is settled.
func answer(w http.ResponseWriter, status int, info string) {
	triple := api.CallbackResponse{ActionStatus: api.StatusOK}
	if info != "" {
		triple = api.CallbackResponse{ActionStatus: api.StatusFail, ErrorCode: 1, ErrorInfo: info}
	}
	body, _ := json.Marshal(triple) // strings and an int cannot fail
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a sender that has gone asks again
}
