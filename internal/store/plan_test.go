package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
)

// Every statement of the common path must find its rows by key: then removing one entry of a thousand costs what
// removing the only one costs, and a page costs its length.
func TestStatementsFindRowsByKey(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	statements := map[string]string{"selectPage": selectPage, "selectOnlineOf": selectOnlineOf, "selectAttempts": selectAttempts, "selectFinal": selectFinal, "selectOldest": selectOldest, "selectLists": selectLists}
	for _, t := range []table{queuedTable, recordTable, deadTable} {
		for _, newest := range []bool{true, false} {
			for _, owner := range []string{"", "a"} {
				q := search{owner: owner, newest: newest}
				statements[fmt.Sprintf("search of %s, newest %v, owner %q", t.name, newest, owner)], _, _ = q.statement(t)
			}
		}
		statements["one of "+t.name] = t.selectOne()
	}
	for name, s := range map[string]set{
		"selectAccounts": selectAccounts, "updateAccounts": updateAccounts, "deleteAccounts": deleteAccounts,
		"selectPairs": selectPairs, "deletePairs": deletePairs, "selectQueued": selectQueued, "deleteEvents": deleteEvents,
		"buryEvents": buryEvents, "retryEvents": retryEvents, "promoteHeads": promoteHeads, "shrinkLists": shrinkLists,
		"deleteOnline": deleteOnline, "recordEvents": recordEvents, "deleteAttempts": deleteAttempts, "deleteRecords": deleteRecords,
		"addReplays": addReplays, "countReplays": countReplays, "addFailures": addFailures, "reviveEvents": reviveEvents, "deleteDead": deleteDead,
	} {
		statements[name] = s.one
	}
	c, err := openSQLiteConn(filepath.Join(s.options.Dir, DatabaseFile), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.c.Close() })
	for name, q := range statements {
		searches := 0
		err := c.query("EXPLAIN QUERY PLAN "+q, func(r row) error {
			var id, parent, unused int64
			var detail string
			if err := r.scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			if strings.HasPrefix(detail, "SCAN") || strings.Contains(detail, "TEMP B-TREE") {
				return fmt.Errorf("%s", detail)
			}
			if strings.HasPrefix(detail, "SEARCH") {
				searches++
			}
			return nil
		})
		if err != nil || searches == 0 {
			t.Errorf("%s reads more than its rows: %v, %d searches", name, err, searches)
		}
	}
}
