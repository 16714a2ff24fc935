package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/kithchat/kith/internal/relation"
)

var (
	selectQueued = set{
		one: `SELECT 1 FROM event WHERE sdkappid = $1 AND owner = $2 LIMIT 1`,
		all: `SELECT j.i FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS j(sdkappid, owner, i)
			WHERE EXISTS (SELECT 1 FROM event e WHERE e.sdkappid = j.sdkappid AND e.owner = j.owner COLLATE "C" OFFSET 0)`,
	}
	insertEvents = set{
		one: `INSERT INTO event (` + carried + `, due_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULLIF($12, 0))`,
		all: `INSERT INTO event (` + carried + `, due_ms)
			SELECT a, b, c, d, e, f, g, h, i, j, k, NULLIF(l, 0) FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[],
				$5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[])
				AS r(a, b, c, d, e, f, g, h, i, j, k, l)`,
	}
)

// writeEvents appends the batch's events to the outbox. The first event of an owner whose queue is empty is the head.
func (b *batch) writeEvents(c conn) error {
	if len(b.events) == 0 {
		return nil
	}
	if err := b.store.eventIDs.reserve(c); err != nil {
		return err
	}
	if err := b.findHeads(c); err != nil {
		return err
	}
	n := len(b.events)
	apps, seqs, created, due := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	owners, kinds, targets, details := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	addresses, platforms, traces := make([]string, n), make([]string, n), make([]string, n)
	ids := make([][]byte, n)
	for i := range b.events {
		e := &b.events[i]
		id, err := uuid.Parse(e.ID)
		if err != nil {
			return err
		}
		if targets[i], details[i], err = encode(e.NewEvent); err != nil {
			return err
		}
		apps[i], owners[i], seqs[i], ids[i] = int64(e.SDKAppID), e.Owner, e.Seq, id[:]
		kinds[i] = string(e.Kind)
		addresses[i], platforms[i], traces[i] = e.Origin.ClientIP, e.Origin.Platform, clean(e.Origin.Trace)
		created[i] = e.Created.UnixMilli()
		if e.Head {
			due[i] = created[i]
		}
	}
	return c.each(insertEvents, nil, apps, owners, seqs, ids, kinds, targets, details, addresses, platforms, traces, created, due)
}

// encode returns the columns of what an event tells.
func encode(e relation.NewEvent) (targets, detail string, err error) {
	list, err := json.Marshal(e.Targets)
	if err != nil || e.State == nil {
		return string(list), "", err
	}
	state, err := json.Marshal(e.State)
	return string(list), string(state), err
}

func decode(targets, detail string, e *relation.NewEvent) error {
	if err := json.Unmarshal([]byte(targets), &e.Targets); err != nil {
		return fmt.Errorf("damaged targets: %w", err)
	}
	if len(e.Targets) == 0 {
		e.Targets = nil
	}
	if detail == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(detail), &e.State); err != nil {
		return fmt.Errorf("a damaged detail: %w", err)
	}
	return nil
}

func (b *batch) findHeads(c conn) error {
	first := make(map[accountKey]int, len(b.events))
	var apps []int64
	var owners []string
	var index []int
	for i := range b.events {
		e := &b.events[i]
		key := accountKey{e.SDKAppID, e.Owner}
		if _, seen := first[key]; seen {
			continue
		}
		first[key] = i
		e.Head = true
		apps, owners, index = append(apps, int64(e.SDKAppID)), append(owners, e.Owner), append(index, i)
	}
	return c.each(selectQueued, func(i int, _ row) error {
		b.events[index[i]].Head = false
		return nil
	}, apps, owners)
}

