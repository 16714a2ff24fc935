package operator_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// eventID is the id of the n-th event.
func eventID(n int) string { return fmt.Sprintf("01980000-0000-7000-8000-%012d", n) }

// events keeps records, replays and lists in memory, by the contracts of package relation.
type events struct {
	mu      sync.Mutex
	records []relation.Record
	replays []relation.Replay // oldest first
	lists   []relation.ListExport
	// position is that of an export; cut, if it is not nil, is what an export fails with after its first list.
	position string
	cut      error
	// scan bounds how many rows a page looks at; 0: all.
	scan int
	// reads counts pages.
	reads int
	// forgotten is the newest delivered event that is not kept any more; empty: all are.
	forgotten string
	// lost is what creating and changing replays fails with after it was done.
	lost error
}

// add keeps a record that mia's n-th event is in this state. adjust may change it.
func (e *events) add(app uint32, n int, state relation.State, adjust func(*relation.Record)) relation.Record {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := relation.Record{
		Event: relation.Event{
			SDKAppID: app, Owner: "mia", Seq: int64(n), ID: eventID(n), Created: start.Add(time.Duration(n) * time.Second), Attempts: 1,
			NewEvent: relation.NewEvent{
				Kind: relation.EventBlockDelete, Targets: []string{"lia"},
				Origin: relation.Origin{ClientIP: "192.0.2.1", Platform: "RESTAPI"},
			},
		},
		State: state,
	}
	if adjust != nil {
		adjust(&r)
	}
	e.records = append(e.records, r)
	slices.SortFunc(e.records, func(a, b relation.Record) int { return strings.Compare(b.ID, a.ID) })
	return r
}

func (e *events) Records(_ context.Context, q relation.RecordQuery) (relation.RecordPage, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reads++
	var page relation.RecordPage
	scanned, last := 0, ""
	for _, r := range e.records {
		if r.SDKAppID != q.SDKAppID || q.Before != "" && r.ID >= q.Before {
			continue
		}
		if len(page.Records) == q.Limit || e.scan > 0 && scanned == e.scan {
			page.Next = last
			break
		}
		scanned, last = scanned+1, r.ID
		if (q.Account == "" || q.Account == r.Owner) && (q.Kind == "" || q.Kind == r.Kind) && (q.State == "" || q.State == r.State) &&
			!r.Created.Before(q.From) && (q.To.IsZero() || r.Created.Before(q.To)) {
			r.Log = nil
			page.Records = append(page.Records, r)
		}
	}
	return page, nil
}

func (e *events) Record(_ context.Context, app uint32, id string) (relation.Record, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.records {
		if r.SDKAppID == app && r.ID == id {
			return r, nil
		}
	}
	return relation.Record{}, fmt.Errorf("%w: %s", relation.ErrNoEvent, id)
}

func (e *events) RecordStats(context.Context) ([]relation.RecordStats, error) { return nil, nil }

func (e *events) selected(app uint32, s relation.ReplaySelection) (ids []string) {
	for _, r := range e.records {
		settled := r.State == relation.StateDead || r.State == relation.StateDelivered && !s.Dead
		if r.SDKAppID == app && settled && (s.ID == "" || s.ID == r.ID) && (s.Account == "" || s.Account == r.Owner) &&
			(s.Kind == "" || s.Kind == r.Kind) && r.ID > s.After &&
			!r.Created.Before(s.From) && (s.To.IsZero() || r.Created.Before(s.To)) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func (e *events) CountReplay(_ context.Context, app uint32, s relation.ReplaySelection) (int64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ids, err := e.kept(app, s)
	return int64(len(ids)), err
}

// kept returns what is selected, unless that leaves out what is not kept any more.
func (e *events) kept(app uint32, s relation.ReplaySelection) ([]string, error) {
	if e.forgotten > s.After && s.After != "" {
		return nil, relation.ErrForgotten
	}
	return e.selected(app, s), nil
}

func (e *events) CreateReplay(_ context.Context, r relation.Replay) (relation.Replay, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, made := range e.replays {
		if made.ID == r.ID {
			return made, e.lost
		}
	}
	ids, err := e.kept(r.SDKAppID, r.Selection)
	switch {
	case err != nil:
		return r, err
	case len(ids) == 0:
		return r, relation.ErrNoEvent
	}
	r.Total, r.Selection.Until = int64(len(ids)), ids[0]
	e.replays = append(e.replays, r)
	return r, e.lost
}

func (e *events) Replays(_ context.Context, app uint32) ([]relation.Replay, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []relation.Replay
	for _, r := range slices.Backward(e.replays) {
		if app == 0 || r.SDKAppID == app {
			found = append(found, r)
		}
	}
	return found, nil
}

func (e *events) Replay(_ context.Context, id string) (relation.Replay, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := e.index(id); i >= 0 {
		return e.replays[i], nil
	}
	return relation.Replay{}, fmt.Errorf("%w: %s", relation.ErrNoReplay, id)
}

func (e *events) index(id string) int {
	return slices.IndexFunc(e.replays, func(r relation.Replay) bool { return r.ID == id })
}

func (e *events) SaveReplay(_ context.Context, p relation.ReplayProgress) (relation.Replay, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.index(p.ID)
	if i < 0 {
		return relation.Replay{}, relation.ErrNoReplay
	}
	r := &e.replays[i]
	if p.State != "" && r.State.Open() {
		r.State = p.State
	}
	if p.Rate >= 0 {
		r.Rate = p.Rate
	}
	r.Cursor, r.Delivered, r.Failed = max(r.Cursor, p.Cursor), max(r.Delivered, p.Delivered), max(r.Failed, p.Failed)
	r.Note, r.Updated = p.Note, p.At
	return *r, e.lost
}

func (e *events) ReplayPage(context.Context, uint32, relation.ReplaySelection, string, int) ([]relation.ReplayEvent, error) {
	return nil, nil
}

func (e *events) SettleReplay(context.Context, []relation.ReplaySettlement) error { return nil }

func (e *events) ExportBlocklists(_ context.Context, app uint32, begin func(string) error, each func(relation.ListExport) error) error {
	if err := begin(e.position); err != nil {
		return err
	}
	for _, list := range e.lists {
		if err := each(list); err != nil {
			return err
		}
		if e.cut != nil {
			return e.cut
		}
	}
	return nil
}
