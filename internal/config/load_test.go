package config_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/kithchat/kith/internal/config"
)

// env makes a map look like os.LookupEnv.
func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

// flags parses a command line.
func flags(t testing.TB, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	config.AddFlags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return fs
}

func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kith.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	c, origins, err := config.Load(config.Source{Flags: flags(t), Env: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Data: "data", FirstApp: true,
		Listen: "127.0.0.1:8443", ListenHTTP: "127.0.0.1:8080", OperatorListen: "127.0.0.1:8081",
		TrustedProxies: []string{}, MaxBody: 1 << 20, CallTimeout: 3 * time.Second, IsolateApps: true, HeaderTimeout: 10 * time.Second,
		ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, TicketCache: 100_000,
		Gateway: true, GatewayMaxFrame: 128 << 10, GatewayQueue: 256 << 10, GatewayRate: 20, GatewayMaxSessions: 20,
		GatewayMaxAddress: 2000, GatewayLoginTimeout: 10 * time.Second, GatewayHeartbeat: 25 * time.Second,
		GatewayGrace: 10 * time.Second, GatewaySpread: 30 * time.Second, GatewayHistory: 64 << 20,
		RetryBudget: 24 * time.Hour, CallbackTimeout: 2 * time.Second, CallbackConcurrency: 128,
		CallbackAllow: []string{"loopback"}, RecordRetention: 168 * time.Hour, RecordSize: 1 << 30, TraceSample: 0.01,
		LogFormat: "text", LogLevel: "info", ShutdownTimeout: 15 * time.Second,
	}
	if !reflect.DeepEqual(c, want) || !reflect.DeepEqual(config.Default(), want) {
		t.Errorf("defaults %+v, want %+v", c, want)
	}
	for name, origin := range origins {
		if origin != "default" {
			t.Errorf("origin of %s = %q", name, origin)
		}
	}
}

// TestPrecedence sets every subset of file, environment and flag; the strongest one given must win.
func TestPrecedence(t *testing.T) {
	for mask := range 8 {
		path := file(t, "log-level: warn\ndata: from-file\n")
		vars, args, want, origin := map[string]string{}, []string{}, "info", "default"
		if mask&1 != 0 {
			vars["KITH_CONFIG"] = path
			want, origin = "warn", "file"
		}
		if mask&2 != 0 {
			vars["KITH_LOG_LEVEL"] = "error"
			want, origin = "error", "environment"
		}
		if mask&4 != 0 {
			args = []string{"--log-level", "debug"}
			want, origin = "debug", "flag"
		}
		c, origins, err := config.Load(config.Source{Flags: flags(t, args...), Env: env(vars)})
		if err != nil || c.LogLevel != want || origins["log-level"] != origin {
			t.Errorf("mask %b: %q from %s, err %v; want %q from %s", mask, c.LogLevel, origins["log-level"], err, want, origin)
		}
		if fromFile := c.Data == "from-file"; fromFile != (mask&1 != 0) {
			t.Errorf("mask %b: data = %q", mask, c.Data)
		}
	}
}

func TestConfigFlagGoesBeforeTheVariable(t *testing.T) {
	src := config.Source{
		Flags: flags(t, "--config", file(t, "data: by-flag")),
		Env:   env(map[string]string{"KITH_CONFIG": file(t, "data: by-variable")}),
	}
	if c, _, err := config.Load(src); err != nil || c.Data != "by-flag" {
		t.Errorf("data = %q, err %v", c.Data, err)
	}
}

