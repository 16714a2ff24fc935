package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/kithchat/kith/internal/relation"
)

var (
	// addReplays adds attempts to delivered events. The one that delivered it is known already.
	addReplays = set{
		one: `INSERT INTO attempt (` + attemptFields + `, sdkappid, id)
			SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, sdkappid, id FROM record
			WHERE sdkappid = $11 AND id = $12 AND NOT (number = $1 AND at_us = $2) ON CONFLICT DO NOTHING RETURNING ` + attemptKey,
		all: `INSERT INTO attempt (` + attemptFields + `, sdkappid, id)
			SELECT j.number, j.at, j.took, j.status, j.fault, j.reason, j.note, j.node, j.replay, j.answer, r.sdkappid, r.id
			FROM unnest(` + attemptArrays + `, $11::bigint[], $12::bytea[])
				AS j(number, at, took, status, fault, reason, note, node, replay, answer, sdkappid, id)
			JOIN record r ON r.sdkappid = ANY (ARRAY[j.sdkappid]) AND r.id = j.id AND NOT (r.number = j.number AND r.at_us = j.at)
			ON CONFLICT DO NOTHING RETURNING 0::bigint, ` + attemptKey,
	}
	countReplays = set{
		one: `UPDATE record SET replayed = replayed + $1, kept = kept + $2 WHERE sdkappid = $3 AND id = $4`,
		all: `UPDATE record r SET replayed = r.replayed + j.replayed, kept = r.kept + j.kept
			FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[]) AS j(replayed, kept, sdkappid, id)
			WHERE r.sdkappid = ANY (ARRAY[j.sdkappid]) AND r.id = j.id`,
	}
	addFailures = set{
		one: `INSERT INTO attempt (` + attemptFields + `, sdkappid, id)
			SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, sdkappid, id FROM dead_event
			WHERE sdkappid = $11 AND id = $12 ON CONFLICT DO NOTHING`,
		all: `INSERT INTO attempt (` + attemptFields + `, sdkappid, id)
			SELECT j.number, j.at, j.took, j.status, j.fault, j.reason, j.note, j.node, j.replay, j.answer, j.sdkappid, j.id
			FROM unnest(` + attemptArrays + `, $11::bigint[], $12::bytea[])
				AS j(number, at, took, status, fault, reason, note, node, replay, answer, sdkappid, id)
			WHERE EXISTS (SELECT 1 FROM dead_event d WHERE d.sdkappid = j.sdkappid AND d.id = j.id OFFSET 0) ON CONFLICT DO NOTHING`,
	}
	reviveEvents = set{
		one: `INSERT INTO record (` + carried + `, ` + attemptFields + `, attempts, settled_ms, replayed, kept, size)
			SELECT ` + carried + `, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, attempts, $11, 0, ` + allAttempts + `,
				` + recordSize + ` + octet_length($7) + octet_length($10)
			FROM dead_event e WHERE sdkappid = $12 AND id = $13 ON CONFLICT DO NOTHING RETURNING ` + recordBytes,
		all: `INSERT INTO record (` + carried + `, ` + attemptFields + `, attempts, settled_ms, replayed, kept, size)
			SELECT ` + carriedOfE + `, j.number, j.at, j.took, j.status, j.fault, j.reason, j.note, j.node, j.replay, j.answer,
				e.attempts, j.settled, 0, ` + allAttempts + `, ` + recordSize + ` + octet_length(j.note) + octet_length(j.answer)
			FROM unnest(` + attemptArrays + `, $11::bigint[], $12::bigint[], $13::bytea[])
				AS j(number, at, took, status, fault, reason, note, node, replay, answer, settled, sdkappid, id)
			JOIN dead_event e ON e.sdkappid + 0 = j.sdkappid AND e.id = ANY (ARRAY[j.id]) ON CONFLICT DO NOTHING RETURNING 0::bigint, ` + recordBytes,
	}
	deleteDead = set{
		one: `DELETE FROM dead_event WHERE sdkappid = $1 AND id = $2 RETURNING 1`,
		all: `DELETE FROM dead_event d USING unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS j(sdkappid, id, i)
			WHERE d.sdkappid + 0 = j.sdkappid AND d.id = ANY (ARRAY[j.id]) RETURNING j.i`,
	}
)

