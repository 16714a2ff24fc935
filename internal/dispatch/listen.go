package dispatch

import (
	"errors"
	"maps"

	"github.com/kithchat/kith/internal/relation"
)

// hubOf returns the hub of an app, which outlives its endpoint's settings.
func (d *Dispatcher) hubOf(sdkAppID uint32) *hub {
	d.hubsMu.Lock()
	defer d.hubsMu.Unlock()
	h := d.hubs[sdkAppID]
	if h == nil {
		h = &hub{}
		d.hubs[sdkAppID] = h
	}
	return h
}

// Listen makes the caller one who gets the events of an app whose record says so (Callback.Listen), each until it is
// answered. What waits comes at once. The listening ends with Close, when the app's events go elsewhere or the app goes, and
// with Stop.
func (d *Dispatcher) Listen(sdkAppID uint32) (relation.Listening, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := (*d.endpoints.Load())[sdkAppID]
	switch {
	case d.state != stateRunning:
		return relation.Listening{}, errors.New("events cannot be listened to now: the server is starting or stopping")
	case e == nil:
		return relation.Listening{}, relation.ErrNoApp
	case !e.listens():
		return relation.Listening{}, errors.New("the app's events go to its callback URL: set the app to listen first")
	}
	h := d.hubOf(sdkAppID)
	l := h.join()
	e.recheck()
	return relation.Listening{
		C:      l.c,
		Answer: func(id string, a relation.ExchangeAnswer) bool { return h.settle(l, id, a) },
		Close:  func() { h.leave(l) },
	}, nil
}

// endListening ends it for some apps. It asks about them without a lock, since of takes those of endpoints.
func (d *Dispatcher) endListening(of func(sdkAppID uint32) bool) {
	d.hubsMu.Lock()
	hubs := maps.Clone(d.hubs)
	d.hubsMu.Unlock()
	for id, h := range hubs {
		if of(id) {
			h.clear()
		}
	}
}

// forgetHubs lets go of those of apps that are gone.
func (d *Dispatcher) forgetHubs(of func(sdkAppID uint32) bool) {
	d.hubsMu.Lock()
	defer d.hubsMu.Unlock()
	maps.DeleteFunc(d.hubs, func(id uint32, _ *hub) bool { return of(id) })
}

// listens reports whether the endpoint's events go to who listens.
func (e *endpoint) listens() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.settings.listen
}
