package store

import (
	"github.com/kithchat/kith/internal/relation"
)

var (
	deleteEvents = set{
		one: `DELETE FROM event WHERE sdkappid = $1 AND owner = $2 AND seq = $3 RETURNING created_ms`,
		all: `DELETE FROM event e USING unnest($1::bigint[], $2::text[], $3::bigint[]) WITH ORDINALITY AS j(sdkappid, owner, seq, i)
			WHERE e.sdkappid = j.sdkappid AND e.owner = j.owner COLLATE "C" AND e.seq = j.seq RETURNING j.i, e.created_ms`,
	}
	buryEvents = set{
		one: `INSERT INTO dead_event (sdkappid, owner, seq, id, kind, targets, detail, client_ip, platform, created_ms, attempts, reason, parked_ms)
			SELECT sdkappid, owner, seq, id, kind, targets, detail, client_ip, platform, created_ms, $1, $2, $3
			FROM event WHERE sdkappid = $4 AND owner = $5 AND seq = $6`,
		all: `INSERT INTO dead_event (sdkappid, owner, seq, id, kind, targets, detail, client_ip, platform, created_ms, attempts, reason, parked_ms)
			SELECT e.sdkappid, e.owner, e.seq, e.id, e.kind, e.targets, e.detail, e.client_ip, e.platform, e.created_ms, j.attempts, j.reason, j.parked
			FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[])
				AS j(attempts, reason, parked, sdkappid, owner, seq)
			JOIN event e ON e.sdkappid = j.sdkappid AND e.owner = j.owner COLLATE "C" AND e.seq = j.seq`,
	}
	retryEvents = set{
		one: `UPDATE event SET due_ms = $1, attempts = $2, reason = $3 WHERE sdkappid = $4 AND owner = $5 AND seq = $6`,
		all: `UPDATE event e SET due_ms = j.due, attempts = j.attempts, reason = j.reason
			FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[])
				AS j(due, attempts, reason, sdkappid, owner, seq)
			WHERE e.sdkappid = j.sdkappid AND e.owner = j.owner COLLATE "C" AND e.seq = j.seq`,
	}
	promoteHeads = set{
		one: `UPDATE event SET due_ms = $1 WHERE sdkappid = $2 AND owner = $3 AND due_ms IS NULL
			AND seq = (SELECT min(seq) FROM event WHERE sdkappid = $2 AND owner = $3) RETURNING seq`,
		all: `UPDATE event e SET due_ms = h.due
			FROM (SELECT j.i, j.due, j.sdkappid, j.owner COLLATE "C" AS owner,
					(SELECT min(x.seq) FROM event x WHERE x.sdkappid = j.sdkappid AND x.owner = j.owner COLLATE "C") AS seq
				FROM unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY AS j(due, sdkappid, owner, i)) h
			WHERE e.sdkappid = h.sdkappid AND e.owner = h.owner AND e.seq = h.seq AND e.due_ms IS NULL RETURNING h.i, e.seq`,
	}
)

// settledEvent is an event that left the queue in this batch.
type settledEvent struct {
	app     uint32
	created int64 // Unix milliseconds
}

// keyColumns are the keys of events, a column each.
type keyColumns struct {
	app, seq []int64
	owner    []string
}

func (k *keyColumns) add(e relation.EventKey) {
	k.app, k.owner, k.seq = append(k.app, int64(e.SDKAppID)), append(k.owner, e.Owner), append(k.seq, e.Seq)
}

// settle writes the verdicts of all calls, in order of arrival within each kind. Of two final verdicts on one event the
// first counts.
func (b *batch) settle(c conn) error {
	var left, dead, retry keyColumns
	final := make(map[relation.EventKey]relation.Verdict, b.verdicts)
	var deadAttempts, parked, due, retryAttempts []int64
	var deadReason, retryReason []string
	owners := newOwners()
	for _, call := range b.settles {
		for i := range call.settle {
			v := &call.settle[i]
			if _, twice := final[v.EventKey]; twice {
				continue
			}
			switch v.Verdict {
			case relation.Retry:
				retry.add(v.EventKey)
				due, retryAttempts = append(due, v.Due.UnixMilli()), append(retryAttempts, int64(v.Attempts))
				retryReason = append(retryReason, v.Reason)
				continue
			case relation.Dead:
				dead.add(v.EventKey)
				deadAttempts, parked = append(deadAttempts, int64(v.Attempts)), append(parked, v.At.UnixMilli())
				deadReason = append(deadReason, v.Reason)
			case relation.Delivered:
			}
			final[v.EventKey] = v.Verdict
			left.add(v.EventKey)
			owners.add(call, v)
		}
	}
	if len(retry.seq) > 0 {
		if err := c.each(retryEvents, nil, due, retryAttempts, retryReason, retry.app, retry.owner, retry.seq); err != nil {
			return err
		}
	}
	if len(dead.seq) > 0 {
		if err := c.each(buryEvents, nil, deadAttempts, deadReason, parked, dead.app, dead.owner, dead.seq); err != nil {
			return err
		}
	}
	if len(left.seq) == 0 {
		return nil
	}
	err := c.each(deleteEvents, func(i int, r row) error {
		app := uint32(left.app[i])
		if final[relation.EventKey{SDKAppID: app, Owner: left.owner[i], Seq: left.seq[i]}] == relation.Dead {
			b.countDead(app)
		}
		b.settled = append(b.settled, settledEvent{app: app})
		return r.scan(&b.settled[len(b.settled)-1].created)
	}, left.app, left.owner, left.seq)
	if err != nil {
		return err
	}
	return owners.promote(c)
}

func (b *batch) countDead(app uint32) {
	if b.buried == nil {
		b.buried = make(map[uint32]int64)
	}
	b.buried[app]++
}

// owners are those whose head left the queue, each with the call that is told of the next one.
type owners struct {
	seen  map[accountKey]bool
	calls []*call
	at    []int64
	keys  keyColumns
}

func newOwners() *owners { return &owners{seen: make(map[accountKey]bool)} }

func (o *owners) add(c *call, v *relation.Settlement) {
	key := accountKey{v.SDKAppID, v.Owner}
	if o.seen[key] {
		return
	}
	o.seen[key] = true
	o.calls, o.at = append(o.calls, c), append(o.at, v.At.UnixMilli())
	o.keys.add(v.EventKey)
}

func (o *owners) promote(c conn) error {
	for _, call := range o.calls {
		call.next = nil
	}
	return c.each(promoteHeads, func(i int, r row) error {
		next := relation.EventKey{SDKAppID: uint32(o.keys.app[i]), Owner: o.keys.owner[i]}
		err := r.scan(&next.Seq)
		o.calls[i].next = append(o.calls[i].next, next)
		return err
	}, o.at, o.keys.app, o.keys.owner)
}
