package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/examples/appbackend/app"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func TestReplayOfDeadLetters(t *testing.T) { onEachEngine(t, testReplayOfDeadLetters) }

func testReplayOfDeadLetters(t *testing.T, engine func(*config.Config)) {
	const changes = 3
	k, _ := deadWorld(t, changes, engine)
	dead := k.await("dead", changes)
	b := startBackend(t, nil)
	k.run("app", "callback", "set", appFlag, "--url", b.url)

	var counted operator.CreatedReplay
	k.json(&counted, "replay", "--app", appFlag, "--dead", "--dry-run")
	if counted.Selected != changes || counted.Replay != nil {
		t.Errorf("counted %+v", counted)
	}
	var replay operator.Replay
	r := execute(t, nil, "replay", dead[0].ID, "--wait", "--json", "--data", k.data)
	decode(t, r.out, &replay)
	if r.status != exitDone || replay.State != relation.ReplayDone || replay.Delivered != 1 || !strings.Contains(r.err, "1 of 1") {
		t.Errorf("one event: %d %+v %s", r.status, replay, r.err)
	}
	got := b.next()
	if got.header.Get(api.HeaderReplay) != replay.ID || got.header.Get(api.HeaderWebhookID) != dead[0].ID || got.header.Get(api.HeaderSequence) != fmt.Sprint(dead[0].Seq) {
		t.Errorf("sent %+v", got)
	}
	var event operator.EventDetail
	k.json(&event, "events", "show", dead[0].ID)
	if event.State != relation.StateDelivered || len(event.Log) != 2 || event.Log[1].Replay != replay.ID ||
		!strings.HasPrefix(event.Explanation, "given up after 1 attempt; delivered by replay "+replay.ID+" at 20") {
		t.Errorf("replayed: %+v", event)
	}
	if out := k.run("events", "show", dead[0].ID); !strings.Contains(out, "replay …"+replay.ID[len(replay.ID)-12:]+" ") {
		t.Errorf("for people:\n%s", out)
	}

	r = execute(t, nil, "replay", "--app", appFlag, "--dead", "--wait", "--data", k.data)
	if r.status != exitDone || !strings.Contains(r.out, "2 of 2") {
		t.Errorf("the others: %+v", r)
	}
	var sent []string // of different accounts, so in any order
	for range 2 {
		got := b.next()
		if got.header.Get(api.HeaderReplay) == "" {
			t.Errorf("sent without its mark: %+v", got)
		}
		sent = append(sent, got.header.Get(api.HeaderWebhookID))
	}
	slices.Sort(sent)
	equal(t, "sent", sent, []string{dead[2].ID, dead[1].ID})
	k.await("dead", 0)
	for _, wait := range []string{"--wait", "--wait=false"} {
		if out := k.run("replay", "--app", appFlag, "--dead", wait); !strings.Contains(out, "nothing to send again") {
			t.Errorf("with nothing dead: %q", out)
		}
	}
	var list operator.ReplayList
	k.json(&list, "replay", "list")
	if len(list.Replays) != 2 || list.Replays[1].ID != replay.ID {
		t.Errorf("list %+v", list)
	}
	if out := k.run("replay", "list", "--limit", "1"); strings.Count(out, "\n") != 3 || !strings.Contains(out, "There are more; see --limit, now 1") {
		t.Errorf("one of them:\n%s", out)
	}
	k.fail(exitUsage, "--limit must be 1 or more, not 0", "replay", "list", "--limit", "0")
	if out := k.run("replay", "list", "--app", appFlag); strings.Count(out, "\n") != 3 || !strings.Contains(out, "dead letters") {
		t.Errorf("for people:\n%s", out)
	}
	if out := k.run("replay", "show", replay.ID); !strings.Contains(out, "event "+dead[0].ID) || !strings.Contains(out, "done") {
		t.Errorf("for people:\n%s", out)
	}
}

func TestReplayThatFails(t *testing.T) {
	k, _ := deadWorld(t, 2)
	r := execute(t, nil, "replay", "--app", appFlag, "--wait", "--data", k.data)
	if r.status != exitFailed || !strings.Contains(r.err, "2 events could not be delivered and stay what they were (last failure: connect") || !strings.Contains(r.out, "2 failed") {
		t.Errorf("%+v", r)
	}
	k.await("dead", 2)
}

func TestReplayOfWhatIsNotKeptAnyMoreFails(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		replay := operator.Replay{ID: "r", SDKAppID: 5, State: relation.ReplayDone, Total: 3, Delivered: 1, Note: "2 of the events were not kept"}
		_ = json.NewEncoder(w).Encode(operator.CreatedReplay{Selected: 3, Replay: &replay})
	}))
	defer server.Close()
	r := execute(t, nil, "replay", "--app", "5", "--wait", "--operator", server.URL, "--operator-token", "x")
	if r.status != exitFailed || !strings.Contains(r.err, "2 events could not be sent (2 of the events were not kept)") {
		t.Errorf("%+v", r)
	}
}

