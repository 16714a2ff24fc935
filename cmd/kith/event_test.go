package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// deadWorld is a server with dead letters: nothing listens on port 1, and nothing is retried. The settings adjust
// its configuration.
func deadWorld(t *testing.T, changes int, settings ...func(*config.Config)) (shell, *crashCaller) {
	t.Helper()
	data, info := startServer(t, settings...)
	k := shell{t, data}
	c := newCrashCaller(t, data, "http://127.0.0.1:1/")
	c.connect(info.HTTP)
	c.importAccounts(t)
	k.run("app", "callback", "set", appFlag, "--retry", "off")
	for i := range changes {
		if _, err := c.change(crashOwner(i), change{Command: api.CallbackBlackListAdd, Targets: []string{crashTarget(0)}}); err != nil {
			t.Fatal(err)
		}
	}
	k.await("dead", changes)
	return k, c
}

// await waits until that many events are in a state, and returns them.
func (s shell) await(state string, n int) []operator.Event {
	s.t.Helper()
	for deadline := time.Now().Add(processStart); ; {
		var page operator.EventPage
		s.json(&page, "events", "list", "--app", appFlag, "--state", state)
		if len(page.Events) == n {
			return page.Events
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s events: %+v, want %d", state, page, n)
		}
	}
}

func TestOutboxCommand(t *testing.T) {
	data, _ := startServer(t)
	empty := shell{t, data}
	var outbox operator.Outbox
	empty.json(&outbox, "events")
	equal(t, "empty outbox", outbox, operator.Outbox{Apps: []operator.OutboxStats{}})

	k, _ := deadWorld(t, 3)
	k.json(&outbox, "events", "--app", appFlag)
	equal(t, "outbox", outbox, operator.Outbox{Apps: []operator.OutboxStats{{SDKAppID: crashApp, Dead: 3}}})
	k.run("app", "create", "--sdkappid", "5")
	if out := k.run("events", "--app", "5"); !strings.Contains(out, "Nothing waits") {
		t.Errorf("outbox of another app:\n%s", out)
	}
	k.fail(exitFailed, "there is no app", "events", "--app", "6")
	k.fail(exitUsage, `no command "nothing"`, "events", "nothing")
	k.fail(exitUsage, "ID is empty", "events", "show", "")
}

func TestEventsParkAndRetry(t *testing.T) { onEachEngine(t, testEventsParkAndRetry) }

