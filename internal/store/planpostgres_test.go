package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/kithchat/kith/internal/pgtest"
)

// postgresStatements are those of the common path, for many rows where they have a spelling for that.
func postgresStatements() map[string]string {
	statements := map[string]string{
		"selectAttempts": selectAttempts, "selectFinal": selectFinal, "selectOldest": selectOldest, "selectDue": selectDue,
		"selectNextDue": selectNextDue, "selectFollowing": selectFollowing, "selectPage": selectPage, "selectOnlineOf": selectOnlineOf,
	}
	for _, t := range []table{queuedTable, recordTable, deadTable} {
		for _, owner := range []string{"", "a"} {
			q := search{owner: owner, newest: true}
			statements["search of "+t.name+", owner "+owner], _, _ = q.statement(t)
		}
		statements["one of "+t.name] = t.selectOne()
	}
	for name, q := range map[string]set{
		"selectAccounts": selectAccounts, "updateAccounts": updateAccounts, "deleteAccounts": deleteAccounts,
		"selectPairs": selectPairs, "deletePairs": deletePairs, "shrinkLists": shrinkLists, "deleteOnline": deleteOnline,
		"selectQueued": selectQueued, "deleteEvents": deleteEvents, "recordEvents": recordEvents, "buryEvents": buryEvents,
		"retryEvents": retryEvents, "promoteHeads": promoteHeads, "deleteRecords": deleteRecords, "deleteAttempts": deleteAttempts,
		"thinAttempts": thinAttempts, "addReplays": addReplays, "countReplays": countReplays, "addFailures": addFailures,
		"reviveEvents": reviveEvents, "deleteDead": deleteDead, "deleteReplays": deleteReplays,
	} {
		statements[name] = q.all
	}
	for _, q := range sweepApps {
		statements[q] = q
	}
	return statements
}

// fillPostgres puts some rows into the tables that the statements are about.
const fillPostgres = `
	INSERT INTO account SELECT 7, 'owner' || i, i, 0, 0, 0, 0, 0 FROM generate_series(1, 2000) i;
	INSERT INTO block SELECT i % 100, i, i, 0 FROM generate_series(1, 2000) i;
	INSERT INTO online SELECT i, 'device', '', '' FROM generate_series(1, 2000) i;
	INSERT INTO replay SELECT i::text, 7, '' FROM generate_series(1, 2000) i;
	INSERT INTO event (sdkappid, owner, seq, id, kind, targets, client_ip, platform, created_ms, due_ms)
		SELECT 7, 'owner' || i % 100, i, uuid_send(gen_random_uuid()), '', '', '', '', 0, CASE WHEN i < 100 THEN 1 END FROM generate_series(1, 2000) i;
	INSERT INTO dead_event (sdkappid, owner, seq, id, kind, targets, client_ip, platform, created_ms, attempts, reason, parked_ms)
		SELECT 7, owner, seq, id, '', '', '', '', 0, 1, '', 1 FROM event;
	INSERT INTO record SELECT sdkappid, id, owner, seq, '', '', '', '', '', '', 0, 1, 1, 1, 1, 1, 200, 0, '', '', '', '', '', 0, 0, 200 FROM event;
	INSERT INTO attempt SELECT sdkappid, id, 1, 1, 1, 200, 0, '', '', '', '', '' FROM event;`

const emptyPostgres = `DELETE FROM account; DELETE FROM block; DELETE FROM online; DELETE FROM replay; DELETE FROM event;
	DELETE FROM dead_event; DELETE FROM record; DELETE FROM attempt;`

// runPostgres runs statements on the writing connection.
func runPostgres(t *testing.T, s *Store, text string) (results []*pgconn.Result) {
	t.Helper()
	err := s.alone(t.Context(), func(c conn) (err error) {
		results, err = c.(postgresConn).tx.Conn().PgConn().Exec(t.Context(), text).ReadAll()
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return results
}

// PostgreSQL keeps the plan that it made while a table was empty, when all indexes seem alike, and so does going through all of
// it: a prefix of the wrong index, or a comparison of each row with each key, then reads every row for each that is wanted.
func TestPostgresFindsRowsByKey(t *testing.T) {
	s, err := Open(t.Context(), Options{URL: pgtest.NewDatabase(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	checkPlans(t, s, "never analyzed")
	runPostgres(t, s, fillPostgres+"ANALYZE")
	checkPlans(t, s, "full")
	runPostgres(t, s, emptyPostgres+"ANALYZE")
	checkPlans(t, s, "analyzed while empty")
	runPostgres(t, s, fillPostgres)
	checkPlans(t, s, "full since it was analyzed while empty")
}

func checkPlans(t *testing.T, s *Store, state string) {
	t.Helper()
	for name, q := range postgresStatements() {
		nulls := 0
		for strings.Contains(q, fmt.Sprintf("$%d", nulls+1)) {
			nulls++
		}
		wrong := []string{"Seq Scan", "Bitmap", "Join Filter", "Filter: (owner", "Filter: (id"}
		switch {
		case strings.Contains(q, "unnest"):
			wrong = append(wrong, "event_id", "event_due", "record_owner", "dead_event_owner")
		case strings.Contains(q, "ORDER BY"):
			wrong = append(wrong, "Sort")
		}
		if strings.Contains(q, "unnest") {
			wrong = append(wrong, "Filter: ((owner", "Filter: (seq", "Filter: ((seq", "Filter: ((id", "Filter: (userid", "Filter: (place", "Filter: (device")
		}
		text := fmt.Sprintf("PREPARE x AS %s; EXPLAIN EXECUTE x(%s); DEALLOCATE x", q, strings.Repeat("NULL, ", nulls-1)+"NULL")
		for _, result := range runPostgres(t, s, text) {
			for _, row := range result.Rows {
				for _, bad := range wrong {
					if strings.Contains(string(row[0]), bad) {
						t.Errorf("%s: %s: %s", state, name, row[0])
					}
				}
			}
		}
	}
}
