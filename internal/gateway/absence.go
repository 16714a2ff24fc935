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
	// startGrace is how much longer than Grace devices may take to come back after a start: the last process spread them.
	startGrace = maxSpread
	// takeOverPage is how many recorded devices are read at a time.
	takeOverPage = 1000
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
	entry.timer = time.AfterFunc(after, func() { g.background(func(context.Context) { g.giveUp(entry) }) })
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
func (g *Gateway) giveUp(d *absent) {
	one := g.users.pin(d.key)
	defer g.users.unpin(one)
	one.gate.Lock()
	defer one.gate.Unlock()
	if !g.absences.awaited(d) {
		return
	}
	if g.tell(*d) {
		g.absences.forget(d.key, []absent{*d})
		return
	}
	g.absences.add(g, *d, leavePause)
}

// takeOver makes the devices that are recorded as online absent.
func (g *Gateway) takeOver(ctx context.Context) error {
	q := relation.OnlineQuery{Limit: takeOverPage}
	for {
		page, err := g.o.Store.Online(ctx, q)
		if err != nil {
			return err
		}
		for _, d := range page {
			g.absences.add(g, absent{
				key: d.AccountKey, device: d.Device, recorded: true,
				action: relation.ActionDisconnect, reason: relation.ReasonTimeOut,
			}, g.o.Grace+startGrace)
		}
		if len(page) < q.Limit {
			return nil
		}
		q.After = page[len(page)-1]
	}
}

func devicesText(n int) string {
	if n == 1 {
		return "one device of a platform"
	}
	return strconv.Itoa(n) + " devices of a platform"
}
