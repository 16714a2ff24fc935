package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// memoryOutbox is the outbox's contract on maps. It works inside a synctest bubble, where the engines' disk I/O does not,
// and fails on demand. The tests of engine_test.go run the same things on the real store.
type memoryOutbox struct {
	now   func() time.Time
	offer func([]relation.Event) // called like the store's hook; may be nil

	mu      sync.Mutex
	queues  map[ownerKey][]*memoryRow
	seqs    map[ownerKey]int64
	dead    []relation.Record
	settled []relation.Settlement
	fail    func(op string) error // nil: nothing fails
	reads   int
}

type ownerKey struct {
	sdkAppID uint32
	owner    string
}

type memoryRow struct {
	event relation.Event
	due   time.Time
}

func newMemoryOutbox(now func() time.Time) *memoryOutbox {
	return &memoryOutbox{now: now, queues: map[ownerKey][]*memoryRow{}, seqs: map[ownerKey]int64{}}
}

// commit appends one event of an unblock and reports it.
func (m *memoryOutbox) commit(sdkAppID uint32, owner string, targets ...string) relation.Event {
	return m.append(sdkAppID, owner, relation.NewEvent{
		Kind: relation.EventBlockDelete, Targets: targets,
		Origin: relation.Origin{ClientIP: "203.0.113.9", Platform: "RESTAPI"},
	})
}

// append appends one event and reports it.
func (m *memoryOutbox) append(sdkAppID uint32, owner string, told relation.NewEvent) relation.Event {
	m.mu.Lock()
	key := ownerKey{sdkAppID, owner}
	m.seqs[key]++
	now := m.now().Truncate(time.Millisecond)
	event := relation.Event{
		SDKAppID: sdkAppID, Owner: owner, Seq: m.seqs[key],
		ID:       fmt.Sprintf("%d/%s/%d", sdkAppID, owner, m.seqs[key]),
		NewEvent: told,
		Created:  now, Head: len(m.queues[key]) == 0,
	}
	m.queues[key] = append(m.queues[key], &memoryRow{event: event, due: now})
	if m.offer != nil {
		m.offer([]relation.Event{event})
	}
	m.mu.Unlock()
	return event
}

func (m *memoryOutbox) failing(op string) error {
	if m.fail == nil {
		return nil
	}
	return m.fail(op)
}

func (m *memoryOutbox) heads(sdkAppID uint32) []relation.DueHead {
	var heads []relation.DueHead
	for key, rows := range m.queues {
		if key.sdkAppID != sdkAppID || len(rows) == 0 {
			continue
		}
		h := relation.DueHead{Event: rows[0].event, Due: rows[0].due, More: len(rows) > 1}
		h.Head = true
		heads = append(heads, h)
	}
	slices.SortFunc(heads, func(a, b relation.DueHead) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Owner, b.Owner))
	})
	return heads
}

func (m *memoryOutbox) Due(_ context.Context, q relation.DueQuery) ([]relation.DueHead, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if err := m.failing("due"); err != nil {
		return nil, err
	}
	heads := slices.DeleteFunc(m.heads(q.SDKAppID), func(h relation.DueHead) bool {
		return h.Due.After(q.Now) ||
			cmp.Or(cmp.Compare(h.Due.UnixMilli(), q.After.Due), cmp.Compare(h.Owner, q.After.Owner)) <= 0
	})
	return heads[:min(len(heads), q.Limit)], nil
}

func (m *memoryOutbox) NextDue(_ context.Context, sdkAppID uint32, now time.Time) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range m.heads(sdkAppID) {
		if h.Due.After(now) {
			return h.Due, nil
		}
	}
	return time.Time{}, nil
}

func (m *memoryOutbox) Following(_ context.Context, key relation.EventKey, limit int) ([]relation.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing("following"); err != nil {
		return nil, err
	}
	var events []relation.Event
	for _, row := range m.queues[ownerKey{key.SDKAppID, key.Owner}] {
		if row.event.Seq > key.Seq && len(events) < limit {
			events = append(events, row.event)
		}
	}
	return events, nil
}

func (m *memoryOutbox) Settle(_ context.Context, settlements []relation.Settlement) ([]relation.EventKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing("settle"); err != nil {
		return nil, err
	}
	var next []relation.EventKey
	for _, s := range settlements {
		m.settleOne(s)
		rows := m.queues[ownerKey{s.SDKAppID, s.Owner}]
		if s.Verdict != relation.Retry && len(rows) > 0 {
			next = append(next, rows[0].event.Key())
		}
	}
	return next, nil
}

func (m *memoryOutbox) settleOne(s relation.Settlement) {
	key := ownerKey{s.SDKAppID, s.Owner}
	rows := m.queues[key]
	if len(rows) == 0 || rows[0].event.Seq != s.Seq {
		return
	}
	m.settled = append(m.settled, s)
	rows[0].event.Attempts = s.Attempts
	if s.Verdict == relation.Retry {
		rows[0].event.BudgetFrom = s.BudgetFrom
	}
	switch s.Verdict {
	case relation.Retry:
		rows[0].due = s.Due
		return
	case relation.Dead:
		m.dead = append(m.dead, relation.Record{Event: rows[0].event, State: relation.StateDead, Settled: s.At, Reason: s.Reason})
	case relation.Delivered:
	}
	if m.queues[key] = rows[1:]; len(rows) > 1 {
		rows[1].due = s.At
	}
}

// letters returns the dead letters, oldest first.
func (m *memoryOutbox) letters() []relation.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.dead)
}

func (m *memoryOutbox) OutboxStats(context.Context) ([]relation.OutboxStats, error) { return nil, nil }

// waiting returns how many events have not left the outbox.
func (m *memoryOutbox) waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, rows := range m.queues {
		n += len(rows)
	}
	return n
}

// verdicts returns the settlements that took effect, in order.
func (m *memoryOutbox) verdicts() []relation.Settlement {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.settled)
}

// failWith makes operations fail while it returns an error for them.
func (m *memoryOutbox) failWith(fail func(op string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}
