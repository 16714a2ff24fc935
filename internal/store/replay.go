package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/kithchat/kith/internal/relation"
)

// replayDoc is how a replay is kept.
type replayDoc struct {
	ID        string                   `json:"id"`
	SDKAppID  uint32                   `json:"sdkappid"`
	Selection relation.ReplaySelection `json:"selection"`
	State     relation.ReplayState     `json:"state"`
	Rate      float64                  `json:"rate"`
	Cursor    string                   `json:"cursor"`
	Total     int64                    `json:"total"`
	Delivered int64                    `json:"delivered"`
	Failed    int64                    `json:"failed"`
	Note      string                   `json:"note"`
	Created   time.Time                `json:"created"`
	Updated   time.Time                `json:"updated"`
}

// CreateReplay implements relation.Replays.
func (s *Store) CreateReplay(ctx context.Context, r relation.Replay) (relation.Replay, error) {
	if r.ID == "" {
		r.ID = uuid.NewString()
	}
	r.Created, r.Updated = replayTime(r.Created), replayTime(r.Updated)
	total, newest, err := s.selected(ctx, r.SDKAppID, r.Selection)
	if err != nil {
		return relation.Replay{}, err
	}
	r.Total, r.Selection.Until = total, newest.String()
	err = s.domain(ctx, func(c conn) error {
		state, err := readAppState(c, r.SDKAppID)
		switch {
		case err != nil:
			return err
		case state != appPresent:
			return fmt.Errorf("%w: %d", relation.ErrNoApp, r.SDKAppID)
		case r.Total == 0:
			return fmt.Errorf("%w: nothing is selected", relation.ErrNoEvent)
		}
		doc, err := json.Marshal(replayDoc(r))
		if err != nil {
			return err
		}
		return c.query(`INSERT INTO replay (id, sdkappid, doc) VALUES ($1, $2, $3)`, nil, r.ID, int64(r.SDKAppID), string(doc))
	})
	if err != nil {
		return relation.Replay{}, err
	}
	return r, nil
}

// CountReplay implements relation.Replays.
func (s *Store) CountReplay(ctx context.Context, sdkAppID uint32, selection relation.ReplaySelection) (int64, error) {
	n, _, err := s.selected(ctx, sdkAppID, selection)
	return n, err
}

// selected counts what a selection names, and finds the newest of it.
func (s *Store) selected(ctx context.Context, sdkAppID uint32, selection relation.ReplaySelection) (n int64, newest uuid.UUID, err error) {
	err = s.engine.read(ctx, func(c conn) error {
		q, tables, err := replaySearch(c, sdkAppID, selection)
		if err != nil {
			return err
		}
		for _, t := range tables {
			part := q
			if t.name == recordTable.name {
				part.since(s.horizon())
			}
			count, id, err := part.count(c, t)
			if err != nil {
				return err
			}
			if n += count; compareIDs(id, newest) > 0 {
				newest = id
			}
		}
		return nil
	})
	return n, newest, domainError(err)
}

// replaySearch is the search that a selection means, oldest first.
func replaySearch(c conn, sdkAppID uint32, s relation.ReplaySelection) (search, []table, error) {
	tables := []table{recordTable, deadTable}
	if s.Dead {
		tables = tables[1:]
	}
	q, err := newSearch(c, sdkAppID, s.From, s.To)
	if err != nil {
		return q, nil, err
	}
	q.owner, q.kind = s.Account, s.Kind
	if s.Account != "" && !relation.ValidUserID(s.Account) {
		q.high = uuid.Nil // nobody has it
	}
	for _, bound := range []struct {
		id  string
		set func(uuid.UUID)
	}{
		{s.ID, func(id uuid.UUID) { q.atLeast(id); q.below(behind(id)) }},
		{s.After, func(id uuid.UUID) { q.atLeast(behind(id)) }},
		{s.Until, func(id uuid.UUID) { q.below(behind(id)) }},
	} {
		if bound.id == "" {
			continue
		}
		id, err := uuid.Parse(bound.id)
		if err != nil {
			return q, nil, fmt.Errorf("%w: %q is not an event id", relation.ErrParameter, bound.id)
		}
		bound.set(id)
	}
	return q, tables, nil
}

// count counts what a search finds in a table, and finds the newest of it.
func (q *search) count(c conn, t table) (n int64, newest uuid.UUID, err error) {
	if compareIDs(q.low, q.high) >= 0 {
		return 0, uuid.Nil, nil
	}
	where := `sdkappid = $1 AND id >= $2 AND id < $3 AND created_ms >= $4 AND created_ms < $5`
	to := int64(math.MaxInt64)
	if !q.to.IsZero() {
		to = ceilMilli(q.to)
	}
	args := []any{int64(q.app), q.low[:], q.high[:], ceilMilli(q.from), to}
	for _, only := range [][2]string{{"owner", q.owner}, {"kind", string(q.kind)}} {
		if column, value := only[0], only[1]; value != "" {
			args = append(args, value)
			where += fmt.Sprintf(" AND %s = $%d", column, len(args))
		}
	}
	err = c.query(`SELECT count(*) FROM `+t.name+` WHERE `+where, func(r row) error { return r.scan(&n) }, args...)
	if err != nil || n == 0 {
		return 0, uuid.Nil, err
	}
	err = c.query(`SELECT id FROM `+t.name+` WHERE `+where+` ORDER BY id DESC LIMIT 1`, func(r row) error {
		var id []byte
		err := r.scan(&id)
		copy(newest[:], id)
		return err
	}, args...)
	return n, newest, err
}