// While the server cannot tell whether a replay was created, it is asked again for the same one.
func TestReplayIsCreatedOnce(t *testing.T) {
	for refusals, want := range map[int]string{1: "Sending 3 events again: replay r", 5: "the store cannot"} {
		var asked []operator.CreateReplay
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var req operator.CreateReplay
			if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
				t.Error(err)
			}
			if asked = append(asked, req); len(asked) <= refusals {
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = io.WriteString(w, `{"error":{"code":"unavailable","message":"the store cannot do it now"}}`)
				return
			}
			_ = json.NewEncoder(w).Encode(operator.CreatedReplay{Selected: 3, Replay: &operator.Replay{ID: "r"}})
		}))
		defer server.Close()
		r := execute(t, nil, "replay", "--app", "5", "--operator", server.URL, "--operator-token", "x")
		if !strings.Contains(r.out+r.err, want) {
			t.Errorf("%d refusals: %+v, want %q", refusals, r, want)
		}
		if len(asked) != min(refusals+1, createTries) || asked[0].Replay == "" || asked[0].Replay != asked[1].Replay {
			t.Errorf("%d refusals: asked %+v", refusals, asked)
		}
	}
}

func TestReplayOrders(t *testing.T) { onEachEngine(t, testReplayOrders) }

func testReplayOrders(t *testing.T, engine func(*config.Config)) {
	k, _ := deadWorld(t, 3, engine)
	b := startBackend(t, nil)
	k.run("app", "callback", "set", appFlag, "--url", b.url)
	var made operator.CreatedReplay
	k.json(&made, "replay", "--app", appFlag, "--rate", "0.001")
	id := made.Replay.ID
	for _, order := range []struct {
		args  []string
		state relation.ReplayState
		rate  float64
	}{
		{[]string{"pause", id}, relation.ReplayPaused, 0.001},
		{[]string{"rate", id, "0.002"}, relation.ReplayPaused, 0.002},
		{[]string{"resume", id}, relation.ReplayRunning, 0.002},
		{[]string{"cancel", id}, relation.ReplayCancelled, 0.002},
	} {
		var replay operator.Replay
		k.json(&replay, append([]string{"replay"}, order.args...)...)
		if replay.ID != id || replay.State != order.state || replay.Rate != order.rate || replay.Total != 3 {
			t.Errorf("%v: %+v", order.args, replay)
		}
	}
	for _, test := range []struct {
		status int
		want   string
		args   []string
	}{
		{exitFailed, "is cancelled and cannot be resumed any more", []string{"resume", id}},
		{exitFailed, "no such replay", []string{"show", "nothing"}},
		{exitFailed, "no such replay", []string{"pause", "nothing"}},
		{exitUsage, "RATE must be a number", []string{"rate", id, "fast"}},
		{exitUsage, "RATE must be a number", []string{"rate", id, "NaN"}},
		{exitFailed, "there is no app", []string{"--app", "5"}},
		{exitFailed, "there is no app", []string{"list", "--app", "5"}},
		{exitFailed, "no such event", []string{made.Replay.ID}},
		{exitUsage, "must be the id of an event", []string{"x"}},
		{exitUsage, "leave the other conditions out", []string{made.Replay.Selection.Until, "--dead"}},
		{exitUsage, "after must be the id of an event", []string{"--app", appFlag, "--after", "x"}},
	} {
		k.fail(test.status, test.want, append([]string{"replay"}, test.args...)...)
	}
	var list operator.ReplayList
	if k.json(&list, "replay", "list"); len(list.Replays) != 1 {
		t.Errorf("a refused command made a replay: %+v", list)
	}
}

// What waits for a replay shows how far it is, and ends with it or when it is interrupted, which does not end the replay.
func TestReplayIsWaitedFor(t *testing.T) { onEachEngine(t, testReplayIsWaitedFor) }

func testReplayIsWaitedFor(t *testing.T, engine func(*config.Config)) {
	k, _ := deadWorld(t, 3, engine)
	k.run("app", "callback", "set", appFlag, "--url", startBackend(t, nil).url)
	args := []string{"replay", "--app", appFlag, "--rate", "0.001", "--wait", "--data", k.data}
	first := launch(t, nil, args...)
	first.said("of 3")
	if status := first.stop(); status != exitFailed {
		t.Errorf("interrupted: status %d", status)
	}
	first.said("the replay goes on")
	var list operator.ReplayList
	k.json(&list, "replay", "list")
	if len(list.Replays) != 1 || list.Replays[0].State != relation.ReplayRunning {
		t.Fatalf("list %+v", list)
	}
	second := launch(t, nil, args...)
	second.said("of 3")
	k.json(&list, "replay", "list")
	k.run("replay", "pause", list.Replays[0].ID)
	second.said("paused: ")
	k.run("replay", "cancel", list.Replays[0].ID)
	second.said("the replay was cancelled")
	if status := second.stop(); status != exitFailed {
		t.Errorf("cancelled: status %d", status)
	}
}

func TestExportCommand(t *testing.T) { onEachEngine(t, testExportCommand) }

