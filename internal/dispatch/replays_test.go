package dispatch

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/kithchat/kith/internal/relation"
)

// memoryReplays is the contract of replays on maps, with the events of one app in order of their ids.
type memoryReplays struct {
	mu      sync.Mutex
	events  []relation.ReplayEvent
	jobs    map[string]relation.Replay
	settled []relation.ReplaySettlement
	gaveUp  map[[2]string]bool // by replay and event: found dead, be it stored or not
	saves   int
	pages   int
	fail    func(op string) error
}

func (m *memoryReplays) failing(op string) error {
	if m.fail == nil {
		return nil
	}
	return m.fail(op)
}

// newMemoryReplays has n events of so many accounts, in turns.
func newMemoryReplays(n, accounts int) *memoryReplays {
	m := &memoryReplays{jobs: map[string]relation.Replay{}, gaveUp: map[[2]string]bool{}}
	for i := range n {
		m.events = append(m.events, relation.ReplayEvent{Event: relation.Event{
			SDKAppID: appA, Owner: fmt.Sprintf("user%03d", i%accounts), Seq: int64(i/accounts) + 1, ID: fmt.Sprintf("old%06d", i),
			NewEvent: relation.NewEvent{Kind: relation.EventBlockAdd, Targets: []string{"troll_77"}}, Attempts: 7,
		}})
	}
	return m
}

func (m *memoryReplays) order(d *Dispatcher, r relation.Replay) {
	m.mu.Lock()
	r.SDKAppID, r.Total = appA, int64(len(m.events))
	m.jobs[r.ID] = r
	m.mu.Unlock()
	d.ReplaysChanged()
}

func (m *memoryReplays) CreateReplay(context.Context, relation.Replay) (relation.Replay, error) {
	panic("the dispatcher creates none")
}

func (m *memoryReplays) CountReplay(context.Context, uint32, relation.ReplaySelection) (int64, error) {
	panic("the dispatcher counts none")
}

func (m *memoryReplays) Replays(context.Context, uint32) ([]relation.Replay, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []relation.Replay
	for _, r := range m.jobs {
		all = append(all, r)
	}
	return all, m.failing("replays")
}

func (m *memoryReplays) Replay(_ context.Context, id string) (relation.Replay, error) {
	return m.job(id), nil
}

func (m *memoryReplays) job(id string) relation.Replay {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.jobs[id]
}

func (m *memoryReplays) SaveReplay(_ context.Context, p relation.ReplayProgress) (relation.Replay, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing("save"); err != nil {
		return relation.Replay{}, err
	}
	r, ok := m.jobs[p.ID]
	if !ok {
		return relation.Replay{}, relation.ErrNoReplay
	}
	m.saves++
	if p.State != "" && r.State.Open() {
		r.State = p.State
	}
	if p.Rate >= 0 {
		r.Rate = p.Rate
	}
	r.Cursor = max(r.Cursor, p.Cursor)
	r.Delivered, r.Failed, r.Note = max(r.Delivered, p.Delivered), max(r.Failed, p.Failed), p.Note
	m.jobs[p.ID] = r
	return r, nil
}

func (m *memoryReplays) ReplayPage(_ context.Context, _ uint32, _ relation.ReplaySelection, after string, limit int) ([]relation.ReplayEvent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.failing("page"); err != nil {
		return nil, err
	}
	m.pages++
	first := slices.IndexFunc(m.events, func(e relation.ReplayEvent) bool { return e.ID > after })
	if first < 0 {
		return nil, nil
	}
	return slices.Clone(m.events[first:min(first+limit, len(m.events))]), nil
}

func (m *memoryReplays) SettleReplay(_ context.Context, s []relation.ReplaySettlement) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range s {
		if x.Verdict == relation.Dead {
			m.gaveUp[[2]string{x.Attempt.Replay, x.ID}] = true
		}
	}
	if err := m.failing("settle"); err != nil {
		return err
	}
	m.settled = append(m.settled, s...)
	return nil
}

// delivered returns the ids of the events that were settled as delivered, in order.
func (m *memoryReplays) delivered() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for _, s := range m.settled {
		if s.Verdict == relation.Delivered {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// distinct returns the ids in order, each once.
func distinct(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }
