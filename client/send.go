package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
)

// send queues a request. done is called exactly once, on another goroutine unless the link has ended already.
func (l *link) send(method string, params json.RawMessage, done func(json.RawMessage, error)) *request {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		done(nil, &lost{})
		return nil
	}
	r := l.addLocked(method, params, done)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return r
}

func (l *link) addLocked(method string, params json.RawMessage, done func(json.RawMessage, error)) *request {
	l.lastID++
	r := &request{id: l.lastID, method: method, frame: encodeFrame(l.lastID, method, params), done: done}
	l.waiting[r.id] = r
	l.queue = append(l.queue, r)
	return r
}

// cancel takes a request back if it was not sent yet.
func (l *link) cancel(r *request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r != nil && !r.sent {
		r.canceled = true
		delete(l.waiting, r.id)
	}
}

// call sends a request and waits for its answer. The error is a *lost, an *Error, or that of ctx.
func (l *link) call(ctx context.Context, method string, params json.RawMessage) (json.RawMessage, error) {
	type answer struct {
		body json.RawMessage
		err  error
	}
	if n := int64(len(params)) + 200; l.maxFrame > 0 && n > l.maxFrame {
		return nil, fmt.Errorf("client: %s: %d bytes are more than the server's %d; name fewer accounts", method, n, l.maxFrame)
	}
	answered := make(chan answer, 1)
	r := l.send(method, params, func(body json.RawMessage, err error) { answered <- answer{body, err} })
	select {
	case a := <-answered:
		return a.body, a.err
	case <-ctx.Done():
		l.cancel(r)
		return nil, fmt.Errorf("client: %s: %w", method, ctx.Err())
	}
}

// write writes what is queued and a ping when there was nothing for long, until the link ends.
func (l *link) write() {
	timer := time.NewTimer(l.heartbeat)
	defer timer.Stop()
	for {
		data, pause := l.next(time.Now())
		if data != nil {
			if err := l.writeFrame(data); err != nil {
				_ = sleep(l.ctx, lastWords)
				l.fail(ending(err, l.sig))
				return
			}
			continue
		}
		if pause <= 0 {
			l.fail(errSilent)
			return
		}
		timer.Reset(pause)
		select {
		case <-l.wake:
		case <-timer.C:
		case <-l.ctx.Done():
			return
		}
	}
}

// lastWords is how long a link that cannot be written to is still read: the close frame says more than the failure.
const lastWords = time.Second

// writeFrame gives the server a limited time to take a frame.
func (l *link) writeFrame(data []byte) error {
	ctx, cancel := context.WithTimeout(l.ctx, l.timeout)
	defer cancel()
	return l.ws.Write(ctx, websocket.MessageText, data)
}

// next returns the frame to write now, or how long there is nothing to do. Neither means that the server is dead.
func (l *link) next(now time.Time) ([]byte, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 && now.Sub(l.wrote) >= l.heartbeat {
		l.addLocked(api.MethodPing, nil, func(json.RawMessage, error) {})
	}
	for len(l.queue) > 0 {
		r := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		if r.canceled {
			continue
		}
		if l.sent == 0 {
			l.progress = now
		}
		r.sent, l.wrote = true, now
		l.sent++
		return r.frame, 0
	}
	pause := l.heartbeat - now.Sub(l.wrote)
	if l.sent > 0 {
		pause = min(pause, l.timeout-now.Sub(l.progress))
	}
	return nil, pause
}
