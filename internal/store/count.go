package store

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// ageStep is the resolution of the oldest event's age, in milliseconds.
const ageStep = 1000

// counts follows what is in the outbox, so that nobody has to count rows: for each app the waiting events by age, in
// steps of ageStep, the dead letters, and what the record keeps. It is read from the database at Open and kept by every
// commit.
type counts struct {
	mu    sync.Mutex
	apps  map[uint32]*appCounts
	bytes int64 // of the record of all apps
}

type appCounts struct {
	waiting int64
	dead    int64
	events  int64 // of the record
	bytes   int64
	byAge   map[int64]int64 // created_ms / ageStep -> waiting events
}

func newCounts() *counts { return &counts{apps: make(map[uint32]*appCounts)} }

func (n *counts) app(id uint32) *appCounts {
	a := n.apps[id]
	if a == nil {
		a = &appCounts{byAge: make(map[int64]int64)}
		n.apps[id] = a
	}
	return a
}

func (a *appCounts) add(createdMS, n int64) {
	step := createdMS / ageStep
	a.waiting += n
	if a.byAge[step] += n; a.byAge[step] <= 0 {
		delete(a.byAge, step)
	}
}

func (n *counts) load(c conn) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	err := c.query(`SELECT sdkappid, created_ms / $1, count(*) FROM event GROUP BY 1, 2`, func(r row) error {
		var app, step, events int64
		err := r.scan(&app, &step, &events)
		n.app(uint32(app)).add(step*ageStep, events)
		return err
	}, int64(ageStep))
	if err != nil {
		return err
	}
	err = c.query(`SELECT sdkappid, count(*) FROM dead_event GROUP BY 1`, func(r row) error {
		var app, dead int64
		err := r.scan(&app, &dead)
		n.app(uint32(app)).dead = dead
		return err
	})
	if err != nil {
		return err
	}
	return c.query(`SELECT sdkappid, events, bytes FROM record_total`, func(r row) error {
		var app int64
		var t tally
		err := r.scan(&app, &t.events, &t.bytes)
		n.add(uint32(app), t)
		return err
	})
}

func (n *counts) add(app uint32, t tally) {
	a := n.app(app)
	a.dead, a.events, a.bytes = a.dead+t.dead, a.events+t.events, a.bytes+t.bytes
	n.bytes += t.bytes
}

// apply takes a committed batch into account.
func (n *counts) apply(b *batch) {
	if len(b.events)+len(b.settled)+len(b.tallies) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range b.events {
		n.app(b.events[i].SDKAppID).add(b.events[i].Created.UnixMilli(), 1)
	}
	for _, e := range b.settled {
		n.app(e.app).add(e.created, -1)
	}
	for app, t := range b.tallies {
		n.add(app, t)
	}
}

func (n *counts) replace(fresh *counts) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.apps, n.bytes = fresh.apps, fresh.bytes
}

func (n *counts) forget(app uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.apps[app]; a != nil {
		n.bytes -= a.bytes
	}
	delete(n.apps, app)
}

// recorded returns the apps of which the record has something.
func (n *counts) recorded() (apps []uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, a := range n.apps {
		if a.events > 0 {
			apps = append(apps, id)
		}
	}
	return apps
}

// recordBytes returns the size of the record.
func (n *counts) recordBytes() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.bytes
}

// largest returns the app of which the record has most.
func (n *counts) largest() (app uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var most int64
	for id, a := range n.apps {
		if a.bytes > most {
			app, most = id, a.bytes
		}
	}
	return app
}

// OutboxStats implements relation.Outbox. Oldest is exact to one second, never too young.
func (s *Store) OutboxStats(context.Context) ([]relation.OutboxStats, error) {
	n := s.counts
	n.mu.Lock()
	defer n.mu.Unlock()
	var stats []relation.OutboxStats
	for id, a := range n.apps {
		if a.waiting == 0 && a.dead == 0 {
			continue
		}
		st := relation.OutboxStats{SDKAppID: id, Waiting: a.waiting, Dead: a.dead}
		oldest := int64(-1)
		for step := range a.byAge {
			if oldest < 0 || step < oldest {
				oldest = step
			}
		}
		if oldest >= 0 {
			st.Oldest = time.UnixMilli(oldest * ageStep)
		}
		stats = append(stats, st)
	}
	slices.SortFunc(stats, func(a, b relation.OutboxStats) int { return cmp.Compare(a.SDKAppID, b.SDKAppID) })
	return stats, nil
}

// RecordStats implements relation.Records.
func (s *Store) RecordStats(context.Context) ([]relation.RecordStats, error) {
	n := s.counts
	n.mu.Lock()
	defer n.mu.Unlock()
	var stats []relation.RecordStats
	for id, a := range n.apps {
		if a.events != 0 {
			stats = append(stats, relation.RecordStats{SDKAppID: id, Events: a.events, Bytes: a.bytes})
		}
	}
	slices.SortFunc(stats, func(a, b relation.RecordStats) int { return cmp.Compare(a.SDKAppID, b.SDKAppID) })
	return stats, nil
}
