package pgtest

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		runChild()
	}
	goleak.VerifyTestMain(Suite{m})
}

// connect opens a connection that is closed when t ends.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// query returns the one value of a query.
func query[T any](t *testing.T, conn *pgx.Conn, sql string) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func TestNewDatabaseIsFreshAndDropped(t *testing.T) {
	var first string
	t.Run("one", func(t *testing.T) {
		first = NewDatabase(t)
		conn := connect(t, first)
		if _, err := conn.Exec(t.Context(), "CREATE TABLE mark (id int)"); err != nil {
			t.Fatal(err)
		}
	})
	second := NewDatabase(t)
	if first == second {
		t.Fatalf("two tests got the same database %s", first)
	}
	conn := connect(t, second)
	if n := query[int](t, conn, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); n != 0 {
		t.Errorf("a new database has %d tables", n)
	}
	u, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	if n := query[int](t, conn, "SELECT count(*) FROM pg_database WHERE datname = '"+name+"'"); n != 0 {
		t.Errorf("database %s is still there after its test", name)
	}
}

func TestNewDatabaseUsesTheNamedServer(t *testing.T) {
	s := Start(t, Options{NoSync: true})
	t.Setenv("KITH_TEST_POSTGRES", s.cluster.url("postgres"))
	conn := connect(t, NewDatabase(t))
	if got := query[string](t, conn, "SHOW unix_socket_directories"); got != s.cluster.dir {
		t.Errorf("the database is on the server in %s, want %s", got, s.cluster.dir)
	}
}

func TestClusterSettings(t *testing.T) {
	s := Start(t, Options{Settings: []string{"work_mem=7MB"}})
	conn := connect(t, s.NewDatabase(t))
	for name, want := range map[string]string{
		"fsync":              "on",
		"synchronous_commit": "on",
		"listen_addresses":   "",
		"work_mem":           "7MB",
		"server_encoding":    "UTF8",
		"is_superuser":       "on",
	} {
		if got := query[string](t, conn, "SHOW "+name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestCrashKeepsWhatWasCommitted(t *testing.T) {
	s := Start(t, Options{})
	db := s.NewDatabase(t)
	conn := connect(t, db)
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 42 AS id"); err != nil {
		t.Fatal(err)
	}
	s.Kill(t)
	if c, err := pgx.Connect(t.Context(), db); err == nil {
		_ = c.Close(t.Context())
		t.Fatal("a killed server still answers")
	}
	s.Restart(t)
	if got := query[int](t, connect(t, db), "SELECT id FROM kept"); got != 42 {
		t.Errorf("after the crash: %d, want 42", got)
	}
	s.Restart(t)
	if got := query[int](t, connect(t, db), "SELECT id FROM kept"); got != 42 {
		t.Errorf("after the restart: %d, want 42", got)
	}
}

func TestRemoveLeavesNothing(t *testing.T) {
	var c *cluster
	t.Run("run", func(t *testing.T) { c = Start(t, Options{NoSync: true}).cluster })
	if _, err := os.Stat(c.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", c.dir, err)
	}
	if c.server != nil {
		t.Error("the server still runs")
	}
}

func TestNewestServer(t *testing.T) {
	root := t.TempDir()
	for _, v := range []string{"9.6", "15", "pgsql-16", "17"} {
		bin := filepath.Join(root, v, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"initdb", "postgres"} {
			if v == "17" && name == "postgres" {
				continue // only the client tools of 17
			}
			if err := os.WriteFile(filepath.Join(bin, name), nil, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := newestServer(filepath.Join(root, "*", "bin"))
	if want := filepath.Join(root, "pgsql-16", "bin"); got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := newestServer(filepath.Join(root, "none", "*")); !errors.Is(err, errNoBinaries) {
		t.Errorf("got %v, want errNoBinaries", err)
	}
}

func TestWithDatabase(t *testing.T) {
	got, err := withDatabase("postgres://u:secret@db.test:5433/postgres?sslmode=disable", "x")
	if want := "postgres://u:secret@db.test:5433/x?sslmode=disable"; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, bad := range []string{"host=db.test password=secret", "postgres://u:secret@db.test:port/postgres"} {
		if _, err := withDatabase(bad, "x"); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got error %v, want one without the password", bad, err)
		}
	}
}

// childEnv makes the test program play the test process that gets killed: its value is the file for the server's pid.
const childEnv = "KITH_PGTEST_CHILD"

// runChild starts the shared cluster, writes down its pid and waits to be killed.
func runChild() {
	Main(runFunc(func() int {
		c, err := sharedCluster()
		if err != nil {
			panic(err)
		}
		file := os.Getenv(childEnv)
		pid := c.dir + "\n" + strconv.Itoa(c.server.os.Pid)
		if err := errors.Join(os.WriteFile(file+".new", []byte(pid), 0o600), os.Rename(file+".new", file)); err != nil {
			panic(err)
		}
		select {} // until killed
	}))
}

// runFunc is a Tests made of a function.
type runFunc func() int

func (f runFunc) Run() int { return f() }

// eventually fails t unless the condition holds within a minute. It watches other processes, which send no signal.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("after a minute, not yet: %s", what)
		case <-tick.C:
		}
	}
}
