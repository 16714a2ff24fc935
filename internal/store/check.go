package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"zombiezen.com/go/sqlite"
)

// maxProblems bounds what Check reports for each rule.
const maxProblems = 20

// invariant is a rule about the data and the query that finds rows that break it; each row is one text.
type invariant struct{ broken, query string }

var invariants = []invariant{
	{"the count of a blocklist is wrong", `SELECT a.sdkappid || '/' || a.userid || ': ' || a.block_count || ' counted, ' ||
		(SELECT count(*) FROM block WHERE owner = a.id) || ' there' FROM account a
		WHERE a.block_count <> (SELECT count(*) FROM block WHERE owner = a.id)`},
	{"a blocklist has an entry of no account", `SELECT 'owner ' || owner || ', target ' || target FROM block
		WHERE NOT EXISTS (SELECT 1 FROM account WHERE id = owner) AND NOT EXISTS (SELECT 1 FROM gone WHERE id = owner)
		OR NOT EXISTS (SELECT 1 FROM account WHERE id = target) AND NOT EXISTS (SELECT 1 FROM gone WHERE id = target)`},
	{"a blocklist has an entry beyond its newest place", `SELECT a.sdkappid || '/' || a.userid || ': place ' || b.place
		FROM block b JOIN account a ON a.id = b.owner WHERE b.place > a.block_place`},
	{"a queue of events has no head", `SELECT sdkappid || '/' || owner FROM event GROUP BY sdkappid, owner
		HAVING max(CASE WHEN due_ms IS NULL THEN 0 ELSE seq END) <> min(seq)`},
	{"an event is numbered beyond its account", `SELECT e.sdkappid || '/' || e.owner || ': event ' || e.seq
		FROM event e JOIN account a ON a.sdkappid = e.sdkappid AND a.userid = e.owner WHERE e.seq > a.event_seq`},
	{"an event is damaged", `SELECT sdkappid || '/' || owner || ': event ' || seq FROM event
		WHERE length(id) <> 16 OR NOT json_valid(targets) OR detail <> '' AND NOT json_valid(detail)`},
	{"an event is damaged", `SELECT sdkappid || '/' || owner || ': event ' || seq FROM record
		WHERE length(id) <> 16 OR NOT json_valid(targets) OR detail <> '' AND NOT json_valid(detail)`},
	{"an event is in two places", `SELECT r.sdkappid || '/' || r.owner || ': event ' || r.seq FROM record r
		WHERE EXISTS (SELECT 1 FROM event e WHERE e.sdkappid = r.sdkappid AND e.id = r.id)
		OR EXISTS (SELECT 1 FROM dead_event d WHERE d.sdkappid = r.sdkappid AND d.id = r.id)`},
	{"an event's attempts are miscounted", `SELECT sdkappid || '/' || owner || ': event ' || seq FROM record r
		WHERE kept <> (SELECT count(*) FROM attempt a WHERE a.sdkappid = r.sdkappid AND a.id = r.id)`},
	{"an attempt belongs to no event", `SELECT sdkappid || ': ' || hex(id) FROM attempt a
		WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.sdkappid = a.sdkappid AND r.id = a.id)
		AND NOT EXISTS (SELECT 1 FROM event e WHERE e.sdkappid = a.sdkappid AND e.id = a.id)
		AND NOT EXISTS (SELECT 1 FROM dead_event d WHERE d.sdkappid = a.sdkappid AND d.id = a.id)`},
	{"the record is miscounted", `SELECT sdkappid || ': ' || sum(events) || ' events and ' || sum(bytes) || ' bytes too many or few' FROM (
		SELECT sdkappid, events, bytes FROM record_total
		UNION ALL SELECT sdkappid, -count(*), -sum(size + 200 * kept) FROM record GROUP BY sdkappid
		) GROUP BY sdkappid HAVING sum(events) <> 0 OR sum(bytes) <> 0`},
	{"a replay is damaged", `SELECT id FROM replay WHERE NOT json_valid(doc)`},
	{"a device of no account is online", `SELECT 'account ' || account || ', device ' || device FROM online
		WHERE NOT EXISTS (SELECT 1 FROM account WHERE id = account) AND NOT EXISTS (SELECT 1 FROM gone WHERE id = account)`},
	{"an app's record is damaged", `SELECT sdkappid FROM app WHERE deleting = 0 AND NOT json_valid(doc)`},
	{"an account has an id that was never given out", `SELECT sdkappid || '/' || userid || ': id ' || id FROM account
		WHERE id > (SELECT value FROM counter WHERE name = 'account')`},
}

