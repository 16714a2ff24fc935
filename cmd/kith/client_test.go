package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

const (
	cliKey   = leaktest.AppKey
	cliToken = leaktest.CallbackToken
)

func TestAppCommands(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	if out := k.run("app", "list"); !strings.Contains(out, "There are no apps") {
		t.Errorf("empty list: %q", out)
	}

	var created operator.AppSecret
	k.json(&created, "app", "create", "--sdkappid", "1600077123", "--name", "chat", "--admin", "boss", "--admin", "deputy",
		"--key", cliKey, "--rate", "100", "--rate-special", "black_list_add=5",
		"--devices-per-platform", "2", "--web-origins", "https://chat.example.net,http://localhost:3000")
	created.Created, created.Updated, created.Keys[0].Created = time.Time{}, time.Time{}, time.Time{}
	equal(t, "created", created, operator.AppSecret{Key: cliKey, App: operator.App{
		SDKAppID: 1600077123, Name: "chat", Admins: []string{"boss", "deputy"}, BlocklistLimit: relation.DefaultBlocklistLimit,
		Keys:  []operator.Key{{Fingerprint: apps.Fingerprint(relation.AppKey{Secret: cliKey})}},
		Rates: relation.Rates{App: 100, Special: map[string]float64{"black_list_add": 5}},
		Callback: operator.Callback{
			Enabled:  []relation.EventKind{relation.EventBlockAdd, relation.EventBlockDelete},
			Disabled: []relation.EventKind{relation.EventState}, TimeoutMS: 2000, Concurrency: 128,
			Retry: relation.RetryFailures, AppError: relation.AppErrorRetry,
			SigningKeys: []operator.SigningKey{}, CA: []operator.Certificate{},
		},
		DevicesPerPlatform: 2, WebOrigins: []string{"https://chat.example.net", "http://localhost:3000"}, Tokens: []operator.Token{},
	}})

	var app operator.App
	k.json(&app, "app", "update", "1600077123", "--name", "talk", "--disabled", "--blocklist-limit", "7", "--rate", "0", "--rate-special", "")
	if app.Name != "talk" || !app.Disabled || app.BlocklistLimit != 7 || app.Rates.App != 0 || len(app.Rates.Special) != 0 {
		t.Errorf("updated: %+v", app)
	}
	equal(t, "admins", app.Admins, []string{"boss", "deputy"})

	var rotated operator.AppSecret
	k.json(&rotated, "app", "rotate-key", "1600077123")
	if len(rotated.Key) != 64 || len(rotated.Keys) != 2 {
		t.Errorf("rotated: %+v", rotated)
	}
	k.json(&app, "app", "rotate-key", "1600077123", "--drop", created.Keys[0].Fingerprint)
	if len(app.Keys) != 1 || app.Keys[0].Fingerprint != rotated.Keys[0].Fingerprint {
		t.Errorf("dropped: %+v", app.Keys)
	}
	k.fail(exitFailed, "taken", "app", "create", "--sdkappid", "1600077123")

	var listed operator.AppList
	k.json(&listed, "app", "list")
	k.json(&app, "app", "show", "1600077123")
	equal(t, "listed", listed.Apps, []operator.App{app})
	for _, out := range []string{k.run("app", "show", "1600077123"), k.run("app", "list")} {
		for _, secret := range []string{cliKey, rotated.Key} {
			if strings.Contains(out, secret) {
				t.Errorf("a secret is shown again:\n%s", out)
			}
		}
		if !strings.Contains(out, "talk") || !strings.Contains(out, "disabled") || !strings.Contains(out, "boss, deputy") {
			t.Errorf("shown:\n%s", out)
		}
	}

	var deleted operator.Deleted
	k.json(&deleted, "app", "delete", "1600077123")
	equal(t, "deleted", deleted, operator.Deleted{SDKAppID: 1600077123})
	k.fail(exitFailed, "there is no app", "app", "show", "1600077123")
}

