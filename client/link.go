package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
)

var (
	errSilent    = errors.New("client: the server does not answer; connecting again")
	errLoggedOut = errors.New("client: logged out")
)

// link is one connection that is logged in. One goroutine reads, one writes; requests are answered in the order in which they
// were sent.
type link struct {
	ws        *websocket.Conn
	sig       string // to keep it out of errors
	timeout   time.Duration
	heartbeat time.Duration // at most that long between two frames of ours
	maxFrame  int64         // bytes; 0: not known

	ctx  context.Context
	fail context.CancelCauseFunc
	wake chan struct{} // one element: there is something to write

	// after is when the server said to come back; zero if it said nothing. renewing: a new ticket is on its way. Both belong to
	// the session's lock.
	after    time.Time
	renewing bool

	mu       sync.Mutex
	closed   bool
	lastID   uint64
	queue    []*request
	waiting  map[uint64]*request // queued or sent, not answered
	sent     int                 // of the waiting ones
	progress time.Time           // since when the oldest sent one has been the next to be answered
	wrote    time.Time           // when the last frame was written
}

// request is a call on its way. done is called once: by the reading goroutine with the answer, or with a *lost.
type request struct {
	id       uint64
	method   string
	frame    []byte
	sent     bool
	canceled bool
	done     func(json.RawMessage, error)
}

// lost is the error of a request whose link ended before its answer. sent: it may have been carried out.
type lost struct{ sent bool }

// Error is not seen by callers: their request is sent again.
func (lost) Error() string { return "client: the connection was lost" }

func newLink(ctx context.Context, ws *websocket.Conn, sig string, timeout time.Duration) *link {
	l := &link{ws: ws, sig: sig, timeout: timeout, wake: make(chan struct{}, 1), waiting: make(map[uint64]*request)}
	l.ctx, l.fail = context.WithCancelCause(ctx)
	return l
}

// welcome takes what the login said about the connection.
func (l *link) welcome(r *api.LoginResult) {
	const usual, share = 25, 0.8 // seconds; a ping is sent a little early
	seconds := r.HeartbeatSeconds
	if seconds <= 0 {
		seconds = usual
	}
	l.heartbeat = time.Duration(float64(seconds) * share * float64(time.Second))
	l.maxFrame, l.wrote = r.MaxFrame, time.Now()
}

// run reads frames until the link ends, and returns why.
func (l *link) run(handle func(frame) error) error {
	var writer sync.WaitGroup
	writer.Go(l.write)
	l.fail(l.read(handle))
	_ = l.ws.CloseNow()
	writer.Wait()
	l.mu.Lock()
	l.closed = true
	waiting := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	for _, r := range waiting {
		r.done(nil, &lost{sent: r.sent})
	}
	return context.Cause(l.ctx)
}

func (l *link) read(handle func(frame) error) error {
	for {
		f, err := readFrame(l.ctx, l.ws)
		if err != nil {
			return ending(err, l.sig)
		}
		if f.method != "" {
			err = handle(f)
		} else {
			err = l.answer(f)
		}
		if err != nil {
			return err
		}
	}
}

// readFrame reads and decodes one frame.
func readFrame(ctx context.Context, ws *websocket.Conn) (frame, error) {
	kind, data, err := ws.Read(ctx)
	if err != nil {
		return frame{}, err
	}
	if kind != websocket.MessageText {
		return frame{}, errFrame
	}
	return decodeFrame(data)
}

// ending turns the end of a connection into an *Error if the server said why.
func ending(err error, sig string) error {
	if closed, ok := errors.AsType[websocket.CloseError](err); ok && closed.Code >= 4000 && closed.Code < 4400 {
		return &Error{Command: "connection", Refusal: api.Refusal(closed.Code), Info: redact(closed.Reason, sig)}
	}
	return fmt.Errorf("client: the connection was lost: %s", redact(err.Error(), sig))
}

// answer hands an answer to who waits for it.
func (l *link) answer(f frame) error {
	l.mu.Lock()
	r := l.waiting[f.id]
	if r == nil || !r.sent {
		l.mu.Unlock()
		if f.id == 0 { // an error of a frame that the server could not read; it closes the connection, which says more
			return nil
		}
		return errFrame
	}
	delete(l.waiting, f.id)
	l.sent--
	l.progress = time.Now()
	l.mu.Unlock()
	if f.err != nil {
		r.done(nil, gatewayError(r.method, f.err, l.sig))
		return nil
	}
	r.done(f.body, nil)
	if r.method == api.MethodLogout {
		return errLoggedOut
	}
	return nil
}

// gatewayError is the *Error of an error frame.
func gatewayError(method string, e *api.GatewayError, sig string) *Error {
	return &Error{
		Command: method, Code: e.Code, Info: redact(e.Message, sig), Refusal: e.Data.Refusal,
		retryAfter: time.Duration(min(max(e.Data.RetryAfterMS, 0), maxAskedMS)) * time.Millisecond,
	}
}

// maxAskedMS is the longest pause in milliseconds that a server can ask for: an hour.
const maxAskedMS = 3_600_000
