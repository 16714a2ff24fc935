package app

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/webhook"
)

const (
	testApp  = 1600077123
	testTime = 1767225660
)

// fixture is a backend behind a real socket.
type fixture struct {
	*Backend
	server *httptest.Server
	out    bytes.Buffer
	events []webhook.BlackListEvent
	states []webhook.StateEvent
}

func start(t *testing.T, o Options) *fixture {
	t.Helper()
	f := &fixture{}
	o.Out = &f.out
	o.OnEvent = func(e webhook.BlackListEvent) { f.events = append(f.events, e) }
	o.OnState = func(e webhook.StateEvent) { f.states = append(f.states, e) }
	o.Logger = slog.New(slog.DiscardHandler)
	o.Now = func() time.Time { return time.Unix(testTime, 0) }
	backend, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Backend, f.server = backend, httptest.NewServer(backend)
	t.Cleanup(f.server.Close)
	return f
}

// callback is one delivery.
type callback struct {
	app     uint32
	token   string
	command string
	pairs   []api.Pair
	id      string
	attempt int

	header map[string]string // further ones
}

// loggedIn is State.StateChange of a login.
func loggedIn(account string, kicked ...api.KickedDevice) []byte {
	return webhook.EncodeState(api.StateCallback{
		CallbackCommand: api.CallbackStateChange, EventTime: testTime * 1000, KickedDevice: kicked,
		Info: api.StateInfo{Action: api.StateLogin, ToAccount: account, Reason: api.StateRegister},
	})
}

// send delivers as Kith does and returns status and ErrorCode.
func (f *fixture) send(t *testing.T, c callback) (status, code int) {
	t.Helper()
	return f.sendBody(t, c, webhook.EncodeBlackList(c.command, c.pairs))
}

