package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/kithchat/kith/internal/relation"
)

// maxScan is how many rows of a table one page looks at, so that a search that few events meet hurts nobody.
const maxScan = 2000

// table is one of the tables that an event can be in. Columns come after eventColumns: budget, when it is due or was
// settled, reason, deliveries by replays.
type table struct {
	name    string
	columns string
	states  []relation.State
}

var (
	queuedTable = table{"event", `budget_ms, COALESCE(due_ms, 0), reason, 0`, []relation.State{relation.StateWaiting, relation.StateRetrying}}
	recordTable = table{"record", `0, settled_ms, '', replayed`, []relation.State{relation.StateDelivered}}
	deadTable   = table{"dead_event", `0, parked_ms, reason, 0`, []relation.State{relation.StateDead}}
)

// readRecord reads a row of the table, and more columns after it.
func (t table) readRecord(r row, e *relation.Record, more ...any) error {
	var budget, at int64
	if err := readEvent(r, &e.Event, append([]any{&budget, &at, &e.Reason, &e.Replayed}, more...)...); err != nil {
		return err
	}
	if budget != 0 {
		e.BudgetFrom = time.UnixMilli(budget)
	}
	e.State = t.states[0]
	if t.name != queuedTable.name {
		e.Settled = time.UnixMilli(at)
		return nil
	}
	if e.Attempts > 0 || e.Reason != "" {
		e.State = relation.StateRetrying
	}
	if at != 0 {
		e.Head, e.Due = true, time.UnixMilli(at)
	}
	return nil
}

// search looks for events in order of their ids.
type search struct {
	app       uint32
	owner     string // empty: of any
	kind      relation.EventKind
	state     relation.State
	from, to  time.Time
	low, high uuid.UUID // ids in [low, high)
	newest    bool      // first; else the oldest
	limit     int
}

// newSearch bounds the ids by the time of creation: an id's time is not before it, and at most the lead after it.
func newSearch(c conn, app uint32, from, to time.Time) (search, error) {
	q := search{app: app, from: from, to: to, high: uuid.Max}
	if !from.IsZero() {
		q.low = firstID(from.UnixMilli())
	}
	if to.IsZero() {
		return q, nil
	}
	var lead int64
	err := c.query(`SELECT value FROM counter WHERE name = 'id_lead_ms'`, func(r row) error { return r.scan(&lead) })
	q.high = firstID(to.UnixMilli() + lead + 1)
	return q, err
}

// since narrows the search to what was created at a time or later.
func (q *search) since(from time.Time) {
	if from.After(q.from) {
		q.from = from
		q.atLeast(firstID(from.UnixMilli()))
	}
}

func (q *search) atLeast(id uuid.UUID) {
	if compareIDs(id, q.low) > 0 {
		q.low = id
	}
}

func (q *search) below(id uuid.UUID) {
	if compareIDs(id, q.high) < 0 {
		q.high = id
	}
}

// behind is the lowest id after another.
func behind(id uuid.UUID) uuid.UUID {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i]++; id[i] != 0 {
			return id
		}
	}
	return uuid.Max
}

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

func (q *search) matches(e *relation.Record) bool {
	return (q.kind == "" || e.Kind == q.kind) && (q.state == "" || e.State == q.state) &&
		!e.Created.Before(q.from) && (q.to.IsZero() || e.Created.Before(q.to))
}

// errEnough ends a query before its last row.
var errEnough = errors.New("enough rows")

// in returns what a table has, at most limit. A search that was cut short tells how far it came.
func (q *search) in(c conn, t table) (found []relation.Record, cut uuid.UUID, err error) {
	if q.state != "" && !slices.Contains(t.states, q.state) || compareIDs(q.low, q.high) >= 0 {
		return nil, uuid.Nil, nil
	}
	text, args, most := q.statement(t)
	seen := 0
	err = c.query(text, func(r row) error {
		var e relation.Record
		if err := t.readRecord(r, &e); err != nil {
			return err
		}
		if seen++; seen == most {
			cut = uuid.MustParse(e.ID)
		}
		if q.matches(&e) {
			found = append(found, e)
		}
		if len(found) == q.limit {
			return errEnough
		}
		return nil
	}, args...)
	if errors.Is(err, errEnough) {
		return found, uuid.Nil, nil
	}
	return found, cut, err
}

// statement finds rows by index, most of them at most. The waiting events of an owner are in the order of their ids by their
// numbers.
func (q *search) statement(t table) (text string, args []any, most int) {
	id, order, direction := "id", "id", ""
	args = []any{int64(q.app), q.low[:], q.high[:]}
	if q.owner != "" && t.name == queuedTable.name {
		id, order = "COALESCE(id, id)", "seq" // which keeps the planner off the index on id
	}
	where := fmt.Sprintf(`sdkappid = $1 AND %s >= $2 AND %[1]s < $3`, id)
	if q.owner != "" {
		where, args = where+` AND owner = $4`, append(args, q.owner)
	}
	if q.newest {
		direction = " DESC"
	}
	most = maxScan
	if q.kind == "" && (q.state == "" || len(t.states) == 1) {
		most = min(most, q.limit) // nearly all match
	}
	text = fmt.Sprintf(`SELECT %s, %s FROM %s WHERE %s ORDER BY %s%s LIMIT $%d`,
		eventColumns, t.columns, t.name, where, order, direction, len(args)+1)
	return text, append(args, int64(most)), most
}

// find merges what the tables have, at most limit of it. When that is cut short, next is the id up to which it is whole. Delivered
// events are known for the retention only.
func (s *Store) find(c conn, q search, tables ...table) (found []relation.Record, next string, err error) {
	sign := 1
	if q.newest {
		sign = -1
	}
	end := uuid.Nil
	for _, t := range tables {
		part := q
		part.limit = q.limit + 1
		if t.name == recordTable.name {
			part.since(s.horizon())
		}
		rows, cut, err := part.in(c, t)
		if err != nil {
			return nil, "", err
		}
		found = append(found, rows...)
		if cut != uuid.Nil && (end == uuid.Nil || sign*compareIDs(cut, end) < 0) {
			end = cut
		}
	}
	slices.SortFunc(found, func(a, b relation.Record) int { return sign * strings.Compare(a.ID, b.ID) })
	if end != uuid.Nil {
		next = end.String()
		found = slices.DeleteFunc(found, func(e relation.Record) bool { return sign*strings.Compare(e.ID, next) > 0 })
	}
	if len(found) > q.limit {
		found = found[:q.limit]
		next = found[q.limit-1].ID
	}
	return found, next, nil
}
