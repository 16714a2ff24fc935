package dispatch

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/kithchat/kith/internal/relation"
)

// listenQueue is how many exchanges wait for one listener to take them; more fail as timeouts do.
const listenQueue = 256

// Why a listener gave no answer.
var (
	errNoListener   = errors.New("nobody listens")
	errListenerGone = errors.New("the listener went away")
	errListenerFull = errors.New("the listener does not keep up")
	// errListenerSays means that the listener could not ask its handler.
	errListenerSays = errors.New("the listener could not ask its handler")
)

// hub connects the attempts of one app to who listens. It is safe for concurrent use. Attempts of one account are made one
// at a time, so whichever listener gets them, the account's order holds.
type hub struct {
	mu        sync.Mutex
	listeners []*listener
	next      int // whose turn it is
	exchanges int64
}

// listener is one who listens.
type listener struct {
	c       chan relation.Exchange
	waiting map[string]chan<- relation.ExchangeAnswer // by exchange
	gone    chan struct{}
	closed  bool
}

// ask hands an exchange to a listener and waits for its answer until ctx ends.
func (h *hub) ask(ctx context.Context, o outgoing) (*answer, error) {
	l, id, c, err := h.hand(o)
	if err != nil {
		return nil, err
	}
	defer h.forget(l, id)
	select {
	case got := <-c:
		return answered(got)
	case <-l.gone:
		return nil, errListenerGone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func answered(got relation.ExchangeAnswer) (*answer, error) {
	if got.Failure != "" {
		return nil, errListenerSays
	}
	a := &answer{status: got.Status, header: got.Header, body: got.Body, tooLarge: len(got.Body) > maxAnswer}
	a.body = a.body[:min(len(a.body), maxAnswer)]
	return a, nil
}

// hand gives an exchange to the next listener that has room.
func (h *hub) hand(o outgoing) (*listener, string, <-chan relation.ExchangeAnswer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.listeners) == 0 {
		return nil, "", nil, errNoListener
	}
	h.exchanges++
	id := strconv.FormatInt(h.exchanges, 10)
	for range h.listeners {
		h.next = (h.next + 1) % len(h.listeners)
		l := h.listeners[h.next]
		select {
		case l.c <- o.exchange(id):
			c := make(chan relation.ExchangeAnswer, 1)
			l.waiting[id] = c
			return l, id, c, nil
		default:
		}
	}
	return nil, "", nil, errListenerFull
}

func (h *hub) forget(l *listener, id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(l.waiting, id)
}

// settle passes an answer on. It reports false when nobody waits for it.
func (h *hub) settle(l *listener, id string, a relation.ExchangeAnswer) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := l.waiting[id]
	if c == nil || l.closed {
		return false
	}
	delete(l.waiting, id)
	c <- a // it has room for the one answer
	return true
}

func (h *hub) join() *listener {
	l := &listener{
		c:       make(chan relation.Exchange, listenQueue),
		waiting: map[string]chan<- relation.ExchangeAnswer{},
		gone:    make(chan struct{}),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners = append(h.listeners, l)
	return l
}

func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	close(l.gone)
	close(l.c)
	for i, other := range h.listeners {
		if other == l {
			h.listeners = append(h.listeners[:i:i], h.listeners[i+1:]...)
		}
	}
}

// clear ends all that listen.
func (h *hub) clear() {
	h.mu.Lock()
	all := h.listeners
	h.mu.Unlock()
	for _, l := range all {
		h.leave(l)
	}
}

func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listeners)
}
