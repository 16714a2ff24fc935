package store

import "github.com/kithchat/kith/internal/relation"

// firstKept is how many of an event's first attempts are kept, lastKept how many of its last: a head that fails for weeks, or
// for a fault of our own that costs no budget, must not fill the disk. The numbers of the others are missing between them.
const firstKept, lastKept = relation.MaxAttemptsKept / 2, relation.MaxAttemptsKept / 2

// thinAttempts removes the attempt that has become one too many, in the middle of an event's.
var thinAttempts = set{
	one: `DELETE FROM attempt WHERE sdkappid = $1 AND id = $2
		AND at_us = (SELECT at_us FROM attempt WHERE sdkappid = $1 AND id = $2 ORDER BY at_us DESC LIMIT 1 OFFSET $3)
		AND at_us > (SELECT at_us FROM attempt WHERE sdkappid = $1 AND id = $2 ORDER BY at_us LIMIT 1 OFFSET $4)`,
	all: `DELETE FROM attempt a USING unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[]) AS j(sdkappid, id, last, first)
		WHERE a.sdkappid = ANY (ARRAY[j.sdkappid]) AND a.id = j.id
		AND a.at_us = (SELECT b.at_us FROM attempt b WHERE b.sdkappid = j.sdkappid AND b.id = j.id ORDER BY b.at_us DESC LIMIT 1 OFFSET j.last)
		AND a.at_us > (SELECT b.at_us FROM attempt b WHERE b.sdkappid = j.sdkappid AND b.id = j.id ORDER BY b.at_us LIMIT 1 OFFSET j.first)`,
}

// thin bounds the attempts that are kept of events that failed again. Most have few, and cost nothing here.
func (b *batch) thin(c conn, failed *attempts) error {
	var apps, first, last []int64
	var ids [][]byte
	for i, number := range failed.number {
		if number > relation.MaxAttemptsKept || failed.fault[i] != 0 {
			apps, ids = append(apps, failed.apps[i]), append(ids, failed.ids[i])
			first, last = append(first, firstKept-1), append(last, lastKept)
		}
	}
	if len(ids) == 0 || !b.store.records() {
		return nil
	}
	return c.each(thinAttempts, nil, apps, ids, last, first)
}
