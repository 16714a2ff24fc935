package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kithchat/kith/internal/relation"
)

// modelAttempt returns an attempt as it is kept.
func modelAttempt(a relation.Attempt) relation.Attempt {
	a.At, a.Took = a.At.Truncate(time.Microsecond), a.Took.Truncate(time.Microsecond)
	a.Answer = a.Answer[:min(len(a.Answer), relation.MaxAnswerKept)]
	for _, s := range []*string{&a.Reason, &a.Detail, &a.Node, &a.Replay} {
		*s = strings.ReplaceAll(strings.ToValidUTF8(*s, "\uFFFD"), "\x00", "\uFFFD")
	}
	return a
}

// addAttempt records an attempt once.
func addAttempt(log []relation.Attempt, a relation.Attempt) []relation.Attempt {
	a = modelAttempt(a)
	known := slices.ContainsFunc(log, func(b relation.Attempt) bool { return a.At.Equal(b.At) && a.Number == b.Number })
	if known || a.At.IsZero() {
		return log
	}
	return append(log, a)
}

// thin keeps the first and the last of many attempts.
func thin(log []relation.Attempt) []relation.Attempt {
	const half = relation.MaxAttemptsKept / 2
	if len(log) <= 2*half {
		return log
	}
	slices.SortStableFunc(log, func(a, b relation.Attempt) int { return a.At.Compare(b.At) })
	return slices.Delete(log, half, len(log)-half)
}

// leave keeps an event that was settled.
func (m *model) leave(e relation.Event, known relation.Record, s relation.Settlement) {
	r := relation.Record{Event: e, State: relation.StateDead, Settled: s.At.Truncate(time.Millisecond), Reason: s.Reason, Log: known.Log}
	r.BudgetFrom, r.Head = time.Time{}, false
	if s.Verdict == relation.Delivered {
		r.State, r.Reason = relation.StateDelivered, ""
	}
	m.settled = append(m.settled, r)
	if m.o.Retention == 0 {
		m.drop(func(relation.Record) bool { return true })
	}
	m.shrink()
}

// drop removes delivered events, and remembers that they were there.
func (m *model) drop(which func(relation.Record) bool) {
	m.settled = slices.DeleteFunc(m.settled, func(e relation.Record) bool {
		if e.State != relation.StateDelivered || !which(e) {
			return false
		}
		m.gone[e.SDKAppID] = max(m.gone[e.SDKAppID], e.ID)
		return true
	})
}

// modelSize is what the model takes a delivered event to occupy.
const modelSize = 1 << 10

// shrink drops the oldest delivered events of the app that has most, until the rest is small enough.
func (m *model) shrink() {
	for m.o.RecordSize > 0 {
		events := make(map[uint32]int64)
		total, most := int64(0), uint32(0)
		for _, e := range m.settled {
			if e.State == relation.StateDelivered {
				total++
				if events[e.SDKAppID]++; events[e.SDKAppID] > events[most] {
					most = e.SDKAppID
				}
			}
		}
		if total*modelSize <= m.o.RecordSize {
			return
		}
		oldest := slices.IndexFunc(m.settled, func(e relation.Record) bool { return e.SDKAppID == most && e.State == relation.StateDelivered })
		id := m.settled[oldest].ID
		m.drop(func(e relation.Record) bool { return e.ID == id })
	}
}

// forget drops what is older than the retention.
func (m *model) forget() {
	horizon := m.o.Now().Add(-m.o.Retention)
	m.drop(func(e relation.Record) bool { return e.Created.Before(horizon) })
}

// known returns what is known of an app's events, oldest first.
func (m *model) known(sdkAppID uint32) (all []relation.Record) {
	m.forget()
	for k, q := range m.queues {
		for i, e := range q.rows {
			r := relation.Record{Event: e, State: relation.StateWaiting}
			if i == 0 {
				r.Due, r.Reason, r.Log = q.due, q.head.Reason, q.head.Log
			}
			if r.Attempts > 0 || r.Reason != "" {
				r.State = relation.StateRetrying
			}
			if k.sdkAppID == sdkAppID {
				all = append(all, r)
			}
		}
	}
	for _, e := range m.settled {
		if e.SDKAppID == sdkAppID {
			all = append(all, e)
		}
	}
	for i := range all {
		all[i].Log = slices.Clone(all[i].Log)
		slices.SortStableFunc(all[i].Log, func(a, b relation.Attempt) int { return a.At.Compare(b.At) })
	}
	slices.SortFunc(all, func(a, b relation.Record) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func (m *model) Records(_ context.Context, q relation.RecordQuery) (page relation.RecordPage, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := uuid.Parse(cmp.Or(q.Before, uuid.Max.String())); err != nil {
		return page, relation.ErrParameter
	}
	all := m.known(q.SDKAppID)
	slices.Reverse(all)
	for _, e := range all {
		switch {
		case q.Account != "" && e.Owner != q.Account, q.Kind != "" && e.Kind != q.Kind, q.State != "" && e.State != q.State,
			e.Created.Before(q.From), !q.To.IsZero() && !e.Created.Before(q.To), q.Before != "" && e.ID >= q.Before:
		case len(page.Records) == q.Limit:
			page.Next = page.Records[q.Limit-1].ID
			return page, nil
		default:
			e.Log = nil
			page.Records = append(page.Records, e)
		}
	}
	return page, nil
}

func (m *model) Record(_ context.Context, sdkAppID uint32, id string) (relation.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.known(sdkAppID)
	i := slices.IndexFunc(all, func(e relation.Record) bool { return e.ID == id })
	if i < 0 {
		return relation.Record{}, relation.ErrNoEvent
	}
	return all[i], nil
}

func (m *model) RecordStats(context.Context) (stats []relation.RecordStats, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget()
	for _, e := range m.settled {
		if e.State != relation.StateDelivered {
			continue
		}
		i := slices.IndexFunc(stats, func(s relation.RecordStats) bool { return s.SDKAppID == e.SDKAppID })
		if i < 0 {
			i = len(stats)
			stats = append(stats, relation.RecordStats{SDKAppID: e.SDKAppID})
		}
		stats[i].Events++
		stats[i].Bytes += modelSize
	}
	return stats, nil
}