// Check verifies the SQLite database in a data directory that no server uses: the file's own integrity, then the rules
// that the store keeps. It changes nothing and returns a sentence for each problem, none when all is well. An error
// means that it could not look.
func Check(ctx context.Context, dir string) (problems []string, err error) {
	path := filepath.Join(dir, DatabaseFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no database in %s; name the data directory of a kith server that has its database there, not in PostgreSQL", dir)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("%w; or check a copy made with kith backup", err)
	}
	defer func() { _ = lock.Close() }()
	if created, err := inspectSQLite(path); err != nil || created {
		return nil, errors.Join(err, emptyError(path, created))
	}
	c, err := openSQLiteConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, describeSQLite(path, err)
	}
	defer func() { _ = c.c.Close() }()
	c.c.SetInterrupt(ctx.Done())
	if err := checkVersion(c); err != nil {
		return nil, err
	}
	problems, err = integrity(c)
	if err == nil && len(problems) == 0 {
		problems, err = schema(c)
	}
	if err != nil || len(problems) > 0 {
		return problems, readError(ctx, path, err)
	}
	for _, rule := range invariants {
		found, err := rule.check(c)
		if err != nil {
			return problems, readError(ctx, path, err)
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

// checkVersion refuses a database of another version, which has rules of its own.
func checkVersion(c sqliteConn) error {
	newest, err := newestVersion("migrations/sqlite")
	if err != nil {
		return err
	}
	var have int64
	err = c.query("SELECT max(version_id) FROM goose_db_version", func(r row) error { return r.scan(&have) })
	if err != nil {
		return fmt.Errorf("the database has no schema version; it was not made by kith: %w", err)
	}
	if have != newest {
		return fmt.Errorf("the database has schema version %d and this kith checks version %d; use the kith that made it", have, newest)
	}
	return nil
}

// created finds what the migrations create.
var created = regexp.MustCompile(`(?m)^CREATE (?:UNIQUE )?(?:TABLE|INDEX) (\w+)`)

// schema looks for tables and indexes that are missing.
func schema(c sqliteConn) (problems []string, err error) {
	there := make(map[string]bool)
	err = c.query("SELECT name FROM sqlite_schema", func(r row) error {
		var name string
		err := r.scan(&name)
		there[name] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(migrations, "migrations/sqlite/*.sql")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := fs.ReadFile(migrations, file)
		if err != nil {
			return nil, err
		}
		for _, m := range created.FindAllSubmatch(text, -1) {
			if name := string(m[1]); !there[name] {
				problems = append(problems, "the table or index "+name+" is missing; restore a backup")
			}
		}
	}
	return problems, nil
}

func emptyError(path string, empty bool) error {
	if !empty {
		return nil
	}
	return fmt.Errorf("%s is empty", path)
}

func integrity(c sqliteConn) (problems []string, err error) {
	err = c.query("PRAGMA integrity_check", func(r row) error {
		var line string
		err := r.scan(&line)
		if line != "ok" {
			problems = append(problems, "the file is damaged: "+line+"; restore a backup")
		}
		return err
	})
	return problems, err
}

func (v invariant) check(c sqliteConn) (problems []string, err error) {
	err = c.query(fmt.Sprintf("SELECT * FROM (%s) LIMIT %d", v.query, maxProblems), func(r row) error {
		var what string
		err := r.scan(&what)
		problems = append(problems, v.broken+": "+what)
		return err
	})
	return problems, err
}
