package gateway

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// repairPause is the time between two tries when the store does not answer.
const repairPause = time.Second

// repairs are what has to be read anew, because the answer to a commit was lost. One goroutine reads, however long the store
// is away.
type repairs struct {
	lost atomic.Int64 // commits whose answer was lost

	mu      sync.Mutex
	running bool
	lists   map[relation.AccountKey]struct{} // whose devices follow a list that may have changed
	devices map[relation.AccountKey]struct{} // whose devices may be recorded otherwise than they are known here
}

// repair notes accounts in one of the maps and starts the reading if need be.
func (g *Gateway) repair(of *map[relation.AccountKey]struct{}, keys ...relation.AccountKey) {
	r := &g.repairs
	r.mu.Lock()
	defer r.mu.Unlock()
	if *of == nil && len(keys) > 0 {
		*of = make(map[relation.AccountKey]struct{})
	}
	for _, key := range keys {
		(*of)[key] = struct{}{}
	}
	if !r.running && len(r.lists)+len(r.devices) > 0 {
		r.running = g.background(g.repairAll)
	}
}

// next takes an account out of one of the maps. When both are empty, the reading ends.
func (r *repairs) next() (key relation.AccountKey, list, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key := range r.lists {
		delete(r.lists, key)
		return key, true, true
	}
	for key := range r.devices { // it stays until it is settled
		return key, false, true
	}
	r.running, r.lists, r.devices = false, nil, nil
	return relation.AccountKey{}, false, false
}

func (g *Gateway) repairAll(ctx context.Context) {
	for {
		key, list, more := g.repairs.next()
		if !more {
			return
		}
		if list && g.refreshList(ctx, key) || !list && g.settleLater(ctx, key) {
			continue
		}
		if list {
			g.repair(&g.repairs.lists, key)
		}
		select {
		case <-time.After(repairPause):
		case <-ctx.Done():
			return
		}
	}
}

// refresh has the lists of all connected users read anew: a commit may have changed any of them.
func (g *Gateway) refresh() {
	var keys []relation.AccountKey
	g.users.all(func(one *user) {
		if len(one.sessions) > 0 {
			keys = append(keys, one.key)
			return
		}
		g.users.memory.take(-one.list.clear())
	})
	g.repair(&g.repairs.lists, keys...)
}

// refreshList reports whether the account could be read. Sessions that a kick or a deletion ended, which were not told, end
// here.
func (g *Gateway) refreshList(ctx context.Context, key relation.AccountKey) bool {
	ctx, cancel := context.WithTimeout(ctx, g.o.CallTimeout)
	defer cancel()
	head, err := g.o.Service.Account(ctx, key)
	if err != nil {
		if !isGone(err) {
			return false
		}
		g.deleted(key)
		return true
	}
	g.users.with(key, func(one *user) { g.catchUp(one, head) })
	return true
}

// catchUp brings a user to where the store says it is.
func (g *Gateway) catchUp(one *user, head relation.AccountHead) {
	for _, s := range one.sessions {
		if s.revoked(head.KickedAt) {
			s.conn.end(api.RefusalRevoked, kickedReason)
		}
	}
	if one.list.known && one.list.id == head.List && one.list.seq >= head.Sequence {
		return
	}
	g.users.memory.take(-one.list.bytes)
	one.list.set(head.List, head.Sequence)
	one.tellReload(g)
}

// unsettle notes that a commit for a user's devices failed, and may have happened: an answer was lost since the given count.
func (g *Gateway) unsettle(key relation.AccountKey, lost int64) {
	if g.repairs.lost.Load() != lost {
		g.repair(&g.repairs.devices, key)
	}
}

func (r *repairs) unsettled(key relation.AccountKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, there := r.devices[key]
	return there
}

func (r *repairs) settled(key relation.AccountKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.devices, key)
}

// settleLater reports whether the user's devices are settled.
func (g *Gateway) settleLater(ctx context.Context, key relation.AccountKey) bool {
	one := g.users.pin(key)
	defer g.users.unpin(one)
	one.gate.Lock()
	defer one.gate.Unlock()
	ctx, cancel := context.WithTimeout(ctx, g.o.CallTimeout)
	defer cancel()
	return g.settle(ctx, one) == nil
}

// settle makes what is known of a user's devices what the store has recorded, if they may differ. The caller holds the gate.
func (g *Gateway) settle(ctx context.Context, one *user) error {
	if !g.repairs.unsettled(one.key) {
		return nil
	}
	recorded, err := g.recorded(ctx, one.key)
	if err != nil {
		return err
	}
	g.repairs.settled(one.key)
	g.users.locked(one, func() { g.reconcile(one, recorded) })
	return nil
}

// recorded returns the devices of a user that are recorded as online, by their ids.
func (g *Gateway) recorded(ctx context.Context, key relation.AccountKey) (map[string]relation.Device, error) {
	devices, err := g.o.Store.OnlineOf(ctx, key)
	recorded := make(map[string]relation.Device, len(devices))
	for _, d := range devices {
		recorded[d.ID] = d
	}
	return recorded, err
}

// reconcile compares the devices that are known with those that are recorded: one without its record was put out, or its
// departure was told; a record without a device is of a login that was refused though it was told.
func (g *Gateway) reconcile(one *user, recorded map[string]relation.Device) {
	for _, s := range slices.Clone(one.sessions) {
		if _, there := recorded[s.device.ID]; s.recorded && !there {
			one.drop(s)
			s.conn.end(api.RefusalKicked, "another device logged in")
		}
		delete(recorded, s.device.ID)
	}
	for _, d := range g.absences.of(one.key) {
		if _, there := recorded[d.device.ID]; d.recorded && !there {
			g.absences.forget(one.key, []absent{d})
		}
		delete(recorded, d.device.ID)
	}
	for _, device := range recorded {
		g.absences.add(g, absent{
			key: one.key, device: device, recorded: true,
			action: relation.ActionDisconnect, reason: relation.ReasonLinkClose,
		}, g.o.Grace)
	}
}
