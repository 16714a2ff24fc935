package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/kithchat/kith/internal/relation"
)

const (
	selectAttempts = `SELECT ` + attemptFields + ` FROM attempt WHERE sdkappid = $1 AND id = $2 ORDER BY at_us, number`
	selectFinal    = `SELECT ` + attemptFields + ` FROM record WHERE sdkappid = $1 AND id = $2`
)

// Records implements relation.Records.
func (s *Store) Records(ctx context.Context, q relation.RecordQuery) (relation.RecordPage, error) {
	var page relation.RecordPage
	before := uuid.Max
	if q.Before != "" {
		var err error
		if before, err = uuid.Parse(q.Before); err != nil {
			return page, fmt.Errorf("%w: the cursor is not an event id", relation.ErrParameter)
		}
	}
	if q.Account != "" && !relation.ValidUserID(q.Account) {
		return page, nil
	}
	err := s.engine.read(ctx, func(c conn) error {
		find, err := newSearch(c, q.SDKAppID, q.From, q.To)
		if err != nil {
			return err
		}
		find.below(before)
		find.owner, find.kind, find.state, find.newest, find.limit = q.Account, q.Kind, q.State, true, q.Limit
		page.Records, page.Next, err = s.find(c, find, queuedTable, recordTable, deadTable)
		return err
	})
	return page, unavailable(err)
}

// Record implements relation.Records.
func (s *Store) Record(ctx context.Context, sdkAppID uint32, id string) (relation.Record, error) {
	var found relation.Record
	key, err := uuid.Parse(id)
	if err != nil {
		return found, fmt.Errorf("%w: %q is not an event id", relation.ErrNoEvent, id)
	}
	err = s.engine.read(ctx, func(c conn) error {
		for _, t := range []table{queuedTable, recordTable, deadTable} {
			err := c.query(t.selectOne(), func(r row) error { return t.readRecord(r, &found) }, int64(sdkAppID), key[:])
			if err != nil {
				return err
			}
			if found.ID != "" {
				break
			}
		}
		if found.ID == "" || found.State == relation.StateDelivered && found.Created.Before(s.horizon()) {
			return fmt.Errorf("%w: %s", relation.ErrNoEvent, key)
		}
		found.Log, err = readLog(c, &found, key)
		return err
	})
	if err != nil {
		return relation.Record{}, domainError(err)
	}
	return found, nil
}

func (t table) selectOne() string {
	return `SELECT ` + eventColumns + `, ` + t.columns + ` FROM ` + t.name + ` WHERE sdkappid = $1 AND id = $2`
}

// readLog reads all attempts of an event, oldest first.
func readLog(c conn, e *relation.Record, id uuid.UUID) (log []relation.Attempt, err error) {
	read := func(r row) error {
		var a relation.Attempt
		err := readAttempt(r, &a)
		if !a.At.IsZero() {
			log = append(log, a)
		}
		return err
	}
	err = c.query(selectAttempts, read, int64(e.SDKAppID), id[:])
	if err == nil && e.State == relation.StateDelivered {
		err = c.query(selectFinal, read, int64(e.SDKAppID), id[:])
	}
	slices.SortStableFunc(log, func(a, b relation.Attempt) int { return a.At.Compare(b.At) })
	return log, err
}
