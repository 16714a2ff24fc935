package dispatch

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/kithchat/kith/internal/relation"
)

// Dispatcher carries the events of all apps. Make one with New.
type Dispatcher struct {
	o         Options
	userAgent string
	settler   *settler

	// attempts ends attempts by force; reads ends loaders; settling ends the settler by force.
	attempts, reads, settling                   context.Context
	cancelAttempts, cancelReads, cancelSettling context.CancelFunc

	endpoints atomic.Pointer[map[uint32]*endpoint] // replaced, never changed
	watches   watches
	replays   *replays
	replayed  sync.WaitGroup
	hubsMu    sync.Mutex
	hubs      map[uint32]*hub // by app
	loaders   sync.WaitGroup
	workers   sync.WaitGroup
	settled   sync.WaitGroup

	mu      sync.Mutex // guards state and replacing endpoints
	state   state
	stopped chan struct{} // closed when the first Stop is done, after setting stopErr
	stopErr error
}

type state uint8

const (
	stateNew state = iota
	stateRunning
	stateStopped
)

// New returns a Dispatcher that does nothing until Start.
func New(o Options) *Dispatcher {
	o = o.withDefaults()
	d := &Dispatcher{
		o: o, userAgent: "Kith/" + o.Version, settler: newSettler(o.Outbox, o.Log),
		hubs: map[uint32]*hub{}, stopped: make(chan struct{}),
	}
	d.attempts, d.cancelAttempts = context.WithCancel(context.Background())
	d.reads, d.cancelReads = context.WithCancel(context.Background())
	d.settling, d.cancelSettling = context.WithCancel(context.Background())
	d.endpoints.Store(&map[uint32]*endpoint{})
	d.replays = newReplays(d)
	return d
}

// Start begins to deliver what waits and what is offered. It does not wait for any delivery. Starting twice, or after Stop,
// does nothing.
func (d *Dispatcher) Start() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state != stateNew {
		return
	}
	d.state = stateRunning
	d.settled.Go(func() { d.settler.run(d.settling) })
	d.syncApps()
	if d.o.Replays != nil {
		d.replayed.Go(func() { d.replays.run(d.reads) })
	}
}

// AppsChanged makes endpoints follow the apps' records, as Options.Apps returns them now. It is quick and may be called
// from anywhere; before Start and after Stop it does nothing.
func (d *Dispatcher) AppsChanged() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state == stateRunning {
		d.syncApps()
	}
}

func (d *Dispatcher) syncApps() {
	old := *d.endpoints.Load()
	next := make(map[uint32]*endpoint, len(old))
	for _, app := range d.o.Apps.All() {
		e := old[app.SDKAppID]
		if e == nil {
			e = newEndpoint(d, app.SDKAppID)
			d.loaders.Go(func() { e.runLoader(d.reads) })
		}
		e.configure(app)
		next[app.SDKAppID] = e
	}
	d.endpoints.Store(&next)
	for id, e := range old {
		if next[id] == nil {
			e.close()
		}
	}
	d.endListening(func(id uint32) bool { return next[id] == nil || !next[id].listens() })
	d.forgetHubs(func(id uint32) bool { return next[id] == nil })
}

// Offer reports events that were just committed: the store calls it after each commit and before it answers whoever waits
// for that commit, in commit order. It never blocks and takes time in proportion to the events. Events that find no room
// stay on disk until there is some.
func (d *Dispatcher) Offer(events []relation.Event) {
	endpoints := *d.endpoints.Load()
	now := d.o.Now()
	for len(events) > 0 {
		n := 1
		for n < len(events) && events[n].SDKAppID == events[0].SDKAppID {
			n++
		}
		if e := endpoints[events[0].SDKAppID]; e != nil {
			e.offer(events[:n], now)
		}
		events = events[n:]
	}
}

// Stop starts nothing new, waits until the attempts under way are answered and their verdicts durable, and releases
// everything. When ctx ends first, it breaks off what is left and returns the context's error; those events are delivered
// again after the next start. Stopping twice, or unstarted, is safe; a second Stop waits for the first, up to its own
// context.
func (d *Dispatcher) Stop(ctx context.Context) error {
	d.mu.Lock()
	first := d.state != stateStopped
	d.state = stateStopped
	d.mu.Unlock()
	if first {
		d.stopErr = d.stop(ctx)
		close(d.stopped)
	}
	select {
	case <-d.stopped:
		return d.stopErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Dispatcher) stop(ctx context.Context) error {
	endpoints := *d.endpoints.Load()
	for _, e := range endpoints {
		e.close()
	}
	d.cancelReads()
	cut := context.AfterFunc(ctx, func() {
		d.cancelAttempts()
		d.cancelSettling()
	})
	d.loaders.Wait()
	d.workers.Wait()
	d.replayed.Wait()
	d.settler.close()
	d.settled.Wait()
	d.watches.clear()
	d.endListening(func(uint32) bool { return true })
	d.cancelAttempts()
	d.cancelSettling()
	for _, e := range endpoints {
		e.closeIdle()
	}
	if cut() {
		return nil
	}
	return ctx.Err()
}
