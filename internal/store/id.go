package store

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/google/uuid"
)

const (
	// idAhead is for how many milliseconds of event ids a commit reserves, so that the reservation is written about once
	// a second. It is also how far ids can be ahead of the clock after a restart.
	idAhead = 1000
	// idCountBits is the width of the counter that orders the ids of one millisecond.
	idCountBits = 26
)

// eventIDs makes the ids of events: UUIDs of version 7 that only rise, over restarts too and when the clock is set back, so
// that their order is that of the commits. An id's time is never before its event's. It is used by the writing goroutine
// only.
type eventIDs struct {
	ms       int64 // time of the newest id
	count    uint32
	reserved int64 // the database knows that ids have times before this
	lead     int64 // by how much an id's time was ahead of its event's, at most
	known    int64 // the lead that the database knows of
}

// load begins behind the newest id that there can be.
func (g *eventIDs) load(c conn) error {
	err := c.query(`SELECT value FROM counter WHERE name = 'id_ms'`, func(r row) error { return r.scan(&g.ms) })
	if err == nil {
		err = c.query(`SELECT value FROM counter WHERE name = 'id_lead_ms'`, func(r row) error { return r.scan(&g.known) })
	}
	if err != nil || g.ms != 0 {
		return err
	}
	var apps []int64 // a database that an older version made says nothing of ids
	err = c.query(`SELECT sdkappid FROM app`, func(r row) error {
		apps = append(apps, 0)
		return r.scan(&apps[len(apps)-1])
	})
	for _, app := range apps {
		newest, newestErr := newestEvent(c, app)
		if newestErr != nil {
			return newestErr
		}
		if newest != uuid.Nil {
			g.ms = max(g.ms, idTime(newest)+1)
		}
	}
	return err
}

// next returns an id for an event that is created at a time in Unix milliseconds.
func (g *eventIDs) next(created int64) (id uuid.UUID) {
	if g.count++; created > g.ms || g.count == 1<<idCountBits {
		g.ms = max(created, g.ms+1)
		g.count = rand.Uint32N(1 << (idCountBits - 6))
	}
	g.lead = max(g.lead, g.ms-created)
	binary.BigEndian.PutUint64(id[:8], uint64(g.ms)<<16|7<<12|uint64(g.count>>14))
	binary.BigEndian.PutUint64(id[8:], 2<<62|uint64(g.count&(1<<14-1))<<48|rand.Uint64()>>16)
	return id
}

// reserve writes what a restart has to know of the ids made so far.
func (g *eventIDs) reserve(c conn) error {
	if g.ms >= g.reserved {
		g.reserved = g.ms + idAhead
		if err := c.query(`UPDATE counter SET value = $1 WHERE name = 'id_ms'`, nil, g.reserved); err != nil {
			return err
		}
	}
	if g.lead > g.known {
		g.known = 2 * g.lead
		return c.query(`UPDATE counter SET value = $1 WHERE name = 'id_lead_ms'`, nil, g.known)
	}
	return nil
}

// forget has the next commit write both again, since nobody knows whether the last one did.
func (g *eventIDs) forget() { g.reserved, g.known = 0, 0 }

// idTime returns the time of an id in Unix milliseconds.
func idTime(id uuid.UUID) int64 { return int64(binary.BigEndian.Uint64(id[:8]) >> 16) }

// firstID returns the lowest id of a time in Unix milliseconds.
func firstID(ms int64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(min(max(ms, 0), 1<<48-1))<<16)
	return id
}

// newestEvent returns the id of the newest event of an app that is known, or uuid.Nil.
func newestEvent(c conn, app int64) (newest uuid.UUID, err error) {
	for _, table := range []string{"event", "record", "dead_event"} {
		err := c.query(`SELECT id FROM `+table+` WHERE sdkappid = $1 AND id > $2 ORDER BY id DESC LIMIT 1`, func(r row) error {
			var b []byte
			if err := r.scan(&b); err != nil {
				return err
			}
			id, err := uuid.FromBytes(b)
			if compareIDs(id, newest) > 0 {
				newest = id
			}
			return err
		}, app, uuid.Nil[:])
		if err != nil {
			return uuid.Nil, err
		}
	}
	return newest, nil
}