func TestDevicesAndWebOrigins(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", "1600077123")
	update := func(want string, flags ...string) {
		t.Helper()
		if out := k.run(append([]string{"app", "update", "1600077123"}, flags...)...); !strings.Contains(out, want+"\n") {
			t.Errorf("%v: no line with %q:\n%s", flags, want, out)
		}
	}
	update("1 of each platform", "--name", "chat")
	update("5 of each platform", "--devices-per-platform", "5")
	update("https://a.example, https://*.b.example:8443", "--web-origins", "https://a.example,https://*.b.example:8443")
	update("5 of each platform", "--name", "talk") // what is not given stays
	update("1 of each platform", "--devices-per-platform", "0")
	update("web origins      all", "--web-origins", "")
	for _, command := range [][]string{{"app", "create"}, {"app", "update", "1600077123"}} {
		k.fail(exitUsage, "the devices per platform must be 1 to 20", append(slices.Clone(command), "--devices-per-platform", "21")...)
		k.fail(exitUsage, "remove the slash", append(slices.Clone(command), "--web-origins", "https://a.example/")...)
	}
}

func TestWrongRates(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", "1600077123")
	for _, command := range [][]string{{"app", "create"}, {"app", "update", "1600077123"}} {
		for _, test := range []struct{ want, flag, value string }{
			{"--rate must be a number", "--rate", "NaN"},
			{"--rate must be a number", "--rate", "Inf"},
			{"--rate-command must be a number", "--rate-command", "-inf"},
			{"--rate-command must be a number", "--rate-command", "-1"},
			{"--rate-special kick must be a number", "--rate-special", "kick=nan"},
			{"--rate-special kick must be a number", "--rate-special", "kick=+Inf"},
			{"--rate-special must be COMMAND=N", "--rate-special", "kick"},
			{`no command "friend_add"; the commands are account_import, `, "--rate-special", "friend_add=1"},
		} {
			k.fail(exitUsage, test.want, append(slices.Clone(command), test.flag, test.value)...)
		}
	}
}

