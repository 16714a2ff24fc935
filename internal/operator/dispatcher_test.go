package operator_test

import (
	"context"
	"errors"
	"sync"

	"github.com/kithchat/kith/internal/relation"
)

// delivery is a dispatcher whose watches and listenings a test feeds.
type delivery struct {
	endpoints []relation.EndpointStatus

	mu      sync.Mutex
	changed int // calls of ReplaysChanged
	watched []watched
	watch   chan *feed[relation.Activity] // each Watch that begins
	listen  chan *feed[relation.Exchange] // each Listen that begins
	refuse  error                         // what Listen answers
	waiting map[string]chan relation.ExchangeAnswer
	decide  func(key relation.EventKey, what string) error // what Park and Hurry do
}

func (d *delivery) Park(_ context.Context, key relation.EventKey) error { return d.decide(key, "park") }

func (d *delivery) Hurry(_ context.Context, key relation.EventKey, reason string) error {
	return d.decide(key, "hurry after "+reason)
}

// watched is how a Watch was called.
type watched struct {
	app       uint32
	exchanges bool
}

// feed is the other end of a watch or listening.
type feed[T any] struct {
	c      chan T
	lost   int64
	once   sync.Once
	closed chan struct{} // when the handler closed it
}

func newFeed[T any]() *feed[T] { return &feed[T]{c: make(chan T, 1), closed: make(chan struct{})} }

func (f *feed[T]) close() { f.once.Do(func() { close(f.closed) }) }

func newDelivery() *delivery {
	return &delivery{
		watch: make(chan *feed[relation.Activity], 8), listen: make(chan *feed[relation.Exchange], 8),
		waiting: map[string]chan relation.ExchangeAnswer{},
		decide:  func(relation.EventKey, string) error { return nil },
	}
}

func (d *delivery) Endpoints() []relation.EndpointStatus { return d.endpoints }

func (d *delivery) Endpoint(app uint32) (relation.EndpointStatus, bool) {
	for _, e := range d.endpoints {
		if e.SDKAppID == app {
			return e, true
		}
	}
	return relation.EndpointStatus{}, false
}

func (d *delivery) Watch(app uint32, exchanges bool) relation.Watch {
	f := newFeed[relation.Activity]()
	d.mu.Lock()
	d.watched = append(d.watched, watched{app, exchanges})
	d.mu.Unlock()
	d.watch <- f
	return relation.Watch{C: f.c, Lost: func() int64 { return f.lost }, Close: f.close}
}

func (d *delivery) Listen(uint32) (relation.Listening, error) {
	if d.refuse != nil {
		return relation.Listening{}, d.refuse
	}
	f := newFeed[relation.Exchange]()
	d.listen <- f
	return relation.Listening{C: f.c, Close: f.close, Answer: func(id string, answer relation.ExchangeAnswer) bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		wait, ok := d.waiting[id]
		if ok {
			delete(d.waiting, id)
			wait <- answer
		}
		return ok
	}}, nil
}

// await says that the answer to an exchange is waited for.
func (d *delivery) await(id string) <-chan relation.ExchangeAnswer {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait := make(chan relation.ExchangeAnswer, 1)
	d.waiting[id] = wait
	return wait
}

func (d *delivery) ReplaysChanged() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changed++
}

func (d *delivery) changes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

var errRefused = errors.New("the server is stopping")
