package store

import (
	"context"
	"time"

	"github.com/google/uuid"
)

const (
	// retentionPause is how often old records are looked for.
	retentionPause = time.Minute
	// sweepAttempts is how many attempts go with the records of one commit, unless the first has more.
	sweepAttempts = 1000
	// sweepRest is how many times as long as a commit of retention took the next one waits, so that callers hardly do.
	sweepRest = 3
	// capSlack is which part of the record's size is freed beyond what must be, so that not every commit passes it again.
	capSlack = 64
)

// horizon is the time before which delivered events are not known any more, even where they are still to be removed.
func (s *Store) horizon() time.Time { return s.now().Add(-s.options.Retention) }

// crowded reports whether the record is larger than it may be.
func (s *Store) crowded() bool {
	return s.options.RecordSize > 0 && s.counts.recordBytes() > s.options.RecordSize
}

// forgetOld removes what is older than the retention, a few rows a commit, then what the record has no room for: the oldest
// of the app that has most.
func (s *Store) forgetOld(ctx context.Context) error {
	limit := uuid.Max
	if s.records() {
		limit = firstID(s.horizon().UnixMilli())
	}
	for _, app := range s.counts.recorded() {
		for {
			old, err := s.hasRecord(ctx, app, limit)
			if err != nil {
				return err
			}
			if !old {
				break
			}
			if _, err := s.forgetSome(ctx, app, limit, false); err != nil {
				return err
			}
		}
	}
	if !s.crowded() {
		return nil
	}
	for s.counts.recordBytes() > s.options.RecordSize-s.options.RecordSize/capSlack {
		if removed, err := s.forgetSome(ctx, s.counts.largest(), uuid.Max, true); err != nil || removed == 0 {
			return err
		}
	}
	return nil
}

const selectOldest = `SELECT id, size + 200 * kept, kept FROM record WHERE sdkappid = $1 AND id < $2 ORDER BY id LIMIT $3`

var deleteRecords = set{
	one: `DELETE FROM record WHERE sdkappid = $1 AND id = $2`,
	all: `DELETE FROM record r USING unnest($1::bigint[], $2::bytea[]) AS j(sdkappid, id)
		WHERE r.sdkappid = ANY (ARRAY[j.sdkappid]) AND r.id = j.id`,
}

// hasRecord looks for work without a write transaction.
func (s *Store) hasRecord(ctx context.Context, app uint32, below uuid.UUID) (found bool, err error) {
	err = s.engine.read(ctx, func(c conn) error {
		return c.query(selectOldest, func(row) error { found = true; return nil }, int64(app), below[:], int64(1))
	})
	return found, err
}

// forgetSome removes some of an app's oldest records in a commit of its own, then rests.
func (s *Store) forgetSome(ctx context.Context, app uint32, below uuid.UUID, crowded bool) (removed int, err error) {
	start := time.Now()
	work := &call{}
	work.alone = func(c conn) (err error) {
		removed, err = forgetRecords(c, app, below, &work.tallies)
		return err
	}
	if err := s.submit(ctx, work); err != nil {
		return 0, err
	}
	if s.options.OnForget != nil && removed > 0 {
		s.options.OnForget(removed, crowded)
	}
	select {
	case <-time.After(sweepRest * time.Since(start)):
		return removed, nil
	case <-ctx.Done():
		return removed, ctx.Err()
	}
}

// forgetRecords removes some of an app's oldest records, with their attempts.
func forgetRecords(c conn, app uint32, below uuid.UUID, sum *tallies) (removed int, err error) {
	var with, all struct {
		apps []int64
		ids  [][]byte
	}
	change, attempts := tally{}, int64(0)
	err = c.query(selectOldest, func(r row) error {
		var id []byte
		var bytes, kept int64
		if err := r.scan(&id, &bytes, &kept); err != nil {
			return err
		}
		if attempts += kept; attempts > sweepAttempts && len(all.ids) > 0 {
			return nil // with the next commit
		}
		if kept > 0 {
			with.apps, with.ids = append(with.apps, int64(app)), append(with.ids, id)
		}
		all.apps, all.ids = append(all.apps, int64(app)), append(all.ids, id)
		change.events, change.bytes = change.events-1, change.bytes-bytes
		return nil
	}, int64(app), below[:], int64(sweepRows))
	if err != nil || len(all.ids) == 0 {
		return 0, err
	}
	if len(with.ids) > 0 {
		if err := c.each(deleteAttempts, nil, with.apps, with.ids); err != nil {
			return 0, err
		}
	}
	if err := c.each(deleteRecords, nil, all.apps, all.ids); err != nil {
		return 0, err
	}
	if err := forget(c, all.apps, all.ids); err != nil {
		return 0, err
	}
	sum.add(app, change)
	return len(all.ids), tallies{app: change}.write(c)
}
