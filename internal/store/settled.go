package store

var (
	deleteEvents = set{
		one: `DELETE FROM event WHERE sdkappid = $1 AND owner = $2 AND seq = $3
			RETURNING created_ms, id, attempts > 0 OR reason <> ''`,
		all: `DELETE FROM event e USING unnest($1::bigint[], $2::text[], $3::bigint[]) WITH ORDINALITY AS j(sdkappid, owner, seq, i)
			WHERE ` + sameEvent + `
			RETURNING j.i, e.created_ms, e.id, CASE WHEN e.attempts > 0 OR e.reason <> '' THEN 1::bigint ELSE 0 END`,
	}
	recordEvents = set{
		one: `INSERT INTO record (` + carried + `, ` + attemptFields + `, attempts, settled_ms, replayed, kept, size)
			SELECT ` + carried + `, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, ` + attemptsKept + `,
				` + recordSize + ` + octet_length($7) + octet_length($10)
			FROM event e WHERE sdkappid = $13 AND owner = $14 AND seq = $15 ON CONFLICT DO NOTHING RETURNING ` + recordBytes,
		all: `INSERT INTO record (` + carried + `, ` + attemptFields + `, attempts, settled_ms, replayed, kept, size)
			SELECT ` + carriedOfE + `, j.number, j.at, j.took, j.status, j.fault, j.reason, j.note, j.node, j.replay, j.answer,
				j.attempts, j.settled, 0, ` + attemptsKept + `, ` + recordSize + ` + octet_length(j.note) + octet_length(j.answer)
			FROM unnest(` + attemptArrays + `, $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::bigint[])
				AS j(number, at, took, status, fault, reason, note, node, replay, answer, attempts, settled, sdkappid, owner, seq)
			JOIN event e ON ` + sameEvent + `
			ON CONFLICT DO NOTHING RETURNING 0::bigint, ` + recordBytes,
	}
	buryEvents = set{
		one: `INSERT INTO dead_event (` + carried + `, attempts, reason, parked_ms)
			SELECT ` + carried + `, $1, $2, $3 FROM event WHERE sdkappid = $4 AND owner = $5 AND seq = $6 ON CONFLICT DO NOTHING`,
		all: `INSERT INTO dead_event (` + carried + `, attempts, reason, parked_ms)
			SELECT ` + carriedOfE + `, j.attempts, j.reason, j.parked
			FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[])
				AS j(attempts, reason, parked, sdkappid, owner, seq)
			JOIN event e ON ` + sameEvent + ` ON CONFLICT DO NOTHING`,
	}
	retryEvents = set{
		one: `UPDATE event SET due_ms = $1, attempts = $2, reason = $3, budget_ms = $4
			WHERE sdkappid = $5 AND owner = $6 AND seq = $7 RETURNING id`,
		all: `UPDATE event e SET due_ms = j.due, attempts = j.attempts, reason = j.reason, budget_ms = j.budget
			FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[]) WITH ORDINALITY
				AS j(due, attempts, reason, budget, sdkappid, owner, seq, i)
			WHERE ` + sameEvent + ` RETURNING j.i, e.id`,
	}
	promoteHeads = set{
		one: `UPDATE event SET due_ms = $1 WHERE sdkappid = $2 AND owner = $3 AND due_ms IS NULL
			AND seq = (SELECT min(seq) FROM event WHERE sdkappid = $2 AND owner = $3) RETURNING seq`,
		all: `UPDATE event e SET due_ms = h.due
			FROM (SELECT j.i, j.due, j.sdkappid, j.owner COLLATE "C" AS owner,
					(SELECT min(x.seq) FROM event x WHERE x.sdkappid = j.sdkappid AND x.owner = j.owner COLLATE "C") AS seq
				FROM unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY AS j(due, sdkappid, owner, i) OFFSET 0) h
			WHERE e.sdkappid = ANY (ARRAY[h.sdkappid]) AND e.owner = h.owner AND e.seq = h.seq AND e.due_ms IS NULL RETURNING h.i, e.seq`,
	}
)

const (
	// sameEvent finds the event of a row of a set.
	sameEvent = `e.sdkappid = ANY (ARRAY[j.sdkappid]) AND e.owner = j.owner COLLATE "C" AND e.seq = j.seq`
	// carried are the columns that an event keeps when it is settled.
	carried    = `sdkappid, owner, seq, id, kind, targets, detail, client_ip, platform, trace, created_ms`
	carriedOfE = `e.sdkappid, e.owner, e.seq, e.id, e.kind, e.targets, e.detail, e.client_ip, e.platform, e.trace, e.created_ms`
	// attemptsKept counts the failed attempts of an event. One that is delivered at the first has none.
	attemptsKept = `CASE WHEN e.attempts = 0 AND e.reason = '' THEN 0
		ELSE (SELECT count(*) FROM attempt a WHERE a.sdkappid = e.sdkappid AND a.id = e.id) END`
	// recordSize is what a row of record is taken to occupy, with its indexes, besides the final attempt's texts.
	recordSize = `200 + 2 * octet_length(e.owner) + octet_length(e.targets) + octet_length(e.detail) + octet_length(e.platform)`
	// recordBytes tells whose a row of record is, and its size: a row of attempt is taken to occupy 200 bytes.
	recordBytes = `sdkappid, size + 200 * kept`
)
