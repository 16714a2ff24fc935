package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
	_ "modernc.org/sqlite"
)

func openDir(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// testApp is an app whose callbacks are on.
func testApp() relation.App {
	return relation.App{
		SDKAppID: 1600077123, Name: "test", Admins: []string{"administrator"},
		Callback: relation.Callback{URL: "http://127.0.0.1:9/callback"}, Updated: time.UnixMilli(1767225600000),
	}
}

func importAccounts(t *testing.T, s *store.Store, app uint32, ids ...string) {
	t.Helper()
	cmd := relation.AccountImport{SDKAppID: app}
	for _, id := range ids {
		cmd.Profiles = append(cmd.Profiles, relation.Profile{UserID: id})
	}
	if _, err := relation.NewService(s, nil).Import(context.WithoutCancel(t.Context()), cmd); err != nil {
		t.Fatal(err)
	}
}

func execSQL(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, q := range statements {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func TestOpenRefusesWithASentence(t *testing.T) {
	made := func(t *testing.T, dir string) string {
		s := openDir(t, dir)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, store.DatabaseFile)
	}
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir string)
		want    string
	}{
		{"newer schema", func(t *testing.T, dir string) {
			execSQL(t, made(t, dir), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
		}, `schema version 9999 .* start the newer kith`},
		{"another program's database", func(t *testing.T, dir string) {
			execSQL(t, filepath.Join(dir, store.DatabaseFile), `CREATE TABLE songs (title TEXT)`)
		}, `database of another program; name another data directory`},
		{"no database", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, store.DatabaseFile), strings.Repeat("no database at all\n", 400))
		}, `no SQLite database; restore a backup`},
		{"damaged schema", func(t *testing.T, dir string) {
			path := made(t, dir)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 100; i < 4096; i++ {
				data[i] ^= 0x5a
			}
			write(t, path, string(data))
		}, `damaged; stop kith, keep a copy, and restore a backup`},
		{"in use", func(t *testing.T, dir string) { openDir(t, dir) }, `another kith uses the data directory .*; stop it first`},
		{"a file where the directory should be", func(t *testing.T, dir string) {
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
			write(t, dir, "")
		}, `data directory: .*; check the path and its permissions`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			tt.prepare(t, dir)
			s, err := store.Open(t.Context(), store.Options{Dir: dir})
			if err == nil {
				_ = s.Close()
				t.Fatal("opened")
			}
			if !regexp.MustCompile(tt.want).MatchString(err.Error()) {
				t.Errorf("error %q, want %q", err, tt.want)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The copy is taken while calls commit, and holds a state between two commits.
func TestBackupOfARunningStore(t *testing.T) {
	s := openDir(t, t.TempDir())
	app := seed(t, s)
	service := relation.NewService(s, nil)
	stop := make(chan struct{})
	done := make(chan error)
	go func() {
		cmd := relation.BlockCommand{App: &app, Owner: "mira.k", Targets: []string{"troll_77"}}
		for {
			for _, call := range []func(context.Context, relation.BlockCommand) ([]relation.Outcome, error){service.Block, service.Unblock} {
				if _, err := call(context.WithoutCancel(t.Context()), cmd); err != nil {
					done <- err
					return
				}
			}
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
		}
	}()
	for range 5 {
		copied := t.TempDir()
		if err := s.Backup(t.Context(), filepath.Join(copied, store.DatabaseFile)); err != nil {
			t.Fatal(err)
		}
		problems, err := store.Check(t.Context(), copied)
		if err != nil || len(problems) > 0 {
			t.Fatalf("the copy is not whole: %v %v", problems, err)
		}
		restored := openDir(t, copied)
		found, err := restored.Imported(t.Context(), relation.AccountSet{SDKAppID: app.SDKAppID, UserIDs: []string{"mira.k", "nobody"}})
		if err != nil || !found[0] || found[1] {
			t.Fatalf("the copy has %v %v", found, err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	existing := filepath.Join(t.TempDir(), "there")
	write(t, existing, "precious")
	if err := s.Backup(t.Context(), existing); err == nil {
		t.Fatal("a backup wrote over a file")
	}
}

func TestCheckFindsWhatIsBroken(t *testing.T) {
	tests := []struct{ name, damage, want string }{
		{"count", `UPDATE account SET block_count = 7 WHERE userid = 'mira.k'`, `count of a blocklist is wrong: 1600077123/mira.k: 7 counted, 1 there`},
		{"entry of no account", `DELETE FROM account WHERE userid = 'troll_77'`, `entry of no account`},
		{"no head", `UPDATE event SET due_ms = NULL`, `queue of events has no head: 1600077123/mira.k`},
		{"two heads", `INSERT INTO event SELECT sdkappid, owner, seq + 1, x'00', kind, targets, client_ip, platform, created_ms, 5, 0, '', detail, trace, budget_ms FROM event ORDER BY seq DESC LIMIT 1`, `has no head`},
		{"event number", `UPDATE account SET event_seq = 1 WHERE userid = 'mira.k'`, `numbered beyond its account`},
		{"event", `UPDATE event SET targets = '["'`, `event is damaged`},
		{"event in two places", `INSERT INTO event SELECT sdkappid, owner, seq, id, kind, targets, client_ip, platform, created_ms, 5, 0, '', detail, trace, 0 FROM record`, `in two places: 1600077123/mira.k`},
		{"attempts", `DELETE FROM attempt`, `attempts are miscounted: 1600077123/mira.k`},
		{"attempt of none", `UPDATE attempt SET sdkappid = 7`, `attempt belongs to no event: 7`},
		{"total", `UPDATE record_total SET bytes = bytes + 5, events = 0`, `record is miscounted: 1600077123: -1 events and 5 bytes`},
		{"total of one", `DELETE FROM record_total`, `record is miscounted: 1600077123: -1 events`},
		{"record", `UPDATE record SET targets = 'x'`, `event is damaged`},
		{"event of a login", `UPDATE event SET detail = '{'`, `event is damaged`},
		{"device", `INSERT INTO online VALUES (77, 'phone', 'iOS', '203.0.113.9')`, `device of no account is online: account 77, device phone`},
		{"app", `UPDATE app SET doc = '{'`, `app's record is damaged`},
		{"id", `UPDATE counter SET value = 0`, `never given out`},
		{"table", `DROP TABLE profile`, `table or index profile is missing`},
		{"index", `DROP INDEX event_due`, `table or index event_due is missing`},
		{"place", `UPDATE account SET block_place = 0 WHERE userid = 'mira.k'`, `beyond its newest place`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, store.Options{Dir: dir, Retention: time.Hour})
			app := seed(t, s)
			toggle(t, s, app)
			for _, v := range []relation.Verdict{relation.Retry, relation.Delivered} {
				if err := settleHead(s, v); err != nil {
					t.Fatal(err)
				}
			}
			toggle(t, s, app)
			toggle(t, s, app)
			if _, err := store.Check(t.Context(), dir); err == nil {
				t.Fatal("checked a directory that a server uses")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if problems, err := store.Check(t.Context(), dir); err != nil || len(problems) > 0 {
				t.Fatalf("a whole database has problems: %v %v", problems, err)
			}
			execSQL(t, filepath.Join(dir, store.DatabaseFile), tt.damage)
			problems, err := store.Check(t.Context(), dir)
			if err != nil || !strings.Contains(strings.Join(problems, "\n"), tt.want) {
				t.Errorf("problems %q, error %v; want %q", problems, err, tt.want)
			}
		})
	}
	if _, err := store.Check(t.Context(), t.TempDir()); err == nil {
		t.Error("checked an empty directory")
	}
	newer := t.TempDir()
	if err := openDir(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	execSQL(t, filepath.Join(newer, store.DatabaseFile), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	if _, err := store.Check(t.Context(), newer); err == nil || !strings.Contains(err.Error(), "schema version 9999") {
		t.Errorf("checked a newer database: %v", err)
	}
}

func userID(i int) string { return fmt.Sprintf("user%06d", i) }
