package operator

import (
	"errors"
	"net/http"

	"github.com/kithchat/kith/internal/relation"
)

// Modes of listening.
const (
	// ListenMirror gets a copy of every attempt; the app's own endpoint decides.
	ListenMirror = "mirror"
	// ListenInstead stands in for an app's endpoint, and has to answer each exchange.
	ListenInstead = "instead"
)

// ListenLine is a line of the stream of an app's callbacks: one that goes out, or a sign of life.
type ListenLine struct {
	Exchange *Exchange `json:"exchange,omitempty"`
	// Activity is what came of the exchange at the app's own endpoint; of ListenMirror.
	Activity *Activity `json:"activity,omitempty"`
	Pulse
}

// Exchange is a callback as it goes out. It can be repeated byte for byte against another handler.
type Exchange struct {
	ID     string      `json:"id"`     // of this exchange, not of the event
	Query  string      `json:"query"`  // what is appended to the callback URL
	Header http.Header `json:"header"` // without those of the transport
	Body   []byte      `json:"body"`   // in base64
}

// ExchangeAnswer is what a listener's handler answered. Failure says in words why it could not be asked.
type ExchangeAnswer struct {
	Status  int         `json:"status,omitempty"`
	Header  http.Header `json:"header,omitempty"`
	Body    []byte      `json:"body,omitempty"` // in base64
	Failure string      `json:"failure,omitempty"`
}

// ExchangeSettled confirms that an answer was taken.
type ExchangeSettled struct {
	Exchange string `json:"exchange"`
}

func (h *handler) listen(w http.ResponseWriter, r *http.Request) (any, error) {
	app, err := h.app(r)
	if err != nil {
		return nil, err
	}
	if h.Delivery == nil {
		return nil, unsupported("this server does not deliver")
	}
	end, err := h.openStream(r)
	if err != nil {
		return nil, err
	}
	defer end()
	switch mode := r.URL.Query().Get("mode"); mode {
	case ListenMirror, "":
		return nil, h.listenMirror(w, r, app)
	case ListenInstead:
		return nil, h.listenInstead(w, r, app)
	default:
		return nil, badRequest("mode must be %s or %s, not %q", ListenMirror, ListenInstead, mode)
	}
}

func (h *handler) listenMirror(w http.ResponseWriter, r *http.Request, app *relation.App) error {
	if app.Callback.URL == "" {
		return badRequest("app %d has no callback URL, so nothing goes out that could be mirrored; use `kith listen --instead` (mode=%s)", app.SDKAppID, ListenInstead)
	}
	watch := h.Delivery.Watch(app.SDKAppID, true)
	defer watch.Close()
	stream[relation.Activity]{
		app: app.SDKAppID, source: watch.C, lost: watch.Lost,
		line: func(a relation.Activity, p Pulse) (any, bool) {
			if a.Exchange == nil { // the attempt failed before there was anything to send
				return nil, false
			}
			return ListenLine{Exchange: showExchange(a.Exchange), Activity: showActivity(&a), Pulse: p}, true
		},
		pulse: func(p Pulse) any { return ListenLine{Pulse: p} },
	}.send(h, w, r)
	return nil
}

func (h *handler) listenInstead(w http.ResponseWriter, r *http.Request, app *relation.App) error {
	switch {
	case app.Callback.URL != "":
		return badRequest("app %d has a callback URL, which gets its events; leave --instead out (mode=%s), or take the URL away", app.SDKAppID, ListenMirror)
	case !app.Callback.Listen:
		return badRequest("app %d makes no events for listeners; switch them on with `kith app callback set %d --listen`", app.SDKAppID, app.SDKAppID)
	}
	listening, err := h.Delivery.Listen(app.SDKAppID)
	switch {
	case errors.Is(err, relation.ErrNoApp):
		return err
	case err != nil: // the app allows it, so it is a matter of time
		return &Error{Status: http.StatusServiceUnavailable, Code: CodeUnavailable, Message: err.Error()}
	}
	defer listening.Close()
	h.listeners.add(app.SDKAppID, &listening)
	defer h.listeners.remove(app.SDKAppID, &listening)
	stream[relation.Exchange]{
		app: app.SDKAppID, source: listening.C,
		line: func(e relation.Exchange, p Pulse) (any, bool) {
			return ListenLine{Exchange: showExchange(&e), Pulse: p}, true
		},
		pulse: func(p Pulse) any { return ListenLine{Pulse: p} },
	}.send(h, w, r)
	return nil
}

func showExchange(e *relation.Exchange) *Exchange {
	return &Exchange{ID: e.ID, Query: e.Query, Header: e.Header, Body: e.Body}
}

func (h *handler) answerExchange(_ http.ResponseWriter, r *http.Request) (any, error) {
	app, err := h.app(r)
	if err != nil {
		return nil, err
	}
	var req ExchangeAnswer
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	switch {
	case (req.Status == 0) == (req.Failure == ""):
		return nil, badRequest("give either the status that the handler answered, or in failure why it could not be asked")
	case req.Status != 0 && (req.Status < 100 || req.Status > 599):
		return nil, badRequest("status must be an HTTP status, not %d", req.Status)
	}
	id := r.PathValue("exchange")
	answer := relation.ExchangeAnswer{Status: req.Status, Header: http.Header{}, Body: req.Body, Failure: req.Failure}
	for name, values := range req.Header { // as HTTP has it, in whatever case the listener wrote it
		for _, value := range values {
			answer.Header.Add(name, value)
		}
	}
	if !h.listeners.answer(app.SDKAppID, id, answer) {
		return nil, &Error{
			Status: http.StatusConflict, Code: CodeConflict,
			Message: "nobody waits for the answer to this exchange; it came too late, or a copy (mode=" + ListenMirror + ") was answered",
		}
	}
	return ExchangeSettled{Exchange: id}, nil
}