func testExportCommand(t *testing.T, engine func(*config.Config)) {
	k, _ := deadWorld(t, 3, engine)
	newest := k.await("dead", 3)[0]
	file := filepath.Join(t.TempDir(), "lists.jsonl")
	var report exportReport
	k.json(&report, "export", "blocklists", "--app", appFlag, "-o", file)
	if report.Lists != 3 || report.Entries != 3 || report.Position != newest.ID || report.File != file {
		t.Errorf("report %+v", report)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "\n") != 5 || !strings.Contains(string(text), `"To_Account":"`+crashTarget(0)+`"`) {
		t.Errorf("%v, file\n%s", err, text)
	}
	if out := k.run("export", "blocklists", "--app", appFlag, "-o", file); !strings.Contains(out, "kith replay --app "+appFlag+" --after "+newest.ID) {
		t.Errorf("for people:\n%s", out)
	}
	r := execute(t, nil, "export", "blocklists", "--app", appFlag, "--data", k.data)
	if r.status != exitDone || strings.Count(r.out, "\n") != 5 || !strings.Contains(r.err, "position "+newest.ID) {
		t.Errorf("to standard output: %+v", r)
	}
	empty := t.TempDir()
	k.fail(exitUsage, "name the app", "export", "blocklists", "-o", filepath.Join(empty, "x"))
	k.fail(exitFailed, "there is no app", "export", "blocklists", "--app", "5", "-o", filepath.Join(empty, "x"))
	k.fail(exitFailed, "cannot write there", "export", "blocklists", "--app", appFlag, "-o", filepath.Join(empty, "no", "x"))
	if left, err := os.ReadDir(empty); err != nil || len(left) != 0 {
		t.Errorf("a refused export left %v, err %v", left, err)
	}
}

// handTo hands a callback to an app backend.
func handTo(t *testing.T, b *app.Backend, p post) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, app.CallbackPath+"?"+p.query, strings.NewReader(p.body))
	r.Header = p.header
	w := httptest.NewRecorder()
	if b.ServeHTTP(w, r); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"OK"`) {
		t.Fatalf("answer %d %s", w.Code, w.Body)
	}
}

// An app backend with a wrong copy gets the right one from an export, a replay of what came after it, and the callbacks of
// changes that go on, in whatever order they come. It uses the documented loader.
func TestRebuildACopy(t *testing.T) { onEachEngine(t, testRebuildACopy) }

func testRebuildACopy(t *testing.T, engine func(*config.Config)) {
	data, info := startServer(t, engine)
	k := shell{t, data}
	b := startBackend(t, nil)
	c := newCrashCaller(t, data, b.url)
	c.connect(info.HTTP)
	c.importAccounts(t)
	random := rand.New(rand.NewPCG(3, 4))
	changes := func(n int) {
		for range n {
			command := []string{api.CallbackBlackListAdd, api.CallbackBlackListDelete}[random.IntN(2)]
			targets := []string{crashTarget(random.IntN(4)), crashTarget(4 + random.IntN(4))}
			if _, err := c.change(crashOwner(random.IntN(3)), change{Command: command, Targets: targets}); err != nil {
				t.Fatal(err)
			}
		}
	}
	copied, err := app.New(app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var posts []post
	// arrive hands the callbacks that came in any order, all but some, which come once more later.
	arrive := func(skip int) {
		for len(b.posts) > 0 {
			posts = append(posts, b.next())
		}
		random.Shuffle(len(posts), func(i, j int) { posts[i], posts[j] = posts[j], posts[i] })
		for _, p := range posts[min(skip, len(posts)):] {
			handTo(t, copied, p)
		}
	}
	changes(40)
	k.settled()
	arrive(20)
	file := filepath.Join(t.TempDir(), "lists.jsonl")
	var report exportReport
	k.json(&report, "export", "blocklists", "--app", appFlag, "-o", file)
	changes(40)
	k.settled()
	arrive(40)
	export, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer export.Close()
	if position, err := copied.Rebuild(export); err != nil || position != report.Position {
		t.Fatalf("rebuilt up to %s, want %s: %v", position, report.Position, err)
	}
	posts = nil // what was answered before comes again only by the replay
	r := execute(t, nil, "replay", "--app", appFlag, "--after", report.Position, "--wait", "--data", data)
	if r.status != exitDone {
		t.Fatalf("replay: %+v", r)
	}
	changes(20)
	k.settled()
	arrive(0)
	checkCopy(t, c, copied)
}

func checkCopy(t *testing.T, c *crashCaller, copied *app.Backend) {
	t.Helper()
	for owner := range 3 {
		var answer api.BlockGetResponse
		if err := c.call("sns/black_list_get", api.BlockGetRequest{FromAccount: crashOwner(owner), MaxLimited: 100}, &answer); err != nil {
			t.Fatal(err)
		}
		want := []string{}
		for _, entry := range answer.BlackListItem {
			want = append(want, entry.ToAccount)
		}
		slices.Sort(want)
		if got := copied.Blocked(1600077123, crashOwner(owner)); !slices.Equal(got, want) {
			t.Errorf("the copy of %s holds %v, want %v", crashOwner(owner), got, want)
		}
	}
}

// settled waits until nothing waits.
func (s shell) settled() {
	s.t.Helper()
	s.await("retrying", 0)
	s.await("waiting", 0)
}