func TestCallbackCommands(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`))
	}))
	defer backend.Close()
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", "1600077123")
	k.fail(exitUsage, "no callback URL", "app", "callback", "test", "1600077123")

	var callback operator.Callback
	k.json(&callback, "app", "callback", "set", "1600077123", "--url", backend.URL, "--token", cliToken,
		"--disable", "Sns.CallbackBlackListAdd,Sns.CallbackBlackListDelete", "--timeout", "45500ms", "--retry", "off", "--concurrency", "3")
	k.json(&callback, "app", "callback", "set", "1600077123", "--enable", "Sns.CallbackBlackListDelete,State.StateChange")
	want := operator.Callback{
		URL: backend.URL, TokenSet: true, TimeoutMS: 45500, Concurrency: 3,
		Retry: relation.RetryOff, AppError: relation.AppErrorRetry, SigningKeys: []operator.SigningKey{}, CA: []operator.Certificate{},
		Enabled:  []relation.EventKind{relation.EventBlockDelete, relation.EventState},
		Disabled: []relation.EventKind{relation.EventBlockAdd},
	}
	equal(t, "set", callback, want)
	k.json(&callback, "app", "callback", "show", "1600077123")
	if e := callback.Endpoint; e == nil || e.State != relation.EndpointHealthy && e.State != relation.EndpointRecovering {
		t.Errorf("endpoint: %+v", callback.Endpoint)
	}
	callback.Endpoint = nil
	equal(t, "shown", callback, want)
	if out := k.run("app", "callback", "show", "1600077123"); strings.Contains(out, cliToken) || !strings.Contains(out, "\nendpoint  ") {
		t.Errorf("the token is shown:\n%s", out)
	}

	out := k.run("app", "callback", "set", "1600077123", "--disable", "State.StateChange")
	if !strings.Contains(out, "enabled       Sns.CallbackBlackListDelete\n") ||
		!strings.Contains(out, "disabled      Sns.CallbackBlackListAdd, State.StateChange\n") {
		t.Errorf("which are on is not shown:\n%s", out)
	}
	help := execute(t, nil, "app", "callback", "set", "--help").out
	for _, kind := range relation.EventKinds() {
		if !strings.Contains(help, string(kind)) {
			t.Errorf("the help does not name %s:\n%s", kind, help)
		}
	}

	var report operator.CallbackReport
	k.json(&report, "app", "callback", "test", "1600077123")
	if !report.Delivered || len(report.Steps) == 0 || !report.Steps[0].OK {
		t.Errorf("test: %+v", report)
	}
	if out := k.run("app", "callback", "test", "1600077123"); !strings.Contains(out, "connect") || !strings.Contains(out, "delivered") {
		t.Errorf("the steps are not shown:\n%s", out)
	}
	backend.Close()
	r := k.fail(exitFailed, "connect", "app", "callback", "test", "1600077123", "--json")
	decode(t, r.out, &report)
	if report.Delivered || report.Reason != "connect" {
		t.Errorf("test of a dead endpoint: %+v", report)
	}
	k.fail(exitUsage, "no callback command", "app", "callback", "set", "1600077123", "--enable", "Sns.Nonsense")
	k.fail(exitUsage, "callback URL", "app", "callback", "set", "1600077123", "--url", "ftp://x")
}

func TestUserSigCommands(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", "1600077123", "--key", cliKey)
	sig := strings.TrimSuffix(k.run("usersig", "make", "1600077123", "mira", "--expire", "90m"), "\n")
	ticket, err := usersig.Verify(sig, usersig.Params{SDKAppID: 1600077123, Identifier: "mira", Keys: []string{cliKey}, Now: time.Now()})
	if err != nil || ticket.Expire != 5400 {
		t.Errorf("made %+v, %v", ticket, err)
	}
	var report operator.UserSigReport
	k.json(&report, "usersig", "check", "1600077123", "mira", sig)
	if !report.Valid || report.Ticket == nil || report.Ticket.UserID != "mira" {
		t.Errorf("check: %+v", report)
	}
	decode(t, k.fail(exitFailed, "70013", "usersig", "check", "1600077123", "tom", sig, "--json").out, &report)
	if report.Valid || report.Code != 70013 || report.Ticket.UserID != "mira" {
		t.Errorf("check for another user: %+v", report)
	}
	k.fail(exitFailed, "70003", "usersig", "check", "1600077123", "mira", "nonsense")
	k.fail(exitUsage, "--expire", "usersig", "make", "1600077123", "mira", "--expire", "1500ms")
}

func TestBackupAndCheck(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", "1600077123")
	copied := t.TempDir()
	file := filepath.Join(copied, "kith.db")
	var report backupReport
	k.json(&report, "backup", file)
	info, err := os.Stat(file)
	if err != nil || info.Size() != report.Bytes || info.Mode().Perm() != 0o600 {
		t.Errorf("reported %+v, there is %v, %v", report, info, err)
	}
	k.fail(exitFailed, "exists", "backup", file)
	k.fail(exitFailed, "another kith", "check")

	var checked checkReport
	shell{t, copied}.json(&checked, "check")
	equal(t, "check of the copy", checked, checkReport{Data: copied, OK: true, Problems: []string{}})
	shell{t, t.TempDir()}.fail(exitFailed, "no database", "check")
}

// The server is found by flags, by the environment, or by the data directory, in this order.
func TestClientFindsTheServer(t *testing.T) {
	data, info := startServer(t)
	token, err := os.ReadFile(filepath.Join(data, "operator-token"))
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.TrimSpace(string(token))
	variables := map[string]string{"KITH_OPERATOR": info.Operator, "KITH_OPERATOR_TOKEN": secret}
	elsewhere := map[string]string{"KITH_OPERATOR": "http://127.0.0.1:1", "KITH_OPERATOR_TOKEN": secret}
	for name, test := range map[string]struct {
		env    map[string]string
		args   []string
		status int
	}{
		"environment":                {variables, nil, exitDone},
		"flags":                      {nil, []string{"--operator", info.Operator, "--operator-token", secret}, exitDone},
		"flags before environment":   {elsewhere, []string{"--operator", info.Operator}, exitDone},
		"--data before environment":  {elsewhere, []string{"--data", data}, exitDone},
		"data directory by variable": {map[string]string{"KITH_DATA": data}, nil, exitDone},
		"wrong token":                {variables, []string{"--operator-token", "guess"}, exitFailed},
		"nobody there":               {elsewhere, nil, exitFailed},
		"no server on the directory": {nil, []string{"--data", t.TempDir()}, exitFailed},
		"no token":                   {nil, []string{"--operator", info.Operator}, exitUsage},
		"plain beyond loopback":      {nil, []string{"--operator", "http://kith.example", "--operator-token", secret}, exitUsage},
	} {
		r := execute(t, test.env, append([]string{"app", "list", "--json"}, test.args...)...)
		if r.status != test.status || (r.err == "") != (test.status == exitDone) || strings.Contains(r.err, secret) {
			t.Errorf("%s: status %d, %s%s", name, r.status, r.out, r.err)
		}
	}
}
