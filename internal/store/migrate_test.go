package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/kithchat/kith/internal/pgtest"
	"github.com/kithchat/kith/internal/relation"
	"github.com/pressly/goose/v3"
)

// database is one that a test migrates by hand.
type database struct {
	options Options
	dialect goose.Dialect
	dir     string
	db      *sql.DB
}

func eachDatabase(t *testing.T, run func(t *testing.T, d database)) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			d := database{options: Options{Dir: t.TempDir()}, dialect: goose.DialectSQLite3, dir: "migrations/sqlite"}
			driver, source := "sqlite", filepath.Join(d.options.Dir, DatabaseFile)
			if engine == "postgres" {
				d = database{options: Options{URL: pgtest.NewDatabase(t)}, dialect: goose.DialectPostgres, dir: "migrations/postgres"}
				driver, source = "pgx", d.options.URL
			}
			var err error
			if d.db, err = sql.Open(driver, source); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = d.db.Close() })
			run(t, d)
		})
	}
}

func (d database) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, q := range statements {
		if _, err := d.db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// migrate brings the schema to a version, up or down.
func (d database) migrate(t *testing.T, version int64) {
	t.Helper()
	files, err := fs.Sub(migrations, d.dir)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(d.dialect, d.db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	have, err := provider.GetDBVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	move := provider.UpTo
	if have > version {
		move = provider.DownTo
	}
	if _, err := move(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

// open opens the store on the database.
func (d database) open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), d.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// firstRows are what the first version left: a blocked pair, two waiting events of it and a dead letter.
func (d database) firstRows(t *testing.T) {
	t.Helper()
	blob := func(n int) string {
		hex := fmt.Sprintf("019b00000000700080000000000000%02x", n)
		if d.dialect == goose.DialectPostgres {
			return `'\x` + hex + `'`
		}
		return `x'` + hex + `'`
	}
	if d.dialect == goose.DialectSQLite3 {
		d.exec(t, fmt.Sprintf("PRAGMA application_id=%d", applicationID))
	}
	d.exec(t,
		`INSERT INTO app (sdkappid, doc) VALUES (7, '{"sdkappid":7,"name":"old","admins":["administrator"],"callback":{"url":"http://127.0.0.1:9/"}}')`,
		`UPDATE counter SET value = 256 WHERE name = 'account'`,
		`INSERT INTO account (sdkappid, userid, id, kicked_s, block_seq, block_count, block_place, event_seq)
			VALUES (7, 'mira.k', 1, 1767225600, 2, 1, 2, 268435458), (7, 'troll_77', 2, 0, 0, 0, 0, 536870912)`,
		`INSERT INTO block (owner, place, target, since_s) VALUES (1, 2, 2, 1767225661)`,
		`INSERT INTO event (sdkappid, owner, seq, id, kind, targets, client_ip, platform, created_ms, due_ms) VALUES
			(7, 'mira.k', 268435457, `+blob(1)+`, 'Sns.CallbackBlackListDelete', '["troll_77"]', '203.0.113.9', 'iOS', 1767225660000, 1767225660000),
			(7, 'mira.k', 268435458, `+blob(2)+`, 'Sns.CallbackBlackListAdd', '["troll_77"]', '203.0.113.9', 'iOS', 1767225661000, NULL)`,
		`INSERT INTO dead_event (sdkappid, owner, seq, id, kind, targets, client_ip, platform, created_ms, attempts, reason, parked_ms)
			VALUES (7, 'mira.k', 268435456, `+blob(0)+`, 'Sns.CallbackBlackListAdd', '["troll_77"]', '203.0.113.9', 'iOS', 1767225659000, 17, 'status 500', 1767225999000)`,
	)
}

// wantFirstRows wants what the first version left, whole.
func wantFirstRows(t *testing.T, s *Store) {
	t.Helper()
	page, err := s.Blocklist(t.Context(), relation.BlockQuery{SDKAppID: 7, Owner: "mira.k", Limit: 10})
	want := relation.BlockPage{Entries: []relation.BlockEntry{{UserID: "troll_77", Since: 1767225661}}, List: 1, Sequence: 2}
	if err != nil || !reflect.DeepEqual(page, want) {
		t.Errorf("list %+v %v, want %+v", page, err, want)
	}
	head, err := s.Account(t.Context(), relation.AccountKey{SDKAppID: 7, UserID: "mira.k"})
	if want := (relation.AccountHead{KickedAt: 1767225600, List: 1, Sequence: 2}); err != nil || head != want {
		t.Errorf("head %+v %v, want %+v", head, err, want)
	}
	events, err := s.Following(t.Context(), relation.EventKey{SDKAppID: 7, Owner: "mira.k"}, 10)
	if err != nil || len(events) < 2 {
		t.Fatalf("events %+v %v", events, err)
	}
	first := relation.Event{
		SDKAppID: 7, Owner: "mira.k", Seq: 268435457, ID: "019b0000-0000-7000-8000-000000000001", Head: true, Created: time.UnixMilli(1767225660000),
		NewEvent: relation.NewEvent{
			Kind: relation.EventBlockDelete, Targets: []string{"troll_77"}, Origin: relation.Origin{ClientIP: "203.0.113.9", Platform: "iOS"},
		},
	}
	if !reflect.DeepEqual(events[0], first) {
		t.Errorf("event %+v, want %+v", events[0], first)
	}
	dead, err := s.Records(t.Context(), relation.RecordQuery{SDKAppID: 7, State: relation.StateDead, Limit: 10})
	if err != nil || len(dead.Records) != 1 || dead.Records[0].Attempts != 17 || dead.Records[0].Event.State != nil {
		t.Errorf("dead letters %+v %v", dead, err)
	}
}

func TestDatabaseOfTheFirstVersionGoesOn(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		d.migrate(t, 1)
		d.firstRows(t)
		s := d.open(t)
		wantFirstRows(t, s)
		// It works on: the next event follows the old ones, and a login is recorded.
		app := relation.App{SDKAppID: 7, Callback: relation.Callback{URL: "http://127.0.0.1:9/", On: []relation.EventKind{relation.EventState}}}
		phone := relation.Device{ID: "phone", Origin: relation.Origin{ClientIP: "203.0.113.9", Platform: "iOS"}}
		if _, err := relation.NewService(s, nil).Enter(t.Context(), relation.EnterCommand{App: &app, UserID: "mira.k", Device: phone}); err != nil {
			t.Fatal(err)
		}
		events, err := s.Following(t.Context(), relation.EventKey{SDKAppID: 7, Owner: "mira.k"}, 10)
		if err != nil || len(events) != 3 || events[2].Seq != 268435459 || events[2].State == nil || events[2].Targets != nil {
			t.Errorf("events %+v %v", events, err)
		}
		var online []relation.OnlineDevice
		err = s.Online(t.Context(), func(d relation.OnlineDevice) { online = append(online, d) })
		if err != nil || len(online) != 1 || online[0].Device != phone {
			t.Errorf("online %+v %v", online, err)
		}
	})
}

// An older kith cannot tell of logins, so going back drops those events, and the next one of the owner is the head.
func TestMigrationGoesBack(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		d.migrate(t, 1)
		d.firstRows(t)
		d.migrate(t, 2)
		d.exec(t,
			`UPDATE event SET kind = 'State.StateChange', targets = 'null', detail = '{"action":"Login","reason":"Register"}' WHERE due_ms IS NOT NULL`,
			`INSERT INTO online (account, device, platform, client_ip) VALUES (1, 'phone', 'iOS', '203.0.113.9')`)
		d.migrate(t, 1)
		var seq, due int64
		if err := d.db.QueryRowContext(t.Context(), `SELECT seq, due_ms FROM event`).Scan(&seq, &due); err != nil {
			t.Fatal(err)
		}
		if seq != 268435458 || due != 1767225661000 {
			t.Errorf("the head is %d, due %d", seq, due)
		}
		_, err := d.db.ExecContext(context.WithoutCancel(t.Context()), `SELECT detail FROM event`)
		if err == nil || !strings.Contains(err.Error(), "detail") {
			t.Errorf("the column is still there: %v", err)
		}
		s := d.open(t)
		heads, err := s.Due(t.Context(), relation.DueQuery{SDKAppID: 7, Now: time.UnixMilli(1767225661000), Limit: 10})
		if err != nil || len(heads) != 1 || heads[0].More {
			t.Errorf("due %+v %v", heads, err)
		}
	})
}