func testEventsParkAndRetry(t *testing.T, engine func(*config.Config)) {
	data, info := startServer(t, engine)
	k := shell{t, data}
	c := newCrashCaller(t, data, "http://127.0.0.1:1/")
	c.connect(info.HTTP)
	c.importAccounts(t)
	for range 2 {
		for _, command := range []string{api.CallbackBlackListAdd, api.CallbackBlackListDelete} {
			if _, err := c.change(crashOwner(0), change{Command: command, Targets: []string{crashTarget(0)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	head := k.await("retrying", 1)[0]
	behind := k.await("waiting", 3)[0]
	if r := execute(t, nil, "__complete", "events", "park", "--data", data, ""); !strings.Contains(r.out, head.ID+"\t"+crashOwner(0)) {
		t.Errorf("completion:\n%s%s", r.out, r.err)
	}
	k.fail(exitFailed, "waits behind "+head.ID, "events", "park", behind.ID)
	k.fail(exitFailed, "waits behind "+head.ID, "events", "retry", behind.ID)
	var detail operator.EventDetail
	k.json(&detail, "events", "retry", head.ID)
	if detail.State != relation.StateRetrying {
		t.Errorf("retried: %+v", detail)
	}
	k.json(&detail, "events", "park", head.ID, "--app", appFlag)
	if detail.State != relation.StateDead || detail.Reason != "parked by an operator" {
		t.Errorf("parked: %+v", detail)
	}
	k.fail(exitFailed, "does not wait any more: given up at", "events", "park", head.ID)
	if next := k.await("retrying", 1)[0]; next.ID == head.ID {
		t.Errorf("the head is still %+v", next)
	}
	k.fail(exitUsage, "ID is empty", "events", "park", "")
}

func TestEventsList(t *testing.T) { onEachEngine(t, testEventsList) }

func testEventsList(t *testing.T, engine func(*config.Config)) {
	const changes = 3
	k, _ := deadWorld(t, changes, engine)
	all := k.await("dead", changes)
	newest := all[0]
	if newest.Attempts != 1 || !strings.HasPrefix(newest.Reason, "connect: ") || len(newest.ToAccount) != 1 || !all[0].Created.After(all[2].Created.Add(-time.Second)) {
		t.Errorf("dead letter: %+v", newest)
	}
	var page operator.EventPage
	k.json(&page, "events", "list", "--limit", "2")
	if len(page.Events) != 2 || page.Events[0].ID != newest.ID || page.Next == "" {
		t.Errorf("two of them: %+v", page)
	}
	page = operator.EventPage{}
	k.json(&page, "events", "list", "--account", crashOwner(1), "--command", api.CallbackBlackListAdd, "--from", "1h", "--to", "0s", "--state", "dead")
	if len(page.Events) != 1 || page.Events[0].FromAccount != crashOwner(1) {
		t.Errorf("of one account: %+v", page)
	}
	if out := k.run("events", "list"); strings.Count(out, "\n") != changes+1 || !strings.Contains(out, newest.ID) || !strings.Contains(out, crashTarget(0)) {
		t.Errorf("for people:\n%s", out)
	}
	page = operator.EventPage{}
	k.json(&page, "events", "list", "--to-account", crashTarget(0))
	if len(page.Events) != changes {
		t.Errorf("of one target: %+v", page)
	}
	if out := k.run("events", "list", "--account", crashTarget(0)); !strings.Contains(out, "as From_Account; --to-account finds") {
		t.Errorf("of a target as From_Account: %s", out)
	}
	if out := k.run("events", "list", "--limit", "1"); !strings.Contains(out, "There may be more") {
		t.Errorf("the first of them:\n%s", out)
	}
	k.run("app", "create", "--sdkappid", "5")
	if out := k.run("events", "list", "--app", "5"); !strings.Contains(out, "No event matches") {
		t.Errorf("of another app:\n%s", out)
	}
	for _, test := range []struct {
		status int
		want   string
		args   []string
	}{
		{exitFailed, "there is no app", []string{"--app", "6"}},
		{exitUsage, "--limit must be 1 or more", []string{"--limit", "0"}},
		{exitUsage, "there is no state", []string{"--state", "lost"}},
		{exitUsage, "there is no callback command", []string{"--command", "x"}},
		{exitUsage, "from must be a time", []string{"--from", "yesterday"}},
		{exitUsage, "from must be before to", []string{"--from", "1h", "--to", "2h"}},
		{exitUsage, "printable ASCII", []string{"--account", "ü"}},
	} {
		k.fail(test.status, test.want, append([]string{"events", "list"}, test.args...)...)
	}
}

func TestEventsShowAndTail(t *testing.T) { onEachEngine(t, testEventsShowAndTail) }

func testEventsShowAndTail(t *testing.T, engine func(*config.Config)) {
	k, _ := deadWorld(t, 3, engine)
	all := k.await("dead", 3)
	var event operator.EventDetail
	k.json(&event, "events", "show", all[0].ID)
	if event.ID != all[0].ID || len(event.Log) != 1 || event.Log[0].Reason != "connect" || event.Log[0].Number != 1 || event.Log[0].At.IsZero() ||
		!strings.HasPrefix(event.Explanation, "given up at ") || event.State != relation.StateDead {
		t.Errorf("shown: %+v", event)
	}
	if out := k.run("events", "show", all[0].ID, "--app", appFlag); !strings.Contains(out, event.Explanation) || !strings.Contains(out, "ATTEMPT") {
		t.Errorf("for people:\n%s", out)
	}
	k.fail(exitFailed, "no such event", "events", "show", strings.Replace(all[0].ID, all[0].ID[:4], "0000", 1))
	k.fail(exitUsage, "must be the id of an event", "events", "show", "x")
	k.run("app", "create", "--sdkappid", "5")
	k.fail(exitFailed, "no such event", "events", "show", all[0].ID, "--app", "5")

	out := strings.Split(strings.TrimSpace(k.run("events", "tail", "-n", "2")), "\n")
	if len(out) != 2 || !strings.Contains(out[0], all[1].ID) || !strings.Contains(out[1], all[0].ID) {
		t.Errorf("the newest two, the older one first:\n%s", out)
	}
	r := launch(t, nil, "events", "tail", "-f", "-n", "1", "--data", k.data, "--json")
	var line tailed
	if r.next(&line); line.Event == nil || line.Event.ID != all[0].ID {
		t.Errorf("the newest one, then what comes: %+v", line)
	}
}

// An event that waits says what for.
func TestEventsThatWait(t *testing.T) {
	data, info := startServer(t)
	k := shell{t, data}
	b := startBackend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	c := newCrashCaller(t, data, b.url)
	c.connect(info.HTTP)
	c.importAccounts(t)
	c.block(t, 0)
	c.block(t, 1)
	b.next()
	first, second := k.await("retrying", 1)[0], k.await("waiting", 1)[0]
	var event operator.EventDetail
	k.json(&event, "events", "show", second.ID)
	if !strings.HasPrefix(event.Explanation, "waits behind "+first.ID+" of this account, which failed with status: 503 and is retried at ") {
		t.Errorf("explanation %q", event.Explanation)
	}
	k.fail(exitUsage, "will be sent anyway", "replay", second.ID)
	if ids := []string{first.ID, second.ID}; !slices.IsSorted(ids) {
		t.Errorf("ids do not rise: %v", ids)
	}
}

func TestEventTellsInShort(t *testing.T) {
	for want, e := range map[string]operator.Event{
		"-":                     {},
		"a":                     {ToAccount: []string{"a"}},
		"a +2":                  {ToAccount: []string{"a", "b", "c"}},
		"Disconnect, LinkClose": {Change: &relation.StateChange{Action: "Disconnect", Reason: "LinkClose"}},
		"Login, Register, put out Web, iPad": {
			Change: &relation.StateChange{Action: "Login", Reason: "Register", Kicked: []string{"Web", "iPad"}},
		},
	} {
		equal(t, "event", tells(e), want)
	}
}
