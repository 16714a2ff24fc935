package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/kithchat/kith/internal/relation"
)

// selected returns what a selection names, oldest first.
func (m *model) selected(sdkAppID uint32, s relation.ReplaySelection) ([]relation.Record, error) {
	for _, id := range []string{s.ID, s.After, s.Until} {
		if _, err := uuid.Parse(cmp.Or(id, uuid.Max.String())); err != nil {
			return nil, relation.ErrParameter
		}
	}
	return slices.DeleteFunc(m.known(sdkAppID), func(e relation.Record) bool {
		return e.State == relation.StateWaiting || e.State == relation.StateRetrying || s.Dead && e.State != relation.StateDead ||
			s.ID != "" && e.ID != s.ID || s.Account != "" && e.Owner != s.Account || s.Kind != "" && e.Kind != s.Kind ||
			e.Created.Before(s.From) || !s.To.IsZero() && !e.Created.Before(s.To) || e.ID <= s.After || s.Until != "" && e.ID > s.Until
	}), nil
}

// whole returns what a selection names, unless that leaves out what is not kept.
func (m *model) whole(sdkAppID uint32, s relation.ReplaySelection) ([]relation.Record, error) {
	found, err := m.selected(sdkAppID, s)
	if err == nil && s.After != "" && !s.Dead && m.gone[sdkAppID] > s.After {
		err = relation.ErrForgotten
	}
	return found, err
}

func (m *model) CreateReplay(_ context.Context, r relation.Replay) (relation.Replay, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, made := range m.replays {
		switch {
		case made.ID == r.ID && made.SDKAppID == r.SDKAppID:
			return made, nil
		case made.ID == r.ID:
			return relation.Replay{}, relation.ErrParameter
		}
	}
	if _, there := m.apps[r.SDKAppID]; !there {
		return relation.Replay{}, relation.ErrNoApp
	}
	found, err := m.whole(r.SDKAppID, r.Selection)
	if err == nil && len(found) == 0 {
		err = relation.ErrNoEvent
	}
	if err != nil {
		return relation.Replay{}, err
	}
	r.ID = cmp.Or(r.ID, uuid.NewString())
	r.Total, r.Selection.Until = int64(len(found)), found[len(found)-1].ID
	r.Created, r.Updated = milli(r.Created), milli(r.Updated)
	m.replays = append(m.replays, r)
	return r, nil
}

func (m *model) CountReplay(_ context.Context, sdkAppID uint32, s relation.ReplaySelection) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, err := m.whole(sdkAppID, s)
	if err != nil {
		return 0, err
	}
	return int64(len(found)), nil
}

func (m *model) Replays(_ context.Context, sdkAppID uint32) (replays []relation.Replay, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.replays {
		if sdkAppID == 0 || r.SDKAppID == sdkAppID {
			replays = append(replays, r)
		}
	}
	slices.SortFunc(replays, func(a, b relation.Replay) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(b.ID, a.ID))
	})
	return replays, nil
}

func (m *model) replay(id string) (*relation.Replay, error) {
	for i := range m.replays {
		if m.replays[i].ID == id {
			return &m.replays[i], nil
		}
	}
	return &relation.Replay{}, relation.ErrNoReplay
}

func (m *model) Replay(_ context.Context, id string) (relation.Replay, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.replay(id)
	return *r, err
}

func (m *model) SaveReplay(_ context.Context, p relation.ReplayProgress) (relation.Replay, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.replay(p.ID)
	if err != nil {
		return *r, err
	}
	if r.State == relation.ReplayRunning || r.State.Open() && p.State != "" {
		r.State, r.Note = cmp.Or(p.State, r.State), p.Note
	}
	if p.Rate >= 0 {
		r.Rate = p.Rate
	}
	r.Cursor, r.Delivered, r.Failed = max(r.Cursor, p.Cursor), max(r.Delivered, p.Delivered), max(r.Failed, p.Failed)
	r.Total = max(r.Total, r.Delivered+r.Failed)
	r.Updated = milli(p.At)
	return *r, nil
}

func (m *model) ReplayPage(_ context.Context, sdkAppID uint32, s relation.ReplaySelection, after string, limit int) (page []relation.ReplayEvent, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := uuid.Parse(cmp.Or(after, uuid.Max.String())); err != nil {
		return nil, relation.ErrParameter
	}
	found, err := m.selected(sdkAppID, s)
	for _, e := range found {
		if e.ID > after && len(page) < limit {
			page = append(page, relation.ReplayEvent{Event: e.Event, Dead: e.State == relation.StateDead})
		}
	}
	return page, err
}

func (m *model) SettleReplay(ctx context.Context, settlements []relation.ReplaySettlement) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, s := range settlements {
		i := slices.IndexFunc(m.settled, func(e relation.Record) bool { return e.SDKAppID == s.SDKAppID && e.ID == s.ID })
		if i < 0 || s.Attempt.At.IsZero() {
			continue
		}
		e := &m.settled[i]
		before := len(e.Log)
		if m.o.Retention > 0 {
			e.Log = addAttempt(e.Log, s.Attempt)
		}
		switch {
		case s.Verdict != relation.Delivered:
		case e.State == relation.StateDead:
			e.State, e.Reason, e.Settled = relation.StateDelivered, "", milli(s.Attempt.At.Add(s.Attempt.Took))
		case len(e.Log) > before:
			e.Replayed++
		}
	}
	if m.o.Retention == 0 {
		m.drop(func(relation.Record) bool { return true })
	}
	return nil
}

func (m *model) ExportBlocklists(_ context.Context, sdkAppID uint32, begin func(string) error, each func(relation.ListExport) error) error {
	m.mu.Lock()
	if _, there := m.apps[sdkAppID]; !there {
		m.mu.Unlock()
		return relation.ErrNoApp
	}
	position := ""
	if all := m.known(sdkAppID); len(all) > 0 {
		position = all[len(all)-1].ID
	}
	position = max(position, m.gone[sdkAppID])
	var parts []relation.ListExport
	for k, a := range m.accounts {
		if k.sdkAppID == sdkAppID {
			for part := range slices.Chunk(a.list, relation.MaxBlockPage) {
				parts = append(parts, relation.ListExport{Owner: k.userID, Sequence: a.sequence, Entries: slices.Clone(part)})
			}
		}
	}
	slices.SortStableFunc(parts, func(a, b relation.ListExport) int { return strings.Compare(a.Owner, b.Owner) })
	m.mu.Unlock()
	if err := begin(position); err != nil {
		return err
	}
	for _, part := range parts {
		if err := each(part); err != nil {
			return err
		}
	}
	return nil
}
