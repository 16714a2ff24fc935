package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/pgtest"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// steps are the points of a commit where a failure is injected. What fails before committed leaves nothing behind; a
// failure after it leaves all.
var steps = []string{"begin", "read", "write", "commit", "committed"}

// engines opens a fresh database of each engine; the options are completed with where it is.
func engines(t *testing.T, run func(t *testing.T, o store.Options)) {
	t.Run("sqlite", func(t *testing.T) { run(t, store.Options{Dir: t.TempDir()}) })
	t.Run("postgres", func(t *testing.T) { run(t, store.Options{URL: pgtest.NewDatabase(t)}) })
}

func open(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// seed makes an app with two accounts.
func seed(t *testing.T, s *store.Store) relation.App {
	t.Helper()
	app := testApp()
	if err := s.CreateApp(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	importAccounts(t, s, app.SDKAppID, "mira.k", "troll_77")
	return app
}

func block(s *store.Store, app relation.App) error {
	cmd := relation.BlockCommand{App: &app, Owner: "mira.k", Targets: []string{"troll_77"}}
	_, err := relation.NewService(s, nil).Block(context.Background(), cmd)
	return err
}

// state tells whether the change is there, and whether its event is.
func state(t *testing.T, s *store.Store) (change, event bool) {
	t.Helper()
	app := testApp()
	q := relation.BlockQuery{SDKAppID: app.SDKAppID, Owner: "mira.k", Limit: 10}
	page, err := s.Blocklist(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Following(t.Context(), relation.EventKey{SDKAppID: app.SDKAppID, Owner: "mira.k"}, 10)
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Entries) == 1, len(events) == 1
}

// faultAt makes each commit of the store fail at the step that is stored, none at first.
func faultAt(o *store.Options) *atomic.Value {
	var failing atomic.Value
	failing.Store("")
	o.Fault = func(step string) error {
		if step == failing.Load() {
			return errors.New("injected")
		}
		return nil
	}
	return &failing
}

func TestPromise1FailedCommitLeavesBothOrNeither(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		failing := faultAt(&o)
		s := open(t, o)
		app := seed(t, s)
		for _, step := range steps {
			failing.Store(step)
			if err := block(s, app); !errors.Is(err, relation.ErrUnavailable) {
				t.Fatalf("%s: error %v, want ErrUnavailable", step, err)
			}
			failing.Store("")
			change, event := state(t, s)
			if want := step == "committed"; change != want || event != want {
				t.Errorf("a failure at %s: change there %v, event there %v; want %v for both", step, change, event, want)
			}
		}
		// The lost answer left an event that nobody counted; the next commit finds it.
		importAccounts(t, s, app.SDKAppID, "lia")
		stats, err := s.OutboxStats(t.Context())
		if err != nil || len(stats) != 1 || stats[0].Waiting != 1 {
			t.Errorf("outbox %v %v, want one waiting event", stats, err)
		}
	})
}

// A child process is killed at a step of its commit; what it left is looked at after a restart.
func TestPromise6KillAtEachStep(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		s := open(t, o)
		seed(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for _, step := range steps {
			die(t, o, step, "block")
			s := open(t, o)
			change, event := state(t, s)
			if want := step == "committed"; change != want || event != want {
				t.Errorf("killed at %s: change there %v, event there %v; want %v for both", step, change, event, want)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

const killStep, killDir, killURL, killCall = "KITH_TEST_KILL_STEP", "KITH_TEST_KILL_DIR", "KITH_TEST_KILL_URL", "KITH_TEST_KILL_CALL"

// die has a child process killed at a step of a call.
func die(t *testing.T, o store.Options, step, call string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), killStep+"="+step, killDir+"="+o.Dir, killURL+"="+o.URL, killCall+"="+call)
	out, err := child.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s: the child was not killed: %v\n%s", step, err, out)
	}
}

// dieAt is the child: it makes the call and kills itself at the step.
func dieAt(step string) error {
	var armed atomic.Bool
	o := store.Options{Dir: os.Getenv(killDir), URL: os.Getenv(killURL), Retention: time.Hour, Fault: func(s string) error {
		if armed.Load() && s == step {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				return err
			}
			select {} // the signal is on its way
		}
		return nil
	}}
	s, err := store.Open(context.Background(), o)
	if err != nil {
		return err
	}
	armed.Store(true)
	return fmt.Errorf("survived: %w", killCalls[os.Getenv(killCall)](s))
}

// killCalls are the calls in which a child can be killed.
var killCalls = map[string]func(*store.Store) error{
	"block":         func(s *store.Store) error { return block(s, testApp()) },
	"delivered":     func(s *store.Store) error { return settleHead(s, relation.Delivered) },
	"dead":          func(s *store.Store) error { return settleHead(s, relation.Dead) },
	"revive":        revive,
	"create replay": createReplay,
	"save replay":   saveReplay,
}

func TestFullDisk(t *testing.T) {
	s := openDir(t, t.TempDir())
	app := seed(t, s)
	if err := s.Exec(t.Context(), "PRAGMA max_page_count = 1"); err != nil { // SQLite takes the present size
		t.Fatal(err)
	}
	var err error
	last := 0
	for i := 0; err == nil && i < 10000; i++ {
		cmd := relation.AccountImport{SDKAppID: app.SDKAppID}
		for k := range 100 {
			cmd.Profiles = append(cmd.Profiles, relation.Profile{UserID: userID(i*100 + k), Nick: strings.Repeat("n", 400)})
		}
		last = i * 100
		_, err = relation.NewService(s, nil).Import(t.Context(), cmd)
	}
	if !errors.Is(err, relation.ErrUnavailable) || !strings.Contains(err.Error(), "disk is full") {
		t.Fatalf("error %v, want a full disk", err)
	}
	found, err := s.Imported(t.Context(), relation.AccountSet{SDKAppID: app.SDKAppID, UserIDs: []string{userID(last)}})
	if err != nil || found[0] {
		t.Fatalf("half of the refused import is there: %v %v", found, err)
	}
	if err := s.Exec(t.Context(), "PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if err := block(s, app); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if change, event := state(t, s); !change || !event {
		t.Errorf("change there %v, event there %v", change, event)
	}
}

// A failed sync leaves unknown what is on disk; going on could acknowledge a commit that a restart would lose.
func TestNothingIsWrittenAfterAFailedDisk(t *testing.T) {
	dir := t.TempDir()
	var broken atomic.Bool
	s := open(t, store.Options{Dir: dir, Fault: func(step string) error {
		if step == "commit" && broken.CompareAndSwap(true, false) {
			return store.ErrBroken
		}
		return nil
	}})
	app := seed(t, s)
	broken.Store(true)
	for range 3 {
		if err := block(s, app); !errors.Is(err, relation.ErrUnavailable) {
			t.Fatalf("error %v, want ErrUnavailable", err)
		}
	}
	if err := s.Ready(); err == nil {
		t.Error("ready with a failed disk")
	}
	if change, event := state(t, s); change || event {
		t.Error("reads see what was refused")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openDir(t, dir)
	if err := block(again, app); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}
