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

// Zero values of [Options].
const (
	// DefaultSkew is how far RequestTime may be from now, as Tencent Chat's console advises receivers.
	DefaultSkew = 60 * time.Second
	// DefaultMaxBody is the longest body in bytes. 1000 pairs with the longest UserIDs take about 100 KB.
	DefaultMaxBody = 1 << 20
)

// Options says which callbacks a [Handler] takes and what it does with them. Functions may run concurrently; for one
// From_Account (the To_Account of State.StateChange) Kith has one callback in flight at a time.
type Options struct {
	// SDKAppID is the app whose callbacks are taken. It must be set unless AnyApp is.
	SDKAppID uint32
	// AnyApp takes callbacks of every app; SDKAppID must then be 0. Look at [Event.SDKAppID] in your functions.
	AnyApp bool
	// Tokens are the Tokens that Sign may be made with: one, or the old and the new one while you change it. None means
	// that Sign is not checked, and anyone who reaches the handler can report changes. An empty Token is refused by New,
	// so an unset environment variable does not turn the check off.
	Tokens []string
	// Skew is how far RequestTime may be from now, both ways, in whole seconds. 0 means DefaultSkew.
	Skew time.Duration
	// MaxBody is the longest body in bytes. 0 means DefaultMaxBody.
	MaxBody int64
	// Dedup is how many ids of handled events are remembered (some 200 bytes each). A repetition of one of them is
	// answered OK without calling your function, and so is an operator's replay of it. A repetition that arrives while
	// the first is still being handled is put off. 0 means that every delivery reaches your function. The memory does
	// not outlive the process.
	Dedup int
	// OnBlackListAdd takes Sns.CallbackBlackListAdd. An error makes Kith send the event again later.
	OnBlackListAdd func(context.Context, BlackListEvent) error
	// OnBlackListDelete takes Sns.CallbackBlackListDelete. An error makes Kith send the event again later.
	OnBlackListDelete func(context.Context, BlackListEvent) error
	// OnStateChange takes State.StateChange, which an app gets only after it switched it on. An error makes Kith send the
	// event again later.
	OnStateChange func(context.Context, StateEvent) error
	// OnUnknown takes each verified callback that none of the functions above is set for. Nil means that such callbacks
	// are answered OK and forgotten. An error makes Kith send the event again later.
	OnUnknown func(context.Context, UnknownEvent) error
	// Logger gets refused requests as warnings, and errors and panics of your functions as errors. Nil means
	// slog.Default(). Bodies and Tokens are not logged.
	Logger *slog.Logger
	// Now is the clock that RequestTime is compared with. Nil means time.Now.
	Now func() time.Time
}

// Handler receives callbacks. Make it with [New]. It is safe for concurrent use.
type Handler struct {
	app       uint32 // 0: any
	tokens    []string
	skew      time.Duration
	maxBody   int64
	seen      *seen // nil: not remembered
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
		blackList: make(map[string]func(context.Context, BlackListEvent) error),
		state:     o.OnStateChange,
		unknown:   o.OnUnknown,
		log:       o.Logger,
		now:       o.Now,
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

func (o Options) check() error {
	switch {
	case o.SDKAppID == 0 && !o.AnyApp:
		return errors.New("webhook: SDKAppID is 0: set it to the app's id, or set AnyApp")
	case o.SDKAppID != 0 && o.AnyApp:
		return errors.New("webhook: SDKAppID and AnyApp are both set: choose one")
	case o.Skew < 0, o.Skew%time.Second != 0:
		return errors.New("webhook: Skew must be zero or more whole seconds")
	case o.MaxBody < 0:
		return errors.New("webhook: MaxBody must not be negative")
	case o.Dedup < 0:
		return errors.New("webhook: Dedup must not be negative")
	}
	if i := slices.Index(o.Tokens, ""); i >= 0 {
		return fmt.Errorf("webhook: Tokens[%d] is empty: set the Token, or leave Tokens empty to take unsigned callbacks", i)
	}
	return nil
}

// ServeHTTP takes one callback. The package comment lists its answers.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	event, refused := h.verify(r)
	var body []byte
	if refused == nil {
		body, refused = h.readBody(w, r)
	}
	var call func(context.Context) error
	if refused == nil {
		call, refused = h.decode(event, body)
	}
	if refused != nil {
		h.log.LogAttrs(r.Context(), slog.LevelWarn, "callback refused",
			slog.Int("status", refused.status), slog.String("reason", refused.info), slog.String("peer", r.RemoteAddr))
		if refused.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		answer(w, refused.status, refused.info)
		return
	}
	h.settle(w, r, event, call)
}

// settle runs the app's function, unless the event is known, and answers.
func (h *Handler) settle(w http.ResponseWriter, r *http.Request, e Event, call func(context.Context) error) {
	if h.seen != nil && e.ID != "" {
		call = h.seen.once(eventKey{e.SDKAppID, e.ID}, call)
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
