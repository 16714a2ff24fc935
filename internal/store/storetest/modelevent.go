package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// heads returns the app's heads in order of (due, owner).
func (m *model) heads(sdkAppID uint32) []relation.DueHead {
	var heads []relation.DueHead
	for k, q := range m.queues {
		if k.sdkAppID == sdkAppID && len(q.rows) > 0 {
			heads = append(heads, relation.DueHead{Event: q.rows[0], Due: q.due, More: len(q.rows) > 1})
		}
	}
	slices.SortFunc(heads, func(a, b relation.DueHead) int {
		return cmp.Or(a.Due.Compare(b.Due), strings.Compare(a.Owner, b.Owner))
	})
	return heads
}

func (m *model) Due(_ context.Context, q relation.DueQuery) ([]relation.DueHead, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var due []relation.DueHead
	for _, h := range m.heads(q.SDKAppID) {
		after := cmp.Or(cmp.Compare(h.Due.UnixMilli(), q.After.Due), strings.Compare(h.Owner, q.After.Owner)) > 0
		if after && !h.Due.After(q.Now) && len(due) < q.Limit {
			due = append(due, h)
		}
	}
	return due, nil
}

func (m *model) NextDue(_ context.Context, sdkAppID uint32, now time.Time) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range m.heads(sdkAppID) {
		if h.Due.After(now) {
			return h.Due, nil
		}
	}
	return time.Time{}, nil
}

func (m *model) Following(_ context.Context, key relation.EventKey, limit int) ([]relation.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var events []relation.Event
	if q := m.queues[account{key.SDKAppID, key.Owner}]; q != nil {
		for _, e := range q.rows {
			if e.Seq > key.Seq && len(events) < limit {
				events = append(events, e)
			}
		}
	}
	return events, nil
}

func (m *model) Settle(ctx context.Context, settlements []relation.Settlement) ([]relation.EventKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.closed {
		return nil, relation.ErrUnavailable
	}
	var next []relation.EventKey
	for _, s := range settlements {
		q := m.queues[account{s.SDKAppID, s.Owner}]
		if q == nil || len(q.rows) == 0 || q.rows[0].Seq != s.Seq {
			continue
		}
		head := &q.rows[0]
		head.Attempts = s.Attempts
		q.head.Reason = s.Reason
		if m.o.Retention > 0 {
			q.head.Log = addAttempt(q.head.Log, s.Attempt)
		}
		if s.Verdict == relation.Retry {
			q.head.Log = thin(q.head.Log)
			q.due, head.BudgetFrom = s.Due.Truncate(time.Millisecond), s.BudgetFrom.Truncate(time.Millisecond)
			continue
		}
		m.leave(*head, q.head, s)
		q.head = relation.Record{}
		if q.rows = q.rows[1:]; len(q.rows) > 0 {
			q.rows[0].Head, q.due = true, s.At.Truncate(time.Millisecond)
			next = append(next, q.rows[0].Key())
		}
	}
	return next, nil
}

func (m *model) OutboxStats(context.Context) ([]relation.OutboxStats, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	apps := make(map[uint32]*relation.OutboxStats)
	of := func(sdkAppID uint32) *relation.OutboxStats {
		if apps[sdkAppID] == nil {
			apps[sdkAppID] = &relation.OutboxStats{SDKAppID: sdkAppID}
		}
		return apps[sdkAppID]
	}
	for k, q := range m.queues {
		for _, e := range q.rows {
			s := of(k.sdkAppID)
			s.Waiting++
			if s.Oldest.IsZero() || e.Created.Before(s.Oldest) {
				s.Oldest = e.Created
			}
		}
	}
	for _, e := range m.settled {
		if e.State == relation.StateDead {
			of(e.SDKAppID).Dead++
		}
	}
	var stats []relation.OutboxStats
	for _, s := range apps {
		stats = append(stats, *s)
	}
	return stats, nil
}
