package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/config"
)

func TestFlagErrorsAreSentences(t *testing.T) {
	args := []string{"listen", "--app", "--forward", "x"}
	r := execute(t, nil, args...)
	checkFailure(t, r, exitUsage, `invalid argument "--forward" for "--app" flag: invalid syntax; see`, args)
	if strings.Contains(r.err, "strconv") {
		t.Errorf("told %s", r.err)
	}
}

func TestWrongUse(t *testing.T) {
	for _, test := range []struct {
		want string // in the sentence
		args []string
	}{
		{"name one of the commands", []string{}}, // of nil, cobra would make those of the test program
		{"name one of the commands", []string{"app"}},
		{`no command "nope"`, []string{"nope"}},
		{`did you mean "update"`, []string{"app", "updat"}},
		{"unknown flag: --lol", []string{"app", "list", "--lol"}},
		{"takes SDKAPPID", []string{"app", "show"}},
		{"takes SDKAPPID USERID USERSIG", []string{"usersig", "check", "1", "mira"}},
		{"takes no arguments", []string{"version", "now"}},
		{`"0" is not an SDKAppID`, []string{"app", "show", "0"}},
		{`"x" is not an SDKAppID`, []string{"app", "callback", "set", "x"}},
		{"--sdkappid", []string{"app", "create", "--sdkappid", "-1"}},
		{"must be a duration", []string{"serve", "--call-timeout", "soon"}},
		{"beyond loopback", []string{"serve", "--listen-http", "0.0.0.0:8080"}},
		{"log-level must be", []string{"serve", "--log-level", "loud"}},
	} {
		r := execute(t, nil, test.args...)
		checkFailure(t, r, exitUsage, test.want, test.args)
		if r.out != "" {
			t.Errorf("kith %v printed on standard output: %s", test.args, r.out)
		}
	}
}

func TestHelpIsNoFailure(t *testing.T) {
	if r := execute(t, nil, "--help"); r.status != exitDone || !strings.Contains(r.out, "usersig") || r.err != "" {
		t.Errorf("%+v", r)
	}
}

func TestVersion(t *testing.T) {
	var b build
	decode(t, execute(t, nil, "version", "--json").out, &b)
	if b.Version == "" || !strings.HasPrefix(b.Go, "go1.") || b.Platform == "" {
		t.Errorf("%+v", b)
	}
	if r := execute(t, nil, "version"); r.status != exitDone || !strings.HasPrefix(r.out, "kith "+b.Version+", ") {
		t.Errorf("%+v", r)
	}
}

func TestConfigDoc(t *testing.T) {
	if r := execute(t, nil, "config", "doc"); r.status != exitDone || !strings.Contains(r.out, "`KITH_LISTEN_HTTP`") {
		t.Errorf("%+v", r)
	}
	var doc struct{ Settings []setting }
	decode(t, execute(t, nil, "config", "doc", "--json").out, &doc)
	if len(doc.Settings) < 20 {
		t.Errorf("%d settings", len(doc.Settings))
	}
	for _, s := range doc.Settings {
		if s.Name == "" || s.Meaning == "" || !strings.HasPrefix(s.Variable, "KITH_") {
			t.Errorf("%+v", s)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kith.yaml")
	if err := os.WriteFile(file, []byte("listen: 127.0.0.1:9443\noperator-token: very-secret-token-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"KITH_LOG_LEVEL": "warn"}
	r := execute(t, env, "config", "check", "--config", file, "--data", "there")
	for _, line := range []string{`listen: "127.0.0.1:9443" # file`, `log-level: "warn" # environment`, `data: "there" # flag`, `operator-token: "REDACTED" # file`} {
		if r.status != exitDone || !strings.Contains(r.out, line+"\n") {
			t.Errorf("status %d, no line %s in\n%s%s", r.status, line, r.out, r.err)
		}
	}
	var report configReport
	decode(t, execute(t, env, "config", "check", "--config", file, "--json").out, &report)
	if !report.OK || len(report.Settings) == 0 || len(report.Development) != 3 {
		t.Errorf("%+v", report)
	}
	if notes := strings.Count(r.err, "for development only: "); notes != 3 || !strings.Contains(r.err, "for development only: master-key is empty") {
		t.Errorf("%d settings are said to be for development only:\n%s", notes, r.err)
	}
	env["KITH_MAX_BODY"] = "none"
	env["KITH_LISTEN"] = "nowhere"
	r = execute(t, env, "config", "check", "--config", file, "--json")
	report = configReport{}
	decode(t, r.out, &report)
	if r.status != exitFailed || report.OK || len(report.Problems) != 2 || !strings.HasPrefix(report.Problems[0], "KITH_MAX_BODY") ||
		!strings.HasPrefix(report.Problems[1], "listen must be") {
		t.Errorf("a wrong value: %d %+v", r.status, report)
	}
}

func TestSettingsAreThoseOfTheConfiguration(t *testing.T) {
	names := map[string]bool{"config": true}
	for _, s := range config.Default().Settings(nil) {
		names[s.Name] = true
	}
	for _, s := range settings() {
		if !names[s.Name] {
			t.Errorf("%s is not a setting", s.Name)
		}
		delete(names, s.Name)
	}
	if len(names) > 0 {
		t.Errorf("%v are missing", names)
	}
}