const (
	attemptKey  = `sdkappid, id, at_us, number`
	allAttempts = `(SELECT count(*) FROM attempt a WHERE a.sdkappid = e.sdkappid AND a.id = e.id)`
)

// SettleReplay implements relation.Replays. What is told twice is kept once.
func (s *Store) SettleReplay(ctx context.Context, settlements []relation.ReplaySettlement) error {
	if len(settlements) == 0 {
		return nil
	}
	return s.submit(ctx, &call{replayed: settlements})
}

// settleReplays writes what attempts of replays led to.
func (b *batch) settleReplays(c conn) error {
	var all, failed, delivered attempts
	var at []int64
	for _, call := range b.replays {
		for i := range call.replayed {
			v := &call.replayed[i]
			id, err := uuid.Parse(v.ID)
			if err != nil || v.Attempt.At.IsZero() {
				continue
			}
			all.add(&v.Attempt, v.SDKAppID, id[:])
			if v.Verdict != relation.Delivered {
				failed.add(&v.Attempt, v.SDKAppID, id[:])
				continue
			}
			delivered.add(&v.Attempt, v.SDKAppID, id[:])
			at = append(at, v.Attempt.At.Add(v.Attempt.Took).UnixMilli())
		}
	}
	if len(all.ids) == 0 {
		return nil
	}
	if b.store.records() && len(failed.ids) > 0 {
		if err := c.each(addFailures, nil, failed.args(failed.apps, failed.ids)...); err != nil {
			return err
		}
	}
	if err := b.revive(c, &delivered, at); err != nil || !b.store.records() {
		return err
	}
	return b.addReplays(c, &all, &delivered) // also what else was attempted of an event that is revived now
}

// attemptID names an attempt.
type attemptID struct {
	app, at, number int64
	event           string
}

// addReplays adds attempts to the record of delivered events, and counts those that delivered again.
func (b *batch) addReplays(c conn, all, delivered *attempts) error {
	again := make(map[attemptID]bool, len(delivered.ids))
	for i, id := range delivered.ids {
		again[attemptID{delivered.apps[i], delivered.at[i], delivered.number[i], string(id)}] = true
	}
	var replayed, kept, apps []int64
	var ids [][]byte
	places := make(map[attemptID]int)
	err := c.each(addReplays, func(_ int, r row) error {
		var id []byte
		var key attemptID
		err := r.scan(&key.app, &id, &key.at, &key.number)
		key.event = string(id)
		event := attemptID{app: key.app, event: key.event}
		place, known := places[event]
		if !known {
			place = len(ids)
			places[event] = place
			replayed, kept, apps, ids = append(replayed, 0), append(kept, 0), append(apps, key.app), append(ids, id)
		}
		if kept[place]++; again[key] {
			replayed[place]++
		}
		b.tallies.add(uint32(key.app), tally{bytes: attemptSize})
		return err
	}, all.args(all.apps, all.ids)...)
	if err != nil || len(ids) == 0 {
		return err
	}
	return c.each(countReplays, nil, replayed, kept, apps, ids)
}

// revive makes delivered events of dead letters.
func (b *batch) revive(c conn, delivered *attempts, at []int64) error {
	if len(delivered.ids) == 0 {
		return nil
	}
	if b.store.records() {
		if err := b.record(c, reviveEvents, delivered.args(at, delivered.apps, delivered.ids)); err != nil {
			return err
		}
	}
	if err := b.store.step("settle"); err != nil {
		return err
	}
	var apps []int64
	var ids [][]byte
	err := c.each(deleteDead, func(i int, _ row) error {
		b.tallies.add(uint32(delivered.apps[i]), tally{dead: -1})
		apps, ids = append(apps, delivered.apps[i]), append(ids, delivered.ids[i])
		return nil
	}, delivered.apps, delivered.ids)
	if err != nil || len(ids) == 0 || b.store.records() {
		return err
	}
	if err := forget(c, apps, ids); err != nil {
		return err
	}
	return c.each(deleteAttempts, nil, apps, ids)
}
