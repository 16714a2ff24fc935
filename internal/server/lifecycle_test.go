package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/server"
)

func TestFilesPointToTheServer(t *testing.T) {
	c := settings(t)
	c.ReadyFile = filepath.Join(t.TempDir(), "ready.json")
	s := start(t, c)
	text, err := os.ReadFile(c.ReadyFile)
	if err != nil {
		t.Fatal(err)
	}
	type ready struct {
		HTTP, HTTPS, Operator string
		PID                   int
	}
	var got ready
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if want := (ready{s.info.HTTP, s.info.HTTPS, s.info.Operator, os.Getpid()}); got != want {
		t.Errorf("ready file %+v, want %+v", got, want)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status, _ := s.get(t, s.info.Operator+path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		if status, text := s.get(t, s.info.HTTP+path); status == http.StatusOK && !strings.Contains(text, `"ErrorCode":60009`) {
			t.Errorf("%s is on the public listener: %s", path, text)
		}
	}
	s.stop(t)
	for _, file := range []string{c.ReadyFile, filepath.Join(c.Data, "operator.json")} {
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", file, err)
		}
	}
}

func TestFirstAppIsMadeOnce(t *testing.T) {
	c := settings(t)
	c.FirstApp = true
	s := start(t, c)
	app := s.info.FirstApp
	if app == nil || s.info.Apps != 1 {
		t.Fatalf("first start: %+v", s.info)
	}
	report, err := s.operator.CheckUserSig(t.Context(), app.SDKAppID, operator.CheckUserSig{UserID: app.Admin, UserSig: app.UserSig})
	if err != nil || !report.Valid || !report.Ticket.Expires.Equal(app.Expires) {
		t.Errorf("its UserSig: %+v, %v", report, err)
	}
	if strings.Contains(s.log.String(), app.Key) || strings.Contains(s.log.String(), app.UserSig) {
		t.Error("the log tells its secrets")
	}
	s.stop(t)
	if s = start(t, c); s.info.FirstApp != nil || s.info.Apps != 1 {
		t.Errorf("second start: %+v", s.info)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	c := settings(t)
	s := start(t, c)
	_, err := server.New(t.Context(), server.Options{Config: c})
	if err == nil || !strings.Contains(err.Error(), "another kith uses the data directory") {
		t.Errorf("second server: %v", err)
	}
	if _, err := s.operator.Status(t.Context()); err != nil {
		t.Errorf("the first one was harmed: %v", err)
	}
	if _, err := operator.FromDataDir(c.Data, ""); err != nil {
		t.Errorf("and cannot be found: %v", err)
	}
}

// A start that fails leaves nothing open and no app whose key nobody has seen.
func TestHalfBuiltStartIsUndone(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		name  string
		spoil func(*config.Config)
		want  string
	}{
		{"address in use", func(c *config.Config) { c.OperatorListen = taken.Addr().String() }, "set operator-listen to another address"},
		{"no such certificate", func(c *config.Config) { c.TLSCert, c.TLSKey = "missing.pem", "missing.key" }, "check the path"},
		{"ready file in no directory", func(c *config.Config) { c.ReadyFile = filepath.Join(c.Data, "none", "ready") }, "is not in a directory that exists"},
		{"ready file is a directory", func(c *config.Config) { c.ReadyFile = filepath.Dir(c.Data) }, "is no plain file"},
		{"ready file is a device", func(c *config.Config) { c.ReadyFile = os.DevNull }, "is no plain file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			good := settings(t)
			good.FirstApp = true
			bad := good
			test.spoil(&bad)
			if err := run(t.Context(), bad); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("err = %v, want %q", err, test.want)
			}
			if _, err := operator.FromDataDir(bad.Data, ""); err == nil {
				t.Error("operator.json was left behind")
			}
			good.FirstApp = false
			s := start(t, good) // works only if the directory was let go
			if s.info.Apps != 0 {
				t.Error("the failed start made an app")
			}
		})
	}
}

// run runs a server that is expected to fail.
func run(ctx context.Context, c config.Config) error {
	s, err := server.New(ctx, server.Options{Config: c})
	if err != nil {
		return err
	}
	return s.Run(ctx, nil)
}

func TestStopWithoutStart(t *testing.T) {
	s, err := server.New(t.Context(), server.Options{Config: settings(t)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s, err := server.New(t.Context(), server.Options{Config: settings(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Run(ctx, func(server.Info) { cancel() }); err != nil {
		t.Error(err)
	}
}

// When time is up, Stop cuts off what does not end, and returns all the same.
func TestStopCutsOff(t *testing.T) {
	backend := startReceiver(t)
	backend.hold = make(chan struct{})
	defer close(backend.hold)
	c := settings(t)
	s, err := server.New(t.Context(), server.Options{Config: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &running{Server: s, info: s.Info(), http: newHTTPClient(t), log: &log{}}
	if r.operator, err = operator.FromDataDir(c.Data, ""); err != nil {
		t.Fatal(err)
	}
	defer r.operator.Close()
	r.newApp(t, backend.url, "mira", "tom")
	r.block(t, "mira", "tom")
	backend.next(t)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(over); err != nil {
		t.Errorf("stop: %v", err)
	}
	again := start(t, c)
	outbox, err := again.operator.Outbox(t.Context(), 0)
	if err != nil || len(outbox.Apps) != 1 || outbox.Apps[0].Waiting != 1 {
		t.Errorf("the event that was cut off is not kept: %+v, %v", outbox, err)
	}
	backend.next(t)
}

// A client that does not finish its headers is cut off.
func TestSlowClientIsCutOff(t *testing.T) {
	c := settings(t)
	c.HeaderTimeout = 20 * time.Millisecond
	s := start(t, c)
	for _, base := range []string{s.info.HTTP, s.info.Operator} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		// It may be cut off before it wrote, or has read.
		_, _ = io.WriteString(conn, "POST /v4/sns/black_list_add HTTP/1.1\r\nHost: x\r\n")
		if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s waited on: %v", base, err)
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	s := start(t, settings(t))
	status, _ := s.get(t, s.info.HTTP+"/v4/x?"+strings.Repeat("a", 64<<10))
	if status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("64 KiB of query: status %d, want 431", status)
	}
}

func TestBackupIsACopyThatOpens(t *testing.T) {
	s := start(t, settings(t))
	s.newApp(t, "", "mira", "tom")
	c := settings(t)
	if err := os.Mkdir(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(c.Data, "kith.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.operator.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(s.info.Data, ".backup-*")); err != nil || len(left) > 0 {
		t.Errorf("left in the data directory: %v %v", left, err)
	}
	copied := start(t, c)
	if apps, err := copied.operator.Apps(t.Context()); err != nil || len(apps.Apps) != 1 || apps.Apps[0].SDKAppID != appID {
		t.Errorf("apps of the copy: %+v, %v", apps, err)
	}
	copied.block(t, "mira", "tom")
}
