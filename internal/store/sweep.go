package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/kithchat/kith/internal/relation"
)

const (
	// sweepRows is how many rows one commit of the sweeper removes, so that callers hardly wait for it.
	sweepRows = 200
	// sweepPause is the wait before the sweeper tries again after a failure.
	sweepPause = 5 * time.Second
)

func (s *Store) wakeSweeper() { wake(s.sweep) }

// wake leaves a signal, unless one waits already.
func wake(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}

// sweeper removes the rows of deleted accounts and apps old records and ended replays, a few at a time: once at the
// start, each time it is woken, and what is old every minute.
func (s *Store) sweeper(ctx context.Context) {
	ticker := time.NewTicker(retentionPause)
	defer ticker.Stop()
	failed := false
	for {
		err := s.sweepAll(ctx)
		if err == nil {
			err = s.forgetOld(ctx)
		}
		if err == nil {
			err = s.forgetReplays(ctx)
		}
		if ctx.Err() != nil || errors.Is(err, errClosed) {
			return
		}
		var again <-chan time.Time
		if err != nil {
			again = time.After(sweepPause)
		}
		if err != nil && !failed {
			s.log.Error("removing old rows failed; it is tried again until it works", "error", err)
		}
		failed = err != nil
		select {
		case <-s.sweep:
		case <-ticker.C:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Store) sweepAll(ctx context.Context) error {
	more, err := s.sweepable(ctx)
	for more && err == nil {
		work := &call{}
		work.alone = func(c conn) (err error) {
			if more, err = s.sweepAccount(c, work); more || err != nil {
				return err
			}
			more, err = s.sweepApp(c, work)
			return err
		}
		err = s.submit(ctx, work)
	}
	return err
}

// sweepable looks for work without a write transaction.
func (s *Store) sweepable(ctx context.Context) (found bool, err error) {
	err = s.engine.read(ctx, func(c conn) error {
		return c.query(`SELECT id FROM gone UNION ALL SELECT sdkappid FROM app WHERE deleting = 1 LIMIT 1`,
			func(row) error { found = true; return nil })
	})
	return found, err
}

// sweepAccount removes some rows of one deleted account: its list, then its entries on the lists of others, whose
// sequences move, then its profile and devices with the mark itself.
func (s *Store) sweepAccount(c conn, work *call) (more bool, err error) {
	var id int64
	err = c.query(`SELECT id FROM gone ORDER BY id LIMIT 1`, func(r row) error { return r.scan(&id) })
	if err != nil || id == 0 {
		return false, err
	}
	for _, find := range []string{
		`SELECT owner, place FROM block WHERE owner = $1 LIMIT $2`,
		`SELECT owner, place FROM block WHERE target = $1 LIMIT $2`,
	} {
		var owners, places []int64
		err := c.query(find, func(r row) error {
			var owner, place int64
			err := r.scan(&owner, &place)
			owners, places = append(owners, owner), append(places, place)
			return err
		}, id, int64(sweepRows))
		if err != nil {
			return false, err
		}
		if len(owners) == 0 {
			continue
		}
		if err := c.each(deletePairs, nil, owners, places); err != nil {
			return false, err
		}
		return true, s.shrink(c, owners, work)
	}
	for _, q := range []string{`DELETE FROM profile WHERE account = $1`, `DELETE FROM online WHERE account = $1`} {
		if err := c.query(q, nil, id); err != nil {
			return false, err
		}
	}
	return true, c.query(`DELETE FROM gone WHERE id = $1`, nil, id)
}

// shrinkLists counts one entry less on each list. A deleted owner has no row, so nothing happens to it.
var shrinkLists = set{
	one: `UPDATE account SET block_count = block_count - 1, block_seq = block_seq + 1 WHERE id = $1
		RETURNING sdkappid, userid, block_seq`,
	all: `UPDATE account a SET block_count = block_count - 1, block_seq = block_seq + 1
		FROM (SELECT id, min(i) AS i FROM unnest($1::bigint[]) WITH ORDINALITY AS u(id, i) GROUP BY id) j WHERE a.id = ANY (ARRAY[j.id])
		RETURNING j.i, a.sdkappid, a.userid, a.block_seq`,
}

// shrink takes one entry off the count of each list and has the work tell that the lists changed.
func (s *Store) shrink(c conn, owners []int64, work *call) error {
	return c.each(shrinkLists, func(i int, r row) error {
		if !s.listens() {
			return nil
		}
		change := relation.ListChange{List: owners[i], Reload: true}
		var app int64
		err := r.scan(&app, &change.UserID, &change.Sequence)
		change.SDKAppID = uint32(app)
		work.lists = append(work.lists, change)
		return err
	}, owners)
}

// sweepApp removes some rows of one deleted app: its accounts become gone ones, then its events go, then the app.
func (s *Store) sweepApp(c conn, work *call) (more bool, err error) {
	var app int64
	err = c.query(`SELECT sdkappid FROM app WHERE deleting = 1 ORDER BY sdkappid LIMIT 1`, func(r row) error { return r.scan(&app) })
	if err != nil || app == 0 {
		return false, err
	}
	var names []string
	var ids, apps []int64
	err = c.query(`SELECT userid, id FROM account WHERE sdkappid = $1 LIMIT $2`, func(r row) error {
		var name string
		var id int64
		err := r.scan(&name, &id)
		names, ids, apps = append(names, name), append(ids, id), append(apps, app)
		return err
	}, app, int64(sweepRows))
	if err != nil {
		return false, err
	}
	if len(ids) > 0 {
		if err := c.each(insertGone, nil, ids, apps); err != nil {
			return false, err
		}
		return true, c.each(deleteAccounts, nil, apps, names)
	}
	return s.sweepEvents(c, app, work)
}

// sweepDead removes some of an app's dead letters, and returns how many.
func sweepDead(c conn, app int64) (removed int, err error) {
	var apps []int64
	var ids [][]byte
	err = c.query(`SELECT id FROM dead_event WHERE sdkappid = $1 LIMIT $2`, func(r row) error {
		var id []byte
		err := r.scan(&id)
		apps, ids = append(apps, app), append(ids, id)
		return err
	}, app, int64(sweepRows))
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return len(ids), c.each(deleteDead, nil, apps, ids)
}

// sweepApps remove some rows of an app, table by table.
var sweepApps = []string{
	`DELETE FROM event WHERE (sdkappid, owner, seq) IN (SELECT sdkappid, owner, seq FROM event WHERE sdkappid = $1 LIMIT $2) RETURNING 1`,
	`DELETE FROM attempt WHERE (sdkappid, id, at_us, number) IN
		(SELECT sdkappid, id, at_us, number FROM attempt WHERE sdkappid = $1 LIMIT $2) RETURNING 1`,
	`DELETE FROM replay WHERE (sdkappid, id) IN (SELECT sdkappid, id FROM replay WHERE sdkappid = $1 LIMIT $2) RETURNING 1`,
}

// sweepEvents removes some of the app's events, records, attempts and replays, then the app.
func (s *Store) sweepEvents(c conn, app int64, work *call) (more bool, err error) {
	removed, err := forgetRecords(c, uint32(app), uuid.Max, &work.tallies)
	if err != nil {
		return false, err
	}
	dead, err := sweepDead(c, app)
	if err != nil {
		return false, err
	}
	removed += dead
	count := func(row) error { removed++; return nil }
	for _, q := range sweepApps {
		if err := c.query(q, count, app, int64(sweepRows)); err != nil {
			return false, err
		}
	}
	if removed > 0 {
		return true, nil
	}
	s.counts.forget(uint32(app))
	for _, q := range []string{`DELETE FROM record_total WHERE sdkappid = $1`, `DELETE FROM app WHERE sdkappid = $1`} {
		if err := c.query(q, nil, app); err != nil {
			return false, err
		}
	}
	return true, nil
}