// TestEverySourceSetsEveryField gives each field a value other than its default, once through each source.
func TestEverySourceSetsEveryField(t *testing.T) {
	values := map[string]string{
		"data": "d", "store": "postgres://u@h/n", "first-app": "false", "ready-file": "r",
		"listen": "127.0.0.1:1", "listen-http": "127.0.0.1:2", "allow-plain": "true", "tls-cert": "c", "tls-key": "k",
		"trusted-proxies": "10.0.0.0/8,::1", "max-body": "2048", "call-timeout": "1s", "isolate-apps": "false", "header-timeout": "2s",
		"read-timeout": "3s", "idle-timeout": "4s", "ticket-cache": "5", "operator-listen": "127.0.0.1:3",
		"gateway": "false", "gateway-max-frame": "2048", "gateway-queue": "70000", "gateway-rate": "7",
		"gateway-max-sessions": "8", "gateway-max-address": "-1", "gateway-login-timeout": "9s", "gateway-heartbeat": "11s",
		"gateway-grace": "12s", "gateway-spread": "14s", "gateway-history": "13", "gateway-compression": "true",
		"operator-token": "0123456789abcdef", "retry-budget": "1h", "callback-timeout": "5s", "callback-concurrency": "6",
		"callback-allow": "private,10.1.0.0/16", "callback-proxy": "http://p:3128", "callback-ca-cert": "c", "callback-ca-key": "k",
		"record-retention": "2h", "record-size": "2097152", "node-name": "n1", "trace-endpoint": "http://127.0.0.1:4318",
		"trace-sample": "0.5", "master-key": strings.Repeat("A", 43) + "=",
		"log-format": "json", "log-level": "warn", "shutdown-timeout": "6s",
	}
	var args []string
	vars := map[string]string{}
	var yaml strings.Builder
	for name, value := range values {
		args = append(args, "--"+name+"="+value)
		vars["KITH_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = value
		yaml.WriteString(name + `: "` + value + "\"\n")
	}
	sources := map[string]config.Source{
		"flag":        {Flags: flags(t, args...)},
		"environment": {Env: env(vars)},
		"file":        {Env: env(map[string]string{"KITH_CONFIG": file(t, yaml.String())})},
	}
	for origin, src := range sources {
		c, origins, err := config.Load(src)
		if err != nil {
			t.Errorf("%s: %v", origin, err)
		}
		fields, defaults := reflect.ValueOf(c), reflect.ValueOf(config.Default())
		if fields.NumField() != len(values) {
			t.Errorf("there are %d fields, this test sets %d", fields.NumField(), len(values))
		}
		for i := range fields.NumField() {
			if reflect.DeepEqual(fields.Field(i).Interface(), defaults.Field(i).Interface()) {
				t.Errorf("%s: %s has its default still", origin, fields.Type().Field(i).Name)
			}
		}
		for name := range values {
			if origins[name] != origin {
				t.Errorf("origin of %s = %q, want %q", name, origins[name], origin)
			}
		}
	}
}

func TestYAML(t *testing.T) {
	tests := []struct {
		name, text string
		want       string // the problem, empty for none
	}{
		{"empty", "", ""},
		{"only a comment", "# nothing\n", ""},
		{"list", "trusted-proxies: [10.0.0.1, '::1']", ""},
		{"bool and number", "first-app: false\nmax-body: 4096", ""},
		{"unknown key", "log-level: warn\nlog-levle: warn", "line 2: there is no setting \"log-levle\"; `kith config doc` lists them"},
		{"twice", "data: a\ndata: b", "line 2: data is set twice"},
		{"no value", "data:", `line 1: data: has no value; write "" for an empty one, or leave the line out`},
		{"map for a value", "data: {a: b}", "line 1: data: must be a single value"},
		{"list for a value", "data: [a]", "line 1: data: must be a single value"},
		{"list of lists", "trusted-proxies: [[a]]", "line 1: trusted-proxies: must be a list of single values"},
		{"not a number", "max-body: 1MB", `line 1: max-body: must be a whole number of bytes, not "1MB"`},
		{"not a duration", "call-timeout: 3", `line 1: call-timeout: must be a duration such as 300ms, 10s or 24h, not "3"`},
		{"not a bool", "first-app: perhaps", `line 1: first-app: must be true or false, not "perhaps"`},
		{"a list", "- a", "must be a mapping, with a line `name: value` for each setting"},
		{"two documents", "data: a\n---\ndata: b", "has more than one YAML document; keep one"},
		{"broken", "data: [", "is not YAML; check indentation, quotes and colons"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := file(t, test.text)
			_, _, err := config.Load(config.Source{Env: env(map[string]string{"KITH_CONFIG": path})})
			got := ""
			if err != nil {
				got = strings.TrimPrefix(err.Error(), path+": ")
			}
			if got != test.want {
				t.Errorf("problem %q, want %q", got, test.want)
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	_, _, err := config.Load(config.Source{Env: env(map[string]string{"KITH_CONFIG": filepath.Join(t.TempDir(), "none")})})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("err = %v, want ErrNotExist", err)
	}
}

func TestWrongFlagIsRefusedWhileParsing(t *testing.T) {
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	config.AddFlags(fs)
	if err := fs.Parse([]string{"--call-timeout", "soon"}); err == nil {
		t.Error("--call-timeout soon was accepted")
	}
}

func TestListFlagMayBeRepeated(t *testing.T) {
	fs := flags(t, "--trusted-proxies", "10.0.0.1", "--trusted-proxies", "10.1.0.0/16, ::1", "--allow-plain")
	c, _, err := config.Load(config.Source{Flags: fs})
	if want := []string{"10.0.0.1", "10.1.0.0/16", "::1"}; err != nil || !reflect.DeepEqual(c.TrustedProxies, want) || !c.AllowPlain {
		t.Errorf("proxies %q, allow-plain %t, err %v; want %q, true", c.TrustedProxies, c.AllowPlain, err, want)
	}
	if got := c.Proxies(); len(got) != 3 || got[0].String() != "10.0.0.1/32" || got[2].String() != "::1/128" {
		t.Errorf("Proxies = %v", got)
	}
}

func TestForeignVariablesAreIgnored(t *testing.T) {
	vars := map[string]string{"KITH_PORT_8443_TCP": "tcp://10.0.0.1:8443", "KITH_OPERATOR": "http://x", "KITH_DATA": "d"}
	if c, _, err := config.Load(config.Source{Env: env(vars)}); err != nil || c.Data != "d" {
		t.Errorf("data %q, err %v", c.Data, err)
	}
}

func FuzzYAML(f *testing.F) {
	for _, seed := range []string{"data: d\nlisten: ':1'", "a: &a [*a]", "<<: {data: x}", "? [a]\n: b", "trusted-proxies: [1, 2]", "---\n---", "\t", "!!binary x: y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := file(t, text)
		c, origins, err := config.Load(config.Source{Env: env(map[string]string{"KITH_CONFIG": path})})
		if err == nil {
			roundTrip(t, c, origins)
		}
	})
}

func FuzzEnv(f *testing.F) {
	f.Add("KITH_DATA", "d", "KITH_LISTEN", ":1")
	f.Add("KITH_TRUSTED_PROXIES", "1.2.3.4/33,,", "KITH_MAX_BODY", "-1")
	f.Add("KITH_CALL_TIMEOUT", "1h1h", "KITH_STORE", "postgres://%zz")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		if name1 == "KITH_CONFIG" || name2 == "KITH_CONFIG" {
			return // would read a file of this machine
		}
		c, origins, err := config.Load(config.Source{Env: env(map[string]string{name1: value1, name2: value2})})
		if err == nil {
			roundTrip(t, c, origins)
		}
	})
}

// roundTrip checks that a valid Config, printed and read again, is the same. Secrets are printed replaced.
func roundTrip(t *testing.T, c config.Config, origins config.Origins) {
	t.Helper()
	var b strings.Builder
	if err := c.WriteYAML(&b, origins); err != nil {
		t.Fatal(err)
	}
	again, _, err := config.Load(config.Source{Env: env(map[string]string{"KITH_CONFIG": file(t, b.String())})})
	again.Store, again.OperatorToken = c.Store, c.OperatorToken
	if err != nil && c.OperatorToken == "" && c.Store == "" || err == nil && !reflect.DeepEqual(again, c) {
		t.Errorf("printed as\n%s\nread again as %+v, err %v; want %+v", b.String(), again, err, c)
	}
}
