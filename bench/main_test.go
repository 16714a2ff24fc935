package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test program be the benchmark's roles, which start the program that runs.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := roles()[os.Args[1]]; ok {
			if err := role(os.Stdin, os.Stdout); err != nil {
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// TestMeasure runs scenarios, small and brief, against the real program on both engines. What they measured is not looked
// at, only that they did: figures are for quiet machines.
func TestMeasure(t *testing.T) {
	rep, err := measure(t.Context(), options{
		short: true, brief: 50 * time.Millisecond, only: regexp.MustCompile("latency|sustained|record|fairness|backlog|waiting|gateway|pairs"),
		engines: []string{engineSQLite, enginePostgres}, dir: t.TempDir(),
		pairs: 5000, events: 2500, waiting: 2500, log: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range rep.Sections {
		names = append(names, s.Name)
		for _, res := range s.Results {
			// A callback may be there before the answer; all other figures are above zero.
			if res.Kith <= 0 && !strings.Contains(res.Case, "answer to arrival") {
				t.Errorf("%s on %s: %s is %v", s.Name, res.Engine, res.Case, res.Kith)
			}
			if res.Beside != "" && res.Ratio <= 0 {
				t.Errorf("%s on %s: %s has no ratio", s.Name, res.Engine, res.Case)
			}
		}
	}
	if want := []string{"latency", "sustained", "record", "fairness", "backlog", "waiting", "gateway", "pairs"}; !slices.Equal(names, want) {
		t.Errorf("measured %q, want %q", names, want)
	}
}

// TestNothingStaysBehind: a role ends with its input, and a run that fails removes its files.
func TestNothingStaysBehind(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "role-receiver")
	cmd.Stdin = strings.NewReader("")
	if out, err := cmd.Output(); err != nil || !bytes.Contains(out, []byte("127.0.0.1:")) {
		t.Fatalf("a role without input said %q and ended with %v", out, err)
	}
	_, err = measure(t.Context(), options{
		only: regexp.MustCompile("^$"), engines: []string{engineSQLite}, dir: dir, kith: "unused", log: io.Discard,
	})
	if err == nil {
		t.Error("no scenario was chosen, and nobody said so")
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%q stayed behind, %v", left, err)
	}
}

func TestParseOptions(t *testing.T) {
	for _, c := range []struct {
		args string
		ok   bool
	}{
		{"", true},
		{"-short -json", true},
		{"-engine sqlite -only unblock|pairs -pairs 1000", true},
		{"-engine mysql", false},
		{"-only (", false},
		{"unblock", false},
		{"-no-such-flag", false},
	} {
		o, err := parseOptions(strings.Fields(c.args), io.Discard)
		if (err == nil) != c.ok {
			t.Errorf("%q: %v", c.args, err)
		}
		if err == nil && (o.pairs == 0 || o.events == 0 || o.waiting == 0 || len(o.engines) == 0) {
			t.Errorf("%q leaves sizes open: %+v", c.args, o)
		}
	}
}
