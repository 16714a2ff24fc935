package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
	"golang.org/x/sync/errgroup"
)

// bulkCallers is how many callers fill a store directly. Many make long commits, which are quick.
const bulkCallers = 512

// measureWaiting starts Kith on an outbox with many waiting events while nobody takes them, and then lets some out.
func measureWaiting(r *rig, engine string) error {
	return r.withServer(engine, func(k *kith) error {
		empty := k.startup
		lists := r.shortLists()
		lists.Size = (r.waiting + lists.Owners - 1) / lists.Owners
		if err := r.prepare(k, listSet{Name: "none", Accounts: lists.Accounts, Owners: 1}); err != nil {
			return err
		}
		if err := errors.Join(r.receiver.call("down", none{}, nil), k.setCallback(r.ctx, r.callbackURL())); err != nil {
			return err
		}
		if err := k.stop(); err != nil {
			return err
		}
		if err := fillOutbox(r.ctx, k.dir, lists, r.waiting); err != nil {
			return err
		}
		if err := k.start(r.ctx); err != nil {
			return err
		}
		events := thousands(int64(r.waiting)) + " events waiting"
		r.add(engine, result{
			Case: "start with " + events, Unit: seconds, Kith: k.startup.Seconds(),
			Beside: "start with none", Peer: empty.Seconds(),
		})
		if err := pause(r.ctx, r.length(10*time.Second, time.Second)); err != nil {
			return err
		}
		if err := r.footprint(k, engine, "with "+events+" and the app backend away"); err != nil {
			return err
		}
		return r.letOut(k, engine)
	})
}

// letOut brings the app backend back and watches all waiting events leave.
func (r *rig) letOut(k *kith, engine string) error {
	if err := errors.Join(r.receiver.call("reset", none{}, nil), r.receiver.call("up", none{}, nil)); err != nil {
		return err
	}
	if err := r.hurry(k); err != nil {
		return err
	}
	peak, t, err := r.drain(k, r.waiting)
	if err != nil {
		return err
	}
	r.add(engine, result{
		Case: thousands(int64(t.Unique)) + " events drained after the start", Unit: perSecond,
		Kith: float64(t.Count) / time.Duration(t.Last-t.First).Seconds(),
		Note: fmt.Sprintf("%s in the first second; highest resident memory %.0f MiB; events sent twice: %d",
			thousands(int64(t.Soon)), float64(peak)/(1<<20), t.Count-t.Unique),
	})
	return nil
}

// fillOutbox puts events into the store of a stopped server, round after round of the owners.
func fillOutbox(ctx context.Context, dir string, lists listSet, events int) error {
	return applyMany(ctx, dir, events, func(i int) (relation.Scope, relation.Change) {
		owner, entry := i%lists.Owners, i/lists.Owners
		event := relation.NewEvent{
			Kind: relation.EventBlockDelete, Targets: []string{userID(lists.target(owner, entry))},
			Origin: relation.Origin{ClientIP: "127.0.0.1", Platform: api.PlatformREST},
		}
		return relation.Scope{SDKAppID: benchApp, Owner: userID(owner)}, relation.Change{Events: []relation.NewEvent{event}}
	})
}

// applyMany opens the store in dir and applies n changes through its own group commit.
func applyMany(ctx context.Context, dir string, n int, change func(i int) (relation.Scope, relation.Change)) (err error) {
	s, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	group, ctx := errgroup.WithContext(ctx)
	for caller := range bulkCallers {
		group.Go(func() error {
			for i := caller; i < n; i += bulkCallers {
				scope, c := change(i)
				c.At = time.Now()
				if err := s.Apply(ctx, scope, func(relation.Snapshot) relation.Change { return c }); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
