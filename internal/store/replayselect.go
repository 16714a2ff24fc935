package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/kithchat/kith/internal/relation"
)

// CountReplay implements relation.Replays.
func (s *Store) CountReplay(ctx context.Context, sdkAppID uint32, selection relation.ReplaySelection) (int64, error) {
	n, _, err := s.selected(ctx, sdkAppID, selection)
	return n, err
}

// selected counts what a selection names, and finds the newest of it.
func (s *Store) selected(ctx context.Context, sdkAppID uint32, selection relation.ReplaySelection) (n int64, newest uuid.UUID, err error) {
	err = s.engine.readAlone(ctx, func(c conn) error {
		q, tables, err := replaySearch(c, sdkAppID, selection)
		if err == nil && selection.After != "" && !selection.Dead {
			err = s.keptSince(c, sdkAppID, uuid.MustParse(selection.After)) // replaySearch has parsed it
		}
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
