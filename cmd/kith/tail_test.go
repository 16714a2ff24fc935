package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// tailed is a line of a tail with --json.
type tailed struct {
	Event    *operator.Event    `json:"event"`
	Activity *operator.Activity `json:"activity"`
}

func TestTailFollowsAcrossServers(t *testing.T) { onEachEngine(t, testTailFollowsAcrossServers) }

func testTailFollowsAcrossServers(t *testing.T, engine func(*config.Config)) {
	c := testConfig(t)
	engine(&c)
	s := runServer(t, c)
	answers := make(chan int, 1)
	b := startBackend(t, func(w http.ResponseWriter, _ *http.Request) {
		select {
		case status := <-answers:
			w.WriteHeader(status)
		default:
			_, _ = w.Write([]byte(handled))
		}
	})
	caller := newCrashCaller(t, c.Data, b.url)
	caller.connect(s.Info().HTTP)
	caller.importAccounts(t)
	r := launch(t, nil, "events", "tail", "-f", "-n", "0", "--data", c.Data, "--app", appFlag, "--account", crashOwner(0), "--json")
	people := launch(t, nil, "events", "tail", "-f", "-n", "0", "--data", c.Data)
	r.said("following")
	people.said("following")

	answers <- http.StatusServiceUnavailable
	caller.block(t, 0)
	for _, want := range []string{"retry", "delivered"} {
		var line tailed
		r.next(&line)
		a := line.Activity
		if a == nil || a.Verdict != want || a.Event.FromAccount != crashOwner(0) || a.Endpoint != b.url || (a.Attempt.Reason == "") != (want == "delivered") {
			t.Errorf("%s: %+v", want, a)
		}
		if text := people.line(); len(text) < 19 || text[4] != '-' || text[10] != ' ' || !strings.Contains(text, want) || !strings.Contains(text, a.Event.ID) || !strings.Contains(text, crashTarget(0)) {
			t.Errorf("for people: %s", text)
		}
	}
	stopServer(t, s)
	r.said("trying again")
	s = runServer(t, c)
	r.said("following")
	r.said("are not shown")
	caller.connect(s.Info().HTTP)
	caller.block(t, 1)
	var line tailed
	if r.next(&line); line.Activity == nil || line.Activity.Event.ToAccount[0] != crashTarget(1) {
		t.Errorf("after the restart: %+v", line.Activity)
	}
	if status := r.stop(); status != exitDone {
		t.Errorf("interrupted: status %d", status)
	}
}

func TestTailRefusals(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	for _, test := range []struct {
		status int
		want   string
		args   []string
	}{
		{exitFailed, "there is no app with SDKAppID 5", []string{"--app", "5"}},
		{exitUsage, "there is no callback command", []string{"--command", "x"}},
		{exitUsage, "printable ASCII", []string{"--account", "ü"}},
	} {
		k.fail(test.status, test.want, append([]string{"events", "tail", "-f", "-n", "0"}, test.args...)...)
	}
}

func TestEndpointsCommand(t *testing.T) {
	data, _ := startServer(t)
	k := shell{t, data}
	if out := k.run("endpoints"); !strings.Contains(out, "There are no endpoints") {
		t.Errorf("none:\n%s", out)
	}
	k.run("app", "create", "--sdkappid", appFlag)
	k.run("app", "callback", "set", appFlag, "--url", "http://127.0.0.1:1/")
	k.run("app", "callback", "pause", appFlag, "--reason", "maintenance")
	var list operator.EndpointList
	k.json(&list, "endpoints")
	if len(list.Endpoints) != 1 || list.Endpoints[0].State != relation.EndpointPaused || fmt.Sprint(list.Endpoints[0].SDKAppID) != appFlag {
		t.Errorf("endpoints %+v", list)
	}
	if out := k.run("endpoints"); !strings.Contains(out, "paused") || !strings.Contains(out, "maintenance") {
		t.Errorf("for people:\n%s", out)
	}
	long := strings.Repeat("the database of the app backend moves, ", 5) + "ä"
	k.run("app", "callback", "pause", appFlag, "--reason", long)
	if out := k.run("endpoints"); !strings.Contains(out, "  "+long[:maxReason-1]+"…\n") || len(strings.Split(out, "\n")) != 3 {
		t.Errorf("a long reason:\n%s", out)
	}
	if out := k.run("app", "callback", "show", appFlag); !strings.Contains(out, "("+long+")") {
		t.Errorf("the whole of a long reason:\n%s", out)
	}
	if k.json(&list, "endpoints"); list.Endpoints[0].Reason != long {
		t.Errorf("as JSON %q", list.Endpoints[0].Reason)
	}
	k.json(&list, "endpoints", "--app", appFlag)
	if len(list.Endpoints) != 1 {
		t.Errorf("of one app %+v", list)
	}
}

func TestCut(t *testing.T) {
	for text, want := range map[string]string{"": "", "Zoë!": "Zoë!", "Zoë 猫": "Zoë…"} {
		if got := cut(text, 4); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestEndpointsForPeople(t *testing.T) {
	var out strings.Builder
	writeEndpoints(&out, operator.EndpointList{Endpoints: []operator.EndpointStatus{
		{SDKAppID: 7, State: relation.EndpointHealthy, Since: time.Unix(0, 0), Limit: 9, InFlight: 14},
		{
			SDKAppID: 8, State: relation.EndpointHealthy, Since: time.Unix(0, 0), Limit: 16, InFlight: 1,
			LastFailure: "app-error: ErrorCode 7", LastFailureAt: time.Unix(60, 0), RecentAttempts: 5, RecentFailed: 4,
		},
	}})
	writeCallback(&out, operator.Callback{URL: "https://x", Endpoint: &operator.EndpointStatus{LastFailure: "connect", LastFailureAt: time.Unix(90, 0)}})
	for _, want := range []string{"last failure\t" + when(time.Unix(90, 0)) + " (connect)", "14, limit 9 now", "1 of 16", "4 of 5 failed", "app-error: ErrorCode 7", when(time.Unix(60, 0))} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing:\n%s", want, out.String())
		}
	}
}
