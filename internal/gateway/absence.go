package gateway

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

const (
	// leavePause is the time until a departure that could not be stored is tried again.
	leavePause = time.Second
	// maxLeaving is how many departures are told at a time.
	maxLeaving = 128
	// takeOverPace is the time between two departures after a start, when nobody came back.
	takeOverPace = 100 * time.Microsecond
)

// absent is a device that is recorded as online, or was connected, and has no connection now. When its time is over, its
// departure is told.
type absent struct {
	key      relation.AccountKey
	device   relation.Device
	recorded bool
	action   string
	reason   string
	timer    *time.Timer
}

// absences are the devices that may come back. The lock is taken after a shard's.
type absences struct {
	mu      sync.Mutex
	stopped bool
	m       map[relation.AccountKey][]*absent
}

func (a *absences) init() { a.m = make(map[relation.AccountKey][]*absent) }

// of returns the user's absent devices, longest absent first.
func (a *absences) of(key relation.AccountKey) []absent {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := make([]absent, len(a.m[key]))
	for i, d := range a.m[key] {
		of[i] = *d
	}
	return of
}

// add notes a device as absent. After the given time its departure is told.
func (a *absences) add(g *Gateway, d absent, after time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return
	}
	a.removeLocked(d.key, d.device.ID)
	entry := &d
	entry.timer = time.AfterFunc(after, func() { g.background(func(ctx context.Context) { g.giveUp(ctx, entry) }) })
	a.m[d.key] = append(a.m[d.key], entry)
}

// forget takes devices off, because they came back or were put out.
func (a *absences) forget(key relation.AccountKey, devices []absent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range devices {
		a.removeLocked(key, d.device.ID)
	}
}

// forgetAll takes all devices of a user off.
func (a *absences) forgetAll(key relation.AccountKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range a.m[key] {
		d.timer.Stop()
	}
	delete(a.m, key)
}

func (a *absences) removeLocked(key relation.AccountKey, device string) {
	rest := slices.DeleteFunc(a.m[key], func(d *absent) bool {
		if d.device.ID == device {
			d.timer.Stop()
			return true
		}
		return false
	})
	if len(rest) == 0 {
		delete(a.m, key)
		return
	}
	a.m[key] = rest
}

// awaited reports whether the device is still absent, by this very entry.
func (a *absences) awaited(d *absent) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.stopped && slices.Contains(a.m[d.key], d)
}

// stop leaves what is absent to the next start.
func (a *absences) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	for _, of := range a.m {
		for _, d := range of {
			d.timer.Stop()
		}
	}
}

// giveUp tells the departure of a device that did not come back.
func (g *Gateway) giveUp(ctx context.Context, d *absent) {
	select {
	case g.leaving <- struct{}{}:
		defer func() { <-g.leaving }()
	case <-ctx.Done():
		return
	}
	one := g.users.pin(d.key)
	defer g.users.unpin(one)
	one.gate.Lock()
	defer one.gate.Unlock()
	ctx, cancel := context.WithTimeout(ctx, g.o.CallTimeout)
	defer cancel()
	unsettled := g.settle(ctx, one) != nil
	switch {
	case !g.absences.awaited(d):
	case unsettled:
		g.absences.add(g, *d, leavePause)
	case g.tell(*d):
		g.absences.forget(d.key, []absent{*d})
	default:
		g.absences.add(g, *d, leavePause)
	}
}

// takeOver makes the devices that are recorded as online absent.
func (g *Gateway) takeOver(ctx context.Context) error {
	after := g.o.Grace + g.o.Spread // the last process may have spread them
	return g.o.Store.Online(ctx, func(d relation.OnlineDevice) {
		after += takeOverPace
		g.absences.add(g, absent{
			key: d.AccountKey, device: d.Device, recorded: true,
			action: relation.ActionDisconnect, reason: relation.ReasonTimeOut,
		}, after)
	})
}

func devicesText(n int) string {
	if n == 1 {
		return "one device of a platform"
	}
	return strconv.Itoa(n) + " devices of a platform"
}
