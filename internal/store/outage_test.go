package store_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/kithchat/kith/internal/pgtest"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// eventually polls, since a recovery comes by itself.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
		time.Sleep(20 * time.Millisecond) // the recovery is that of another process or a background probe
	}
}

// A full disk shows in Ready, and so does the end of it, without any call.
func TestReadyFollowsTheDisk(t *testing.T) {
	s := openDir(t, t.TempDir())
	app := seed(t, s)
	if err := s.Ready(); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(t.Context(), "PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	var full error // read once: a second later the store tries again with a commit that needs no room
	for i := 0; full == nil && i < 10000; i++ {
		cmd := relation.AccountImport{SDKAppID: app.SDKAppID}
		for k := range 100 {
			cmd.Profiles = append(cmd.Profiles, relation.Profile{UserID: userID(i*100 + k), Nick: strings.Repeat("n", 400)})
		}
		_, _ = relation.NewService(s, nil).Import(t.Context(), cmd)
		full = s.Ready()
	}
	if full == nil || !strings.Contains(full.Error(), "disk is full") {
		t.Fatalf("ready: %v, want a full disk", full)
	}
	if err := s.Exec(t.Context(), "PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ready again", func() bool { return s.Ready() == nil })
}

// A database that goes away while nobody changes anything shows in Ready as soon as due events cannot be read.
func TestReadyFollowsReads(t *testing.T) {
	server := pgtest.Start(t, pgtest.Options{})
	s := open(t, store.Options{URL: server.NewDatabase(t)})
	app := seed(t, s)
	server.Kill(t)
	_, err := s.Due(t.Context(), relation.DueQuery{SDKAppID: app.SDKAppID, Now: time.Now(), Limit: 1})
	if !errors.Is(err, relation.ErrUnavailable) {
		t.Fatalf("due events of a database that is away: %v", err)
	}
	eventually(t, "not ready", func() bool { return s.Ready() != nil })
	server.Restart(t)
	eventually(t, "ready again", func() bool { return s.Ready() == nil })
}

// asAdmin runs a statement on a connection of its own.
func asAdmin(t *testing.T, url, q string, args ...any) {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["default_transaction_read_only"] = "off"
	c, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(t.Context()) }()
	if _, err := c.Exec(t.Context(), q, args...); err != nil {
		t.Fatal(err)
	}
}

const terminateKith = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'kith'`

func TestPromise6LostConnection(t *testing.T) {
	url := pgtest.NewDatabase(t)
	s := open(t, store.Options{URL: url})
	app := seed(t, s)
	asAdmin(t, url, terminateKith)
	if err := block(s, app); err != nil {
		t.Fatalf("the first call after a lost connection: %v", err)
	}
	if change, event := state(t, s); !change || !event {
		t.Errorf("change there %v, event there %v", change, event)
	}
}

// After a failover a session may find itself on a server that cannot write; it must not be kept.
func TestReadOnlySessionIsGivenUp(t *testing.T) {
	url := pgtest.NewDatabase(t)
	s := open(t, store.Options{URL: url})
	app := seed(t, s)
	setReadOnly := `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`
	reset := `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$`
	asAdmin(t, url, setReadOnly)
	asAdmin(t, url, terminateKith)
	if err := block(s, app); !errors.Is(err, relation.ErrUnavailable) {
		t.Fatalf("error %v, want ErrUnavailable", err)
	}
	if s.Ready() == nil {
		t.Error("ready on a read-only server")
	}
	asAdmin(t, url, reset)
	eventually(t, "a change", func() bool { return block(s, app) == nil })
}

// A server that hangs must not keep Close from returning.
func TestCloseCutsOffACommitThatHangs(t *testing.T) {
	server := pgtest.Start(t, pgtest.Options{})
	url := server.NewDatabase(t)
	s := open(t, store.Options{URL: url})
	app := seed(t, s)
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(t.Context()) }()
	rows, err := c.Query(t.Context(), `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'kith'`)
	if err != nil {
		t.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil || len(pids) == 0 {
		t.Fatalf("backends %v %v", pids, err)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	}
	answer := make(chan error, 1)
	go func() { answer <- block(s, app) }()
	eventually(t, "not ready", func() bool { return s.Ready() != nil })
	closed := make(chan struct{})
	go func() { _ = s.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(2 * time.Minute):
		t.Fatal("Close still waits")
	}
	if err := <-answer; !errors.Is(err, relation.ErrUnavailable) {
		t.Errorf("the call that hung: %v, want ErrUnavailable", err)
	}
}