const (
	// eventColumns are what readEvent reads.
	eventColumns = carried + `, attempts`
	// queuedColumns are what readQueued reads.
	queuedColumns = eventColumns + `, budget_ms`

	selectDue = `SELECT ` + queuedColumns + `, due_ms, CASE WHEN EXISTS (SELECT 1 FROM event n
			WHERE n.sdkappid = e.sdkappid AND n.owner = e.owner AND n.seq > e.seq) THEN 1 ELSE 0 END
		FROM event e WHERE sdkappid = $1 AND due_ms IS NOT NULL AND due_ms <= $2 AND (due_ms, owner) > ($3, $4)
		ORDER BY due_ms, owner LIMIT $5`
	selectNextDue = `SELECT due_ms FROM event WHERE sdkappid = $1 AND due_ms IS NOT NULL AND due_ms > $2
		ORDER BY due_ms LIMIT 1`
	selectFollowing = `SELECT ` + queuedColumns + `, CASE WHEN due_ms IS NULL THEN 0 ELSE 1 END
		FROM event WHERE sdkappid = $1 AND owner = $2 AND seq > $3 ORDER BY seq LIMIT $4`
)

// readQueued reads an event that waits.
func readQueued(r row, e *relation.Event, more ...any) error {
	var budget int64
	err := readEvent(r, e, append([]any{&budget}, more...)...)
	if budget != 0 {
		e.BudgetFrom = time.UnixMilli(budget)
	}
	return err
}

func readEvent(r row, e *relation.Event, more ...any) error {
	var (
		id                    []byte
		app, created          int64
		kind, targets, detail string
	)
	dest := []any{&app, &e.Owner, &e.Seq, &id, &kind, &targets, &detail, &e.Origin.ClientIP, &e.Origin.Platform, &e.Origin.Trace, &created, &e.Attempts}
	if err := r.scan(append(dest, more...)...); err != nil {
		return err
	}
	parsed, err := uuid.FromBytes(id)
	if err != nil {
		return fmt.Errorf("event %d of %q has a damaged id: %w", e.Seq, e.Owner, err)
	}
	if err := decode(targets, detail, &e.NewEvent); err != nil {
		return fmt.Errorf("event %d of %q has %w", e.Seq, e.Owner, err)
	}
	e.SDKAppID, e.ID, e.Kind, e.Created = uint32(app), parsed.String(), relation.EventKind(kind), time.UnixMilli(created)
	return nil
}

// Due implements relation.Outbox.
func (s *Store) Due(ctx context.Context, q relation.DueQuery) ([]relation.DueHead, error) {
	var heads []relation.DueHead
	err := s.engine.read(ctx, func(c conn) error {
		return c.query(selectDue, func(r row) error {
			var h relation.DueHead
			var due, more int64
			if err := readQueued(r, &h.Event, &due, &more); err != nil {
				return err
			}
			h.Head, h.Due, h.More = true, time.UnixMilli(due), more != 0
			heads = append(heads, h)
			return nil
		}, int64(q.SDKAppID), q.Now.UnixMilli(), q.After.Due, q.After.Owner, int64(q.Limit))
	})
	err = unavailable(err)
	s.doubt(err)
	return heads, err
}

// NextDue implements relation.Outbox.
func (s *Store) NextDue(ctx context.Context, sdkAppID uint32, now time.Time) (time.Time, error) {
	var next time.Time
	err := s.engine.read(ctx, func(c conn) error {
		return c.query(selectNextDue, func(r row) error {
			var due int64
			err := r.scan(&due)
			next = time.UnixMilli(due)
			return err
		}, int64(sdkAppID), now.UnixMilli())
	})
	return next, unavailable(err)
}

// Following implements relation.Outbox.
func (s *Store) Following(ctx context.Context, key relation.EventKey, limit int) ([]relation.Event, error) {
	var events []relation.Event
	if !relation.ValidUserID(key.Owner) {
		return nil, nil
	}
	err := s.engine.read(ctx, func(c conn) error {
		return c.query(selectFollowing, func(r row) error {
			var e relation.Event
			var head int64
			err := readQueued(r, &e, &head)
			e.Head = head != 0
			events = append(events, e)
			return err
		}, int64(key.SDKAppID), key.Owner, key.Seq, int64(limit))
	})
	return events, unavailable(err)
}