// The third version knows what an older one left, says in its words what the app's retries were, and goes back.
func TestMigrationToTheRecordAndBack(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		d.migrate(t, 1)
		d.firstRows(t)
		d.exec(t,
			`INSERT INTO app (sdkappid, doc) VALUES (8, '{"sdkappid":8,"name":"\"no_retry\":true","callback":{"url":"http://127.0.0.1:9/","no_retry":true}}')`,
			`INSERT INTO app (sdkappid, doc, deleting) VALUES (9, '', 1)`)
		d.migrate(t, 2)
		d.migrate(t, 3)
		retries := func() (texts []string) {
			rows, err := d.db.QueryContext(t.Context(), `SELECT doc FROM app WHERE deleting = 0 ORDER BY sdkappid`)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = rows.Close() }()
			for rows.Next() {
				var doc string
				var app struct {
					Callback struct {
						Retry   string `json:"retry"`
						NoRetry bool   `json:"no_retry"`
					}
				}
				if err := rows.Scan(&doc); err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal([]byte(doc), &app); err != nil {
					t.Fatal(err)
				}
				texts = append(texts, fmt.Sprint(app.Callback))
			}
			return texts
		}
		if got, want := retries(), []string{"{ false}", "{off false}"}; !reflect.DeepEqual(got, want) {
			t.Errorf("retries %v, want %v", got, want)
		}
		d.migrate(t, 2)
		if got, want := retries(), []string{"{ false}", "{ true}"}; !reflect.DeepEqual(got, want) {
			t.Errorf("after going back: %v, want %v", got, want)
		}
		s := d.open(t)
		wantFirstRows(t, s)
		apps, err := s.Apps(t.Context())
		if err != nil || len(apps) != 2 || apps[1].Callback.RetryPolicy() != relation.RetryOff {
			t.Errorf("apps %+v %v", apps, err)
		}
		page, err := s.Records(t.Context(), relation.RecordQuery{SDKAppID: 7, Limit: 10})
		if err != nil || len(page.Records) != 3 || page.Records[2].State != relation.StateDead || page.Records[1].Due.IsZero() {
			t.Errorf("records %+v %v", page, err)
		}
		// Ids go on behind the newest that is there, though the clock is before its time.
		cmd := relation.BlockCommand{App: &apps[0], Owner: "mira.k", Targets: []string{"troll_77"}}
		early := relation.NewService(s, func() time.Time { return time.UnixMilli(1) })
		if _, err := early.Unblock(t.Context(), cmd); err != nil {
			t.Fatal(err)
		}
		events, err := s.Following(t.Context(), relation.EventKey{SDKAppID: 7, Owner: "mira.k"}, 10)
		if err != nil || len(events) != 3 || events[2].ID <= events[1].ID {
			t.Errorf("events %+v %v", events, err)
		}
	})
}
