package conformance

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

const (
	sdkAppID = "1600077123"
	admin    = "administrator"
	key      = "d41c0ffee5eedf00d77aa19b3e2c4486b0a1c2d3e4f5061728394a5b6c7d8e9f"
	token    = "wh-token-7"

	added   = "Sns.CallbackBlackListAdd"
	removed = "Sns.CallbackBlackListDelete"
)

// TestNodeSDK runs conformance/node/scenario.test.mjs against a server and then checks the callbacks that it caused:
// one for each call that changed something, with the pairs that changed, in order for each account, byte for byte.
func TestNodeSDK(t *testing.T) {
	node := lookNode(t)
	backend := startReceiver(t)
	k := startKith(t)
	k.command(t, "app", "create", "--sdkappid", sdkAppID, "--name", "conformance", "--admin", admin, "--key", key)
	k.command(t, "app", "callback", "set", sdkAppID, "--url", backend.url, "--token", token,
		"--enable", added+","+removed)

	// Its own environment: a proxy set for this machine would swallow the requests.
	scenario := exec.Command(node, "--no-deprecation", "--test-reporter=spec", "scenario.test.mjs")
	scenario.Dir = "node"
	scenario.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"KITH_URL=" + k.ready.HTTP, "KITH_SDKAPPID=" + sdkAppID, "KITH_KEY=" + key, "KITH_ADMIN=" + admin,
	}
	run(t, scenario)

	// The removal that was sent twice is one event, and so are not four but three for alice. Had the second one caused a
	// callback too, it would have come before the last, since those of one account come in order.
	want := map[string][]string{
		"alice": {
			body(added, "alice", "bob", "carol", "dave"),
			body(removed, "alice", "bob", "carol"),
			body(removed, "alice", "dave"),
		},
		"bob":  {body(added, "bob", "alice")},
		"erin": {body(added, "erin", "alice")},
	}
	total := 0
	for _, events := range want {
		total += len(events)
	}
	got := make(map[string][]string)
	for _, c := range backend.await(t, total) {
		command := added
		if strings.Contains(c.body, removed) {
			command = removed
		}
		c.checkQuery(t, sdkAppID, command, token)
		if c.id == "" || c.contentType != "application/json" {
			t.Errorf("callback has webhook-id %q and Content-Type %q", c.id, c.contentType)
		}
		got[c.owner()] = append(got[c.owner()], c.body)
	}
	for owner, events := range want {
		if strings.Join(got[owner], "\n") != strings.Join(events, "\n") {
			t.Errorf("callbacks of %s:\n%s\nwant:\n%s", owner, strings.Join(got[owner], "\n"), strings.Join(events, "\n"))
		}
	}
}

// lookNode finds Node.js and the npm packages.
func lookNode(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is missing: install Node.js 20 or newer")
	}
	for _, name := range []string{"imsdk-restapi-nodejs-es6-sdk", "standardwebhooks"} {
		if _, err := os.Stat("node/node_modules/" + name); err != nil {
			t.Fatal("npm packages of conformance/node are missing: run `make deps`")
		}
	}
	return node
}

// body is the documented body of a callback, written out by hand.
func body(command, from string, to ...string) string {
	pairs := make([]string, len(to))
	for i, id := range to {
		pairs[i] = `{"From_Account":"` + from + `","To_Account":"` + id + `"}`
	}
	return `{"CallbackCommand":"` + command + `","PairList":[` + strings.Join(pairs, ",") + `]}`
}

// owner is the From_Account of the first pair.
func (c callback) owner() string {
	_, rest, _ := strings.Cut(c.body, `"From_Account":"`)
	owner, _, _ := strings.Cut(rest, `"`)
	return owner
}
