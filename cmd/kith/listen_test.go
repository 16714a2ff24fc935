package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/operator"
)

// block makes an event: the owner blocks the n-th target.
func (c *crashCaller) block(t *testing.T, n int) {
	t.Helper()
	if _, err := c.change(crashOwner(0), change{Command: api.CallbackBlackListAdd, Targets: []string{crashTarget(n)}}); err != nil {
		t.Fatal(err)
	}
}

func TestListenMirrorsEachExchange(t *testing.T) { onEachEngine(t, testListenMirrorsEachExchange) }

func testListenMirrorsEachExchange(t *testing.T, engine func(*config.Config)) {
	data, info := startServer(t, engine)
	k := shell{t, data}
	own := startBackend(t, nil)
	caller := newCrashCaller(t, data, own.url)
	caller.connect(info.HTTP)
	caller.importAccounts(t)
	k.run("app", "callback", "set", appFlag, "--token", cliToken)
	var token operator.TokenSecret
	k.json(&token, "app", "token", "create", appFlag)
	local := startBackend(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "not yet", http.StatusNotImplemented) })

	// The token says which app it is.
	env := map[string]string{"KITH_OPERATOR": info.Operator, "KITH_OPERATOR_TOKEN": token.Secret}
	r := launch(t, env, "listen", "--forward", local.url, "--json")
	r.said("listening to app " + appFlag)
	caller.block(t, 0)
	sent, copied := own.next(), local.next()
	equal(t, "copy", copied, sent)
	if !strings.Contains(copied.query, "&Sign=") || copied.header.Get(api.HeaderWebhookID) == "" || !strings.Contains(copied.body, crashTarget(0)) {
		t.Errorf("what was sent: %+v", copied)
	}
	var shown shownExchange
	r.next(&shown)
	verdict := "delivered"
	want := shownExchange{
		heard: heard{api.CallbackBlackListAdd, crashOwner(0), 1}, ID: shown.ID, Event: sent.header.Get(api.HeaderWebhookID), Attempt: "1",
		Status: http.StatusNotImplemented, DurationMS: shown.DurationMS, Verdict: "status 501", Answer: "not yet\n", Endpoint: &verdict,
	}
	equal(t, "shown", shown, want)

	var report operator.CallbackReport
	k.json(&report, "trigger", api.CallbackBlackListDelete, "--app", appFlag, "--from", "mira", "--to", "tom,lia")
	r.next(&shown)
	if !report.Delivered || !shown.Test || shown.Account != "mira" || shown.Pairs != 2 || shown.Command != api.CallbackBlackListDelete {
		t.Errorf("a trigger: %+v, shown %+v", report, shown)
	}
	if status := r.stop(); status != exitDone {
		t.Errorf("interrupted: status %d", status)
	}
}

func TestListenInsteadDecides(t *testing.T) { onEachEngine(t, testListenInsteadDecides) }

func testListenInsteadDecides(t *testing.T, engine func(*config.Config)) {
	data, info := startServer(t, engine)
	k := shell{t, data}
	caller := newCrashCaller(t, data, "")
	caller.connect(info.HTTP)
	caller.importAccounts(t)
	var ready atomic.Bool
	local := startBackend(t, func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Swap(true) {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, handled)
	})
	caller.block(t, 0) // nobody listens yet: no event
	r := launch(t, nil, "listen", "--data", data, "--app", appFlag, "--forward", local.url, "--instead", "--json")
	r.said("listening to app " + appFlag)
	caller.block(t, 1)
	first, again := local.next(), local.next()
	if first.body != again.body || !strings.Contains(first.body, crashTarget(1)) || first.header.Get(api.HeaderWebhookID) != again.header.Get(api.HeaderWebhookID) {
		t.Errorf("first %+v, again %+v", first, again)
	}
	for range 2 {
		var shown shownExchange
		r.next(&shown)
		if want := map[string]int{"1": http.StatusTeapot, "2": http.StatusOK}[shown.Attempt]; shown.Status != want || shown.OK != (want == http.StatusOK) {
			t.Errorf("attempt %s: %+v", shown.Attempt, shown)
		}
	}
	var report operator.CallbackReport
	k.json(&report, "trigger", api.CallbackStateChange, "--app", appFlag, "--from", "mira")
	if got := local.next(); !report.Delivered || got.header.Get(api.HeaderTest) != "1" || !strings.Contains(got.body, `"mira"`) {
		t.Errorf("a trigger: %+v, sent %+v", report, got)
	}
	var callback operator.Callback
	k.json(&callback, "app", "callback", "show", appFlag)
	if !callback.Listen {
		t.Errorf("while somebody listens: %+v", callback)
	}
	if status := r.stop(); status != exitDone {
		t.Errorf("interrupted: status %d", status)
	}
	k.json(&callback, "app", "callback", "show", appFlag)
	if callback.Listen {
		t.Error("listening was left switched on")
	}
	kept := launch(t, nil, "listen", "--data", data, "--app", appFlag, "--forward", local.url, "--instead", "--keep")
	kept.said("listening to app " + appFlag)
	kept.stop()
	k.json(&callback, "app", "callback", "show", appFlag)
	if !callback.Listen {
		t.Error("listening was not kept switched on")
	}
}

