package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/pgtest"
)

// PostgreSQL keeps the plan that it made while a table was empty, when all indexes seem alike; a prefix of the wrong one
// then reads every row of an app for each row that is wanted.
func TestPostgresFindsRowsByKey(t *testing.T) {
	s, err := Open(t.Context(), Options{URL: pgtest.NewDatabase(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	statements := map[string]string{"selectAttempts": selectAttempts, "selectFinal": selectFinal, "selectOldest": selectOldest}
	for _, t := range []table{queuedTable, recordTable, deadTable} {
		for _, owner := range []string{"", "a"} {
			q := search{owner: owner, newest: true}
			statements["search of "+t.name+", owner "+owner], _, _ = q.statement(t)
		}
		statements["one of "+t.name] = t.selectOne()
	}
	for name, q := range map[string]set{
		"selectQueued": selectQueued, "deleteEvents": deleteEvents, "recordEvents": recordEvents, "buryEvents": buryEvents,
		"retryEvents": retryEvents, "promoteHeads": promoteHeads, "deleteRecords": deleteRecords, "deleteAttempts": deleteAttempts,
		"addReplays": addReplays, "countReplays": countReplays, "addFailures": addFailures, "reviveEvents": reviveEvents, "deleteDead": deleteDead,
	} {
		statements[name] = q.all
	}
	for name, q := range statements {
		nulls := 0
		for strings.Contains(q, fmt.Sprintf("$%d", nulls+1)) {
			nulls++
		}
		wrong := []string{"Seq Scan", "Filter: (owner", "Filter: (id"}
		if strings.Contains(q, "unnest") {
			wrong = []string{"Seq Scan", "event_id", "event_due", "record_owner", "dead_event_owner"}
		}
		text := fmt.Sprintf("PREPARE x AS %s; EXPLAIN EXECUTE x(%s); DEALLOCATE x", q, strings.Repeat("NULL, ", nulls-1)+"NULL")
		err := s.alone(t.Context(), func(c conn) error {
			results, err := c.(postgresConn).tx.Conn().PgConn().Exec(t.Context(), text).ReadAll()
			for _, result := range results {
				for _, row := range result.Rows {
					for _, bad := range wrong {
						if strings.Contains(string(row[0]), bad) {
							t.Errorf("%s: %s", name, row[0])
						}
					}
				}
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
