package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/server"
)

// startServer runs a server in this process until the test ends and returns its data directory and addresses. The changes
// adjust its settings.
func startServer(t *testing.T, changes ...func(*config.Config)) (string, server.Info) {
	t.Helper()
	c := testConfig(t)
	for _, change := range changes {
		change(&c)
	}
	return c.Data, runServer(t, c).Info()
}

func testConfig(t *testing.T) config.Config {
	c := config.Default()
	c.Data, c.FirstApp = filepath.Join(t.TempDir(), "data"), false
	c.Listen, c.ListenHTTP, c.OperatorListen = "", "127.0.0.1:0", "127.0.0.1:0"
	c.CallTimeout, c.CallbackTimeout = processStart, processStart // the defaults are for machines that do nothing else
	return c
}

// runServer runs a server in this process until the test ends, unless stopServer stops it before.
func runServer(t *testing.T, c config.Config) *server.Server {
	t.Helper()
	s, err := server.New(t.Context(), server.Options{Config: c, Log: slog.New(slog.DiscardHandler), Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopServer(t, s) })
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func stopServer(t *testing.T, s *server.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), processStop)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// result is what a command line did.
type result struct {
	status   int
	out, err string
}

// execute runs a command line in this process.
func execute(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	return executeWith(t, strings.NewReader(""), env, args...)
}

// executeWith runs a command line in this process that has something to read.
func executeWith(t *testing.T, in io.Reader, env map[string]string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	c := &cli{
		program: "kith", in: in, out: &out, err: &errs,
		env: func(name string) (string, bool) { text, ok := env[name]; return text, ok },
	}
	ctx, cancel := context.WithTimeout(t.Context(), processStart)
	defer cancel()
	r := result{c.run(ctx, args), out.String(), errs.String()}
	leaktest.Check(t, "kith "+strings.Join(args[:min(2, len(args))], " "), r.err)
	if r.status != exitDone {
		leaktest.Check(t, "kith "+strings.Join(args[:min(2, len(args))], " "), r.out)
	}
	return r
}

// shell runs command lines against one server, named by --data.
type shell struct {
	t    *testing.T
	data string
}

// run runs a command line that must succeed and print nothing on standard error.
func (s shell) run(args ...string) string {
	s.t.Helper()
	r := execute(s.t, nil, append(args, "--data", s.data)...)
	if r.status != exitDone || r.err != "" {
		s.t.Fatalf("kith %s: status %d\n%s%s", strings.Join(args, " "), r.status, r.out, r.err)
	}
	return r.out
}

// json runs a command line with --json, and decodes what it prints.
func (s shell) json(value any, args ...string) {
	s.t.Helper()
	decode(s.t, s.run(append(args, "--json")...), value)
}

// fail runs a command line that must end with a status and one sentence that holds want.
func (s shell) fail(status int, want string, args ...string) result {
	s.t.Helper()
	r := execute(s.t, nil, append(args, "--data", s.data)...)
	checkFailure(s.t, r, status, want, args)
	return r
}

func checkFailure(t *testing.T, r result, status int, want string, args []string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(r.err, "\n"), "\n")
	last := lines[len(lines)-1]
	if r.status != status || !strings.HasPrefix(last, "kith: ") || !strings.Contains(last, want) {
		t.Errorf("kith %s: status %d, %q, want %d and a sentence with %q", strings.Join(args, " "), r.status, r.err, status, want)
	}
}

// decode reads one JSON value that is all of text.
func decode(t *testing.T, text string, value any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Fatalf("more than one JSON value: %s", text)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\n%+v\nwant\n%+v", what, got, want)
	}
}

// testTime is a moment for tests of what is printed.
var testTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