// A stream goes on with the next server on the data directory.
func TestListenReconnects(t *testing.T) {
	c := testConfig(t)
	s := runServer(t, c)
	caller := newCrashCaller(t, c.Data, "")
	caller.connect(s.Info().HTTP)
	caller.importAccounts(t)
	local := startBackend(t, nil)
	r := launch(t, nil, "listen", "--data", c.Data, "--app", appFlag, "--forward", local.url, "--instead", "--json")
	r.said("listening to app " + appFlag)
	stopServer(t, s)
	r.said("trying again")
	s = runServer(t, c)
	r.said("listening to app " + appFlag)
	caller.connect(s.Info().HTTP)
	caller.block(t, 0)
	if got := local.next(); !strings.Contains(got.body, crashTarget(0)) {
		t.Errorf("forwarded %+v", got)
	}
}

func TestListenRefusals(t *testing.T) {
	data, info := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", appFlag)
	var token operator.TokenSecret
	k.json(&token, "app", "token", "create", appFlag)
	const forward = "http://127.0.0.1:1/"
	for _, test := range []struct {
		status int
		want   string
		args   []string
	}{
		{exitUsage, "--forward must be a URL", []string{"--app", appFlag}},
		{exitUsage, "--forward must be a URL", []string{"--app", appFlag, "--forward", "localhost:3000"}},
		{exitUsage, "--timeout must be more than 0", []string{"--app", appFlag, "--forward", forward, "--timeout", "0s"}},
		{exitUsage, "name the app", []string{"--forward", forward}},
		{exitUsage, "no callback URL", []string{"--app", appFlag, "--forward", forward}},
		{exitFailed, "there is no app with SDKAppID 5", []string{"--app", "5", "--forward", forward}},
		{exitFailed, "there is no app with SDKAppID 5", []string{"--app", "5", "--forward", forward, "--instead"}},
	} {
		k.fail(test.status, test.want, append([]string{"listen"}, test.args...)...)
	}
	env := map[string]string{"KITH_OPERATOR": info.Operator, "KITH_OPERATOR_TOKEN": token.Secret}
	args := []string{"listen", "--forward", forward, "--instead"}
	checkFailure(t, execute(t, env, args...), exitFailed, fmt.Sprintf("`kith app callback set %s --listen`", appFlag), args)
	k.run("app", "callback", "set", appFlag, "--url", "http://127.0.0.1:1/")
	k.fail(exitUsage, "leave --instead out", "listen", "--app", appFlag, "--forward", forward, "--instead")
	var callback operator.Callback
	k.json(&callback, "app", "callback", "show", appFlag)
	if callback.Listen {
		t.Error("a refused command switched listening on")
	}
	away := []string{"listen", "--app", appFlag, "--forward", forward, "--operator", "http://127.0.0.1:1", "--operator-token", "x"}
	checkFailure(t, execute(t, nil, away...), exitFailed, "kith: check the URL, and that `kith serve` runs there", away)
	shell{t, t.TempDir()}.fail(exitFailed, "no server is running", "listen", "--app", appFlag, "--forward", forward)
}

func TestTriggerCommand(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	k.run("app", "create", "--sdkappid", appFlag)
	k.fail(exitUsage, "no callback URL", "trigger", api.CallbackBlackListAdd, "--app", appFlag)
	b := startBackend(t, nil)
	k.run("app", "callback", "set", appFlag, "--url", b.url)
	if out := k.run("trigger", api.CallbackBlackListAdd, "--app", appFlag); !strings.Contains(out, "delivered") {
		t.Errorf("for people:\n%s", out)
	}
	if got := b.next(); got.header.Get(api.HeaderTest) != "1" || !strings.Contains(got.body, `"PairList":[{`) {
		t.Errorf("sent %+v", got)
	}
	k.run("trigger", api.CallbackStateChange, "--app", appFlag, "--from", "mira")
	if got := b.next(); !strings.Contains(got.body, `"To_Account":"mira"`) {
		t.Errorf("sent %+v", got)
	}
	k.fail(exitUsage, "no callback command", "trigger", "Sns.Nothing", "--app", appFlag)
	k.fail(exitUsage, "name the app", "trigger", api.CallbackBlackListAdd)
	k.fail(exitUsage, "leave to_account out", "trigger", api.CallbackStateChange, "--app", appFlag, "--to", "a")
	k.fail(exitUsage, "printable ASCII", "trigger", api.CallbackBlackListAdd, "--app", appFlag, "--from", "ü")
	k.fail(exitUsage, "takes COMMAND", "trigger", "--app", appFlag)
	k.fail(exitFailed, "there is no app with SDKAppID 5", "trigger", api.CallbackBlackListAdd, "--app", "5")
	if len(b.posts) != 0 {
		t.Error("a refused command sent something")
	}
	k.run("app", "callback", "set", appFlag, "--url", "http://127.0.0.1:1/")
	k.fail(exitFailed, "the test callback failed: connect", "trigger", api.CallbackBlackListAdd, "--app", appFlag)
}
