package store

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/kithchat/kith/internal/relation"
)

// An event that was delivered and is not kept any more, or never was, is one that a replay cannot send. record_total has the
// newest of each app, so that a replay which is to lead from an export to the present leaves none out unnoticed.

var raiseForgotten = set{
	one: `INSERT INTO record_total (sdkappid, events, bytes, forgotten) VALUES ($1, 0, 0, $2) ` + laterForgotten,
	all: `INSERT INTO record_total (sdkappid, events, bytes, forgotten)
		SELECT j.sdkappid, 0, 0, j.forgotten FROM unnest($1::bigint[], $2::bytea[]) AS j(sdkappid, forgotten) ` + laterForgotten,
}

const laterForgotten = `ON CONFLICT (sdkappid) DO UPDATE SET forgotten = excluded.forgotten
	WHERE record_total.forgotten < excluded.forgotten`

// forget notes that delivered events are gone.
func forget(c conn, apps []int64, ids [][]byte) error {
	newest := make(map[int64]int, 1) // places, by app
	for i, app := range apps {
		if at, known := newest[app]; !known || compareIDs(uuid.UUID(ids[i]), uuid.UUID(ids[at])) > 0 {
			newest[app] = i
		}
	}
	var of []int64
	var last [][]byte
	for app, i := range newest {
		of, last = append(of, app), append(last, ids[i])
	}
	return c.each(raiseForgotten, nil, of, last)
}

// newestForgotten returns the id of the newest delivered event of an app that is not kept, or uuid.Nil.
func newestForgotten(c conn, app int64) (newest uuid.UUID, err error) {
	err = c.query(`SELECT forgotten FROM record_total WHERE sdkappid = $1`, func(r row) error {
		var id []byte
		err := r.scan(&id)
		copy(newest[:], id)
		return err
	}, app)
	return newest, err
}

// keptSince returns ErrForgotten unless every event of an app behind an id that was delivered can be sent again.
func (s *Store) keptSince(c conn, app uint32, after uuid.UUID) error {
	newest, err := newestForgotten(c, int64(app))
	if err != nil {
		return err
	}
	gone := compareIDs(newest, after) > 0
	horizon, next := firstID(s.horizon().UnixMilli()), behind(after)
	err = c.query(`SELECT id FROM record WHERE sdkappid = $1 AND id >= $2 AND id < $3 LIMIT 1`, // there, but not to be seen
		func(row) error { gone = true; return nil }, int64(app), next[:], horizon[:])
	if err == nil && gone {
		err = fmt.Errorf("%w: some that came after %s", relation.ErrForgotten, after)
	}
	return err
}
