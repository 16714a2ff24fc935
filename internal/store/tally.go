package store

var upsertTotals = set{
	one: `INSERT INTO record_total (sdkappid, events, bytes) VALUES ($1, $2, $3) ` + addTotals,
	all: `INSERT INTO record_total (sdkappid, events, bytes) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) ` + addTotals,
}

const addTotals = `ON CONFLICT (sdkappid) DO UPDATE SET events = record_total.events + excluded.events, bytes = record_total.bytes + excluded.bytes`

// tally is by how much a commit changes what is kept of an app's settled events.
type tally struct {
	events, bytes int64 // of record
	dead          int64 // dead letters
}

// tallies are the changes of one commit, by app.
type tallies map[uint32]tally

func (t *tallies) add(app uint32, more tally) {
	if *t == nil {
		*t = make(tallies, 1)
	}
	sum := (*t)[app]
	sum.events, sum.bytes, sum.dead = sum.events+more.events, sum.bytes+more.bytes, sum.dead+more.dead
	(*t)[app] = sum
}

// write adds to the totals that a start reads, in the commit that changes the rows.
func (t tallies) write(c conn) error {
	var apps, events, bytes []int64
	for app, change := range t {
		if change.events != 0 || change.bytes != 0 {
			apps, events, bytes = append(apps, int64(app)), append(events, change.events), append(bytes, change.bytes)
		}
	}
	if len(apps) == 0 {
		return nil
	}
	return c.each(upsertTotals, nil, apps, events, bytes)
}

func (b *batch) writeTallies(c conn) error { return b.tallies.write(c) }