func (f *fixture) sendBody(t *testing.T, c callback, body []byte) (status, code int) {
	t.Helper()
	target, err := webhook.NewTarget(webhook.TargetOptions{URL: f.server.URL + CallbackPath, SDKAppID: c.app, Token: c.token})
	if err != nil {
		t.Fatal(err)
	}
	url := target.URL(webhook.Call{Command: c.command, ClientIP: "127.0.0.1", OptPlatform: api.PlatformREST, RequestTime: testTime})
	r, err := http.NewRequest(http.MethodPost, url.String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if c.id != "" {
		r.Header.Set(api.HeaderWebhookID, c.id)
		r.Header.Set(api.HeaderAttempt, strconv.Itoa(c.attempt))
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	status, text := f.do(t, r)
	answer, err := webhook.ParseAnswer(text)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer.ErrorCode
}

func (f *fixture) do(t *testing.T, r *http.Request) (int, []byte) {
	t.Helper()
	response, err := f.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

func (f *fixture) get(t *testing.T, pathAndQuery string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, f.server.URL+pathAndQuery, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f.do(t, r)
}

func pairs(from string, targets ...string) []api.Pair {
	var list []api.Pair
	for _, to := range targets {
		list = append(list, api.Pair{FromAccount: from, ToAccount: to})
	}
	return list
}

func TestBackendFollowsChanges(t *testing.T) {
	f := start(t, Options{SDKAppID: testApp, Tokens: []string{"wh-token-7"}})
	add := callback{testApp, "wh-token-7", api.CallbackBlackListAdd, pairs("mira.k", "troll_77", "spam", "ad"), "e1", 1, nil}
	remove := callback{testApp, "wh-token-7", api.CallbackBlackListDelete, pairs("mira.k", "troll_77", "spam"), "e2", 1, nil}
	again := remove
	again.attempt = 2
	for _, c := range []callback{add, remove, again} {
		if status, code := f.send(t, c); status != 200 || code != 0 {
			t.Fatalf("%s: %d, ErrorCode %d", c.command, status, code)
		}
	}
	if got, want := f.Blocked(testApp, "mira.k"), []string{"ad"}; !reflect.DeepEqual(got, want) {
		t.Errorf("blocked %v, want %v", got, want)
	}
	const want = `blocked    mira.k -> troll_77   (event e1, attempt 1, from 127.0.0.1 RESTAPI)
blocked    mira.k -> spam   (event e1, attempt 1, from 127.0.0.1 RESTAPI)
blocked    mira.k -> ad   (event e1, attempt 1, from 127.0.0.1 RESTAPI)
unblocked  mira.k -> troll_77   (event e2, attempt 1, from 127.0.0.1 RESTAPI)
unblocked  mira.k -> spam   (event e2, attempt 1, from 127.0.0.1 RESTAPI)
unblocked  mira.k -> troll_77   (no change in this copy, event e2, attempt 2, from 127.0.0.1 RESTAPI)
unblocked  mira.k -> spam   (no change in this copy, event e2, attempt 2, from 127.0.0.1 RESTAPI)
`
	if got := f.out.String(); got != want {
		t.Errorf("printed\n%swant\n%s", got, want)
	}
	if len(f.events) != 3 || f.events[2].ID != "e2" || f.events[2].Attempt != 2 {
		t.Errorf("OnEvent got %+v", f.events)
	}
}

// A replay comes beside newer events. It mends what is missing and puts nothing old back; the lines say what came of it.
func TestBackendBearsReplays(t *testing.T) {
	f := start(t, Options{SDKAppID: testApp})
	add := func(id, sequence, replay string, targets ...string) callback {
		c := callback{testApp, "", api.CallbackBlackListAdd, pairs("mira.k", targets...), id, 1, map[string]string{api.HeaderSequence: sequence}}
		if replay != "" {
			c.header[api.HeaderReplay] = replay
		}
		return c
	}
	remove := add("e3", "3", "", "troll_77")
	remove.command = api.CallbackBlackListDelete
	for _, c := range []callback{
		add("e1", "1", "", "troll_77"), remove, // e2 was lost
		add("e1", "1", "r1", "troll_77"), add("e2", "2", "r1", "spam"), add("e2", "2", "r1", "spam"),
		add("e4", "4", "", "troll_77"),
	} {
		if status, code := f.send(t, c); status != 200 || code != 0 {
			t.Fatalf("%s: %d, ErrorCode %d", c.id, status, code)
		}
	}
	if got, want := f.Blocked(testApp, "mira.k"), []string{"spam", "troll_77"}; !reflect.DeepEqual(got, want) {
		t.Errorf("blocked %v, want %v", got, want)
	}
	const want = `blocked    mira.k -> troll_77   (event e1, attempt 1, from 127.0.0.1 RESTAPI)
unblocked  mira.k -> troll_77   (event e3, attempt 1, from 127.0.0.1 RESTAPI)
blocked    mira.k -> troll_77   (older than this copy, event e1, attempt 1, replay r1, from 127.0.0.1 RESTAPI)
blocked    mira.k -> spam   (event e2, attempt 1, replay r1, from 127.0.0.1 RESTAPI)
blocked    mira.k -> spam   (no change in this copy, event e2, attempt 1, replay r1, from 127.0.0.1 RESTAPI)
blocked    mira.k -> troll_77   (event e4, attempt 1, from 127.0.0.1 RESTAPI)
`
	if got := f.out.String(); got != want {
		t.Errorf("printed\n%swant\n%s", got, want)
	}
}

// The pairs of a test are made up: it is shown and changes nothing.
func TestBackendShowsTestsOnly(t *testing.T) {
	f := start(t, Options{SDKAppID: testApp})
	header := map[string]string{api.HeaderTest: "1"}
	f.send(t, callback{testApp, "", api.CallbackBlackListAdd, pairs("a", "b"), "test_1", 1, header})
	f.sendBody(t, callback{testApp, "", api.CallbackStateChange, nil, "test_2", 1, header}, loggedIn("a"))
	const want = `blocked    a -> b   (test, event test_1, attempt 1, from 127.0.0.1 RESTAPI)
state      a Login, Register   (test, event test_2, attempt 1, from 127.0.0.1 RESTAPI)
`
	if got := f.out.String(); got != want {
		t.Errorf("printed\n%swant\n%s", got, want)
	}
	if got := f.Blocked(testApp, "a"); len(got) != 0 || len(f.events) != 0 || len(f.states) != 0 {
		t.Errorf("a test had an effect: %v, %v, %v", got, f.events, f.states)
	}
}

// With Secrets, a Token is not enough.
func TestBackendChecksSignatures(t *testing.T) {
	private, public := webhook.NewKeyPair()
	signer, err := webhook.NewSigner([]string{private})
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, Options{SDKAppID: testApp, Tokens: []string{"wh-token-7"}, Secrets: []string{public}})
	c := callback{testApp, "wh-token-7", api.CallbackBlackListAdd, pairs("a", "b"), "e1", 1, nil}
	if status, _ := f.send(t, c); status != 403 {
		t.Errorf("unsigned: %d, want 403", status)
	}
	c.header = map[string]string{
		api.HeaderWebhookTimestamp: strconv.Itoa(testTime),
		api.HeaderWebhookSignature: signer.Sign("e1", time.Unix(testTime, 0), webhook.EncodeBlackList(c.command, c.pairs)),
	}
	if status, code := f.send(t, c); status != 200 || code != 0 || len(f.events) != 1 {
		t.Errorf("signed: %d, ErrorCode %d, want OK", status, code)
	}
}

func TestBackendPrintsLogins(t *testing.T) {
	f := start(t, Options{SDKAppID: testApp, Tokens: []string{"wh-token-7"}})
	c := callback{testApp, "wh-token-7", api.CallbackStateChange, nil, "e1", 1, nil}
	for _, body := range [][]byte{
		loggedIn("mira.k"), loggedIn("mira.k", api.KickedDevice{Platform: "Web"}, api.KickedDevice{Platform: "iPad"}), loggedIn("\x1b[2J"),
	} {
		if status, code := f.sendBody(t, c, body); status != 200 || code != 0 {
			t.Fatalf("%d, ErrorCode %d", status, code)
		}
	}
	const want = `state      mira.k Login, Register   (event e1, attempt 1, from 127.0.0.1 RESTAPI)
state      mira.k Login, Register, put out Web iPad   (event e1, attempt 1, from 127.0.0.1 RESTAPI)
state      "\x1b[2J" Login, Register   (event e1, attempt 1, from 127.0.0.1 RESTAPI)
`
	if got := f.out.String(); got != want {
		t.Errorf("printed\n%swant\n%s", got, want)
	}
	if len(f.states) != 3 || f.states[0].Account != "mira.k" || len(f.events) != 0 {
		t.Errorf("OnState got %+v, OnEvent %+v", f.states, f.events)
	}
}

func TestBackendTakesAnyApp(t *testing.T) {
	f := start(t, Options{})
	f.send(t, callback{1, "", api.CallbackBlackListAdd, pairs("a", "b"), "", 0, nil})
	f.send(t, callback{2, "", api.CallbackBlackListAdd, pairs("a", "c"), "", 0, nil})
	if one, two := f.Blocked(1, "a"), f.Blocked(2, "a"); !reflect.DeepEqual([][]string{one, two}, [][]string{{"b"}, {"c"}}) {
		t.Errorf("lists of the apps: %v and %v", one, two)
	}
	if got, want := f.out.String(), "blocked    a -> b   (from 127.0.0.1 RESTAPI)\nblocked    a -> c   (from 127.0.0.1 RESTAPI)\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestBackendRefuses(t *testing.T) {
	f := start(t, Options{SDKAppID: testApp, Tokens: []string{"wh-token-7"}})
	for name, c := range map[string]callback{
		"unsigned":    {testApp, "", api.CallbackBlackListAdd, pairs("a", "b"), "", 0, nil},
		"other token": {testApp, "guess", api.CallbackBlackListAdd, pairs("a", "b"), "", 0, nil},
		"other app":   {testApp + 1, "wh-token-7", api.CallbackBlackListAdd, pairs("a", "b"), "", 0, nil},
	} {
		if status, code := f.send(t, c); status != 403 || code != 1 {
			t.Errorf("%s: %d, ErrorCode %d, want 403 and 1", name, status, code)
		}
	}
	if f.out.Len() != 0 || len(f.events) != 0 || len(f.Blocked(testApp, "a")) != 0 {
		t.Errorf("a refused callback had an effect: %s", &f.out)
	}
	if _, err := New(Options{Tokens: []string{""}}); err == nil {
		t.Error("an empty token was accepted")
	}
}

func TestBackendPrintsOtherCommandsHarmlessly(t *testing.T) {
	f := start(t, Options{})
	command := "Sns.\x1b[2J"
	if status, code := f.send(t, callback{1, "", command, nil, "", 0, nil}); status != 200 || code != 0 {
		t.Errorf("%d, ErrorCode %d, want OK", status, code)
	}
	if got, want := f.out.String(), "ignored    \"Sns.\\x1b[2J\"   (from 127.0.0.1 RESTAPI)\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestBlockListEndpoint(t *testing.T) {
	one, anyApp := start(t, Options{SDKAppID: testApp}), start(t, Options{})
	for _, f := range []*fixture{one, anyApp} {
		f.send(t, callback{testApp, "", api.CallbackBlackListAdd, pairs("a<b", "z", "y"), "", 0, nil})
	}
	full := blockList{testApp, "a<b", []string{"y", "z"}}
	for _, row := range []struct {
		name    string
		backend *fixture
		query   string
		status  int
		want    blockList
	}{
		{"a list", one, "?user=a%3Cb", 200, full},
		{"an empty list", one, "?user=x", 200, blockList{testApp, "x", []string{}}},
		{"another app", one, "?user=a%3Cb&sdkappid=1", 200, blockList{1, "a<b", []string{}}},
		{"no user", one, "", 400, blockList{}},
		{"wrong app", one, "?user=a&sdkappid=x", 400, blockList{}},
		{"any app: a list", anyApp, "?user=a%3Cb&sdkappid=1600077123", 200, full},
		{"any app: which?", anyApp, "?user=a%3Cb", 400, blockList{}},
	} {
		status, body := row.backend.get(t, BlockListPath+row.query)
		var got blockList
		if status == 200 {
			if err := json.Unmarshal(body, &got); err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
		}
		if status != row.status || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %d %+v, want %d %+v", row.name, status, got, row.status, row.want)
		}
	}
}