// ceilMilli returns the first millisecond that is not before a time.
func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}

// ReplayPage implements relation.Replays. It looks at bounded parts of a selection, each as of its own moment.
func (s *Store) ReplayPage(ctx context.Context, sdkAppID uint32, selection relation.ReplaySelection, after string, limit int) ([]relation.ReplayEvent, error) {
	var page []relation.ReplayEvent
	for len(page) < limit {
		next := ""
		err := s.engine.read(ctx, func(c conn) error {
			q, tables, err := replaySearch(c, sdkAppID, selection)
			if err != nil {
				return err
			}
			if after != "" {
				id, err := uuid.Parse(after)
				if err != nil {
					return fmt.Errorf("%w: the cursor is not an event id", relation.ErrParameter)
				}
				q.atLeast(behind(id))
			}
			q.limit = limit - len(page)
			found, end, err := s.find(c, q, tables...)
			for _, e := range found {
				page = append(page, relation.ReplayEvent{Event: e.Event, Dead: e.State == relation.StateDead})
			}
			next = end
			return err
		})
		if err != nil {
			return nil, domainError(err)
		}
		if next == "" {
			break
		}
		after = next
	}
	return page, nil
}

// Replays implements relation.Replays.
func (s *Store) Replays(ctx context.Context, sdkAppID uint32) (replays []relation.Replay, err error) {
	q, args := `SELECT r.doc FROM replay r JOIN app a ON a.sdkappid = r.sdkappid WHERE a.deleting = 0`, []any(nil)
	if sdkAppID != 0 {
		q, args = q+` AND r.sdkappid = $1`, []any{int64(sdkAppID)}
	}
	err = s.engine.read(ctx, func(c conn) error {
		return c.query(q, func(row row) error {
			r, err := readReplay(row)
			replays = append(replays, r)
			return err
		}, args...)
	})
	slices.SortFunc(replays, func(a, b relation.Replay) int {
		if d := b.Created.Compare(a.Created); d != 0 {
			return d
		}
		return strings.Compare(b.ID, a.ID)
	})
	return replays, unavailable(err)
}

func readReplay(row row) (relation.Replay, error) {
	var text string
	if err := row.scan(&text); err != nil {
		return relation.Replay{}, err
	}
	var doc replayDoc
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return relation.Replay{}, fmt.Errorf("a replay is damaged: %w", err)
	}
	return relation.Replay(doc), nil
}

// Replay implements relation.Replays.
func (s *Store) Replay(ctx context.Context, id string) (r relation.Replay, err error) {
	err = s.engine.read(ctx, func(c conn) error { r, err = oneReplay(c, id); return err })
	return r, domainError(err)
}

func oneReplay(c conn, id string) (r relation.Replay, err error) {
	if clean(id) != id {
		return r, fmt.Errorf("%w: %q", relation.ErrNoReplay, id)
	}
	err = c.query(`SELECT r.doc FROM replay r JOIN app a ON a.sdkappid = r.sdkappid WHERE a.deleting = 0 AND r.id = $1`, func(row row) error {
		r, err = readReplay(row)
		return err
	}, id)
	if err == nil && r.ID == "" {
		err = fmt.Errorf("%w: %q", relation.ErrNoReplay, id)
	}
	return r, err
}

// SaveReplay implements relation.Replays.
func (s *Store) SaveReplay(ctx context.Context, p relation.ReplayProgress) (r relation.Replay, err error) {
	err = s.domain(ctx, func(c conn) error {
		if r, err = oneReplay(c, p.ID); err != nil {
			return err
		}
		advance(&r, p)
		doc, err := json.Marshal(replayDoc(r))
		if err != nil {
			return err
		}
		return c.query(`UPDATE replay SET doc = $1 WHERE id = $2`, nil, string(doc), r.ID)
	})
	return r, err
}

// advance moves a replay on. One that has ended keeps its state, and one that does not run the words about that.
func advance(r *relation.Replay, p relation.ReplayProgress) {
	if r.State == relation.ReplayRunning || r.State.Open() && p.State != "" {
		r.Note = clean(p.Note)
	}
	if r.State.Open() && p.State != "" {
		r.State = p.State
	}
	if p.Rate >= 0 {
		r.Rate = p.Rate
	}
	r.Cursor = max(r.Cursor, p.Cursor)
	r.Delivered, r.Failed = max(r.Delivered, p.Delivered), max(r.Failed, p.Failed)
	r.Updated = replayTime(p.At)
}

// replayTime is a time as a replay keeps it.
func replayTime(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}
