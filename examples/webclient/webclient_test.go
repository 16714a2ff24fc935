package webclient

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/usersig"
)

const (
	testApp = 1600077123
	testKey = "web-client-secret-key-0001"
)

var testTime = time.Unix(1767225660, 0)

// fixture is a page on a real socket, in front of something that stands where Kith would and notes the calls.
type fixture struct {
	*Page
	server *httptest.Server
	calls  chan call
}

// call is a REST call that the page made.
type call struct {
	path string
	body string
	user string // whom its ticket is for, when that is good
}

func start(t *testing.T, change func(*Options)) *fixture {
	t.Helper()
	f := &fixture{calls: make(chan call, 10)}
	kith := httptest.NewServer(http.HandlerFunc(f.kith))
	t.Cleanup(kith.Close)
	o := Options{
		Kith: kith.URL, SDKAppID: testApp, Key: testKey, Admin: "administrator", Users: []string{"mira", "troll"},
		Now: func() time.Time { return testTime },
	}
	if change != nil {
		change(&o)
	}
	page, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(page.Close)
	f.Page, f.server = page, httptest.NewServer(page)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fixture) kith(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c := call{path: r.URL.Path, body: string(body)}
	query := r.URL.Query()
	params := usersig.Params{SDKAppID: testApp, Keys: []string{testKey}, Identifier: query.Get("identifier"), Now: testTime}
	if ticket, err := usersig.Verify(query.Get("usersig"), params); err == nil {
		c.user = ticket.Identifier
	}
	f.calls <- c
	_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)
}

// do makes a request and returns the status, the body and the headers.
func (f *fixture) do(t *testing.T, method, path, body string, change func(*http.Request)) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, f.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	response, err := f.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}

func TestFilesAndTheirPolicy(t *testing.T) {
	f := start(t, nil)
	for path, kind := range map[string]string{
		"/": "text/html", "/?user=mira": "text/html", "/main.js": "text/javascript", "/pane.js": "text/javascript",
		"/style.css": "text/css", "/icon.svg": "image/svg+xml", "/kith.min.js": "text/javascript",
	} {
		status, body, header := f.do(t, http.MethodGet, path, "", nil)
		if status != 200 || body == "" || !strings.HasPrefix(header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s", path, status, header.Get("Content-Type"))
		}
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", path, header)
		}
	}
	_, page, header := f.do(t, http.MethodGet, "/", "", nil)
	want := "connect-src 'self' ws" + strings.TrimPrefix(f.Kith, "http") + "/v4/ws;"
	policy := header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.Contains(policy, want) || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if strings.Contains(page, "://") || strings.Contains(page, " style=") || strings.Contains(page, " onclick=") {
		t.Error("index.html needs something that the policy forbids")
	}
}

func TestUserSig(t *testing.T) {
	f := start(t, nil)
	for name, row := range map[string]struct {
		body    string
		status  int
		user    string
		seconds int64
	}{
		"an hour":             {`{"userID":"mira"}`, 200, "mira", 3600},
		"a short one":         {`{"userID":"troll","seconds":3}`, 200, "troll", 3},
		"somebody else":       {`{"userID":"administrator"}`, 403, "", 0},
		"nobody":              {`{}`, 403, "", 0},
		"too long":            {`{"userID":"mira","seconds":86401}`, 400, "", 0},
		"negative":            {`{"userID":"mira","seconds":-1}`, 400, "", 0},
		"something else":      {`{"userID":"mira","admin":true}`, 400, "", 0},
		"no JSON":             {`userID=mira`, 400, "", 0},
		"more than it may be": {`{"userID":"` + strings.Repeat("m", maxRequest) + `"}`, 400, "", 0},
	} {
		status, body, _ := f.do(t, http.MethodPost, "/usersig", row.body, nil)
		var got userSigAnswer
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != row.status || (got.UserSig != "") != (status == 200) {
			t.Errorf("%s: %d %s", name, status, body)
			continue
		}
		if status != 200 {
			continue
		}
		ticket, err := usersig.Verify(got.UserSig, usersig.Params{
			SDKAppID: testApp, Keys: []string{testKey}, Identifier: row.user, Now: testTime,
		})
		if err != nil || ticket.Expire != row.seconds {
			t.Errorf("%s: %+v %v", name, ticket, err)
		}
	}
}

// A kick ends the app backend's own login, so that a renewal does not undo it.
func TestKickEndsTheLogin(t *testing.T) {
	f := start(t, nil)
	ask := func(body string) (got userSigAnswer) {
		t.Helper()
		status, text, _ := f.do(t, http.MethodPost, "/usersig", body, nil)
		if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 {
			t.Fatalf("%d %s", status, text)
		}
		return got
	}
	first := ask(`{"userID":"mira"}`)
	if again := ask(`{"userID":"mira","login":1}`); first.Login != 1 || again.UserSig == "" {
		t.Errorf("first %+v, renewed %+v", first, again)
	}
	f.do(t, http.MethodPost, "/app/kick", `{"userID":"mira"}`, nil)
	if ended := ask(`{"userID":"mira","login":1}`); ended.UserSig != "" {
		t.Error("a kicked user's ticket was renewed")
	}
	if anew, other := ask(`{"userID":"mira"}`), ask(`{"userID":"troll","login":1}`); anew.UserSig == "" || anew.Login != 2 || other.UserSig == "" {
		t.Errorf("a new login %+v, somebody else %+v", anew, other)
	}
}

// Other sites' pages must get nothing: neither by a request that the browser sends for them, nor by a name of their own for
// loopback.
func TestOtherSitesAreRefused(t *testing.T) {
	f := start(t, nil)
	foreign := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, change := range map[string]func(*http.Request){
		"a page elsewhere":           foreign("Sec-Fetch-Site", "cross-site"),
		"an old browser's page":      foreign("Origin", "https://evil.example"),
		"another port":               foreign("Sec-Fetch-Site", "same-site"),
		"a name that leads to us":    func(r *http.Request) { r.Host = "evil.example" },
		"such a name with a port":    func(r *http.Request) { r.Host = "evil.example:8080" },
		"a name that begins like us": func(r *http.Request) { r.Host = "127.0.0.1.evil.example" },
	} {
		for _, path := range []string{"/usersig", "/app/kick"} {
			if status, body, _ := f.do(t, http.MethodPost, path, `{"userID":"mira"}`, change); status != http.StatusForbidden {
				t.Errorf("%s, %s: %d %s", name, path, status, body)
			}
		}
	}
	for _, host := range []string{"localhost:1", "localhost", "[::1]:80", "[::1]", "127.0.0.9"} {
		if status, _, _ := f.do(t, http.MethodGet, "/settings", "", func(r *http.Request) { r.Host = host }); status != 200 {
			t.Errorf("%s: %d", host, status)
		}
	}
}

func TestActionsCallKith(t *testing.T) {
	f := start(t, nil)
	for path, row := range map[string]struct {
		body string
		want call
	}{
		"/app/kick": {`{"userID":"mira"}`, call{"/v4/im_open_login_svc/kick", `{"UserID":"mira"}`, "administrator"}},
		"/app/block": {
			`{"userID":"mira","userIDList":["rob"]}`,
			call{"/v4/sns/black_list_add", `{"From_Account":"mira","To_Account":["rob"]}`, "administrator"},
		},
		"/app/unblock": {
			`{"userID":"troll","userIDList":["a","b"]}`,
			call{"/v4/sns/black_list_delete", `{"From_Account":"troll","To_Account":["a","b"]}`, "administrator"},
		},
	} {
		status, body, _ := f.do(t, http.MethodPost, path, row.body, nil)
		if status != 200 || !strings.Contains(body, `"ActionStatus":"OK"`) {
			t.Errorf("%s: %d %s", path, status, body)
			continue
		}
		if got := <-f.calls; got != row.want {
			t.Errorf("%s made the call %+v, want %+v", path, got, row.want)
		}
		if status, _, _ := f.do(t, http.MethodPost, path, `{"userID":"administrator"}`, nil); status != 403 {
			t.Errorf("%s for somebody who is not on the page: %d", path, status)
		}
	}
}

func TestAnErrorHoldsNoTicket(t *testing.T) {
	f := start(t, func(o *Options) { o.Kith = "http://127.0.0.1:1" })
	status, body, _ := f.do(t, http.MethodPost, "/app/kick", `{"userID":"mira"}`, nil)
	if status != http.StatusBadGateway || strings.Contains(body, "usersig") || !strings.Contains(body, "did not answer") {
		t.Errorf("%d %s", status, body)
	}
}

func TestButtonsOfTheOperator(t *testing.T) {
	none := start(t, nil)
	for _, path := range []string{"/kith/restart", "/kith/devices"} {
		if status, _, _ := none.do(t, http.MethodPost, path, `{"limit":1}`, nil); status != http.StatusMethodNotAllowed {
			t.Errorf("%s without a function: %d", path, status)
		}
	}
	var limits []int
	f := start(t, func(o *Options) {
		o.Restart = func(context.Context) error { return errors.New("the disk is full") }
		o.SetDevices = func(_ context.Context, limit int) error { limits = append(limits, limit); return nil }
	})
	for _, body := range []string{`{"limit":1}`, `{"limit":0}`, `{"limit":21}`, `{"limit":20}`} {
		f.do(t, http.MethodPost, "/kith/devices", body, nil)
	}
	if !reflect.DeepEqual(limits, []int{1, 20}) {
		t.Errorf("limits set: %v", limits)
	}
	if status, body, _ := f.do(t, http.MethodPost, "/kith/restart", "", nil); status != 500 || !strings.Contains(body, "the disk is full") {
		t.Errorf("a restart that fails: %d %s", status, body)
	}
	_, body, _ := f.do(t, http.MethodGet, "/settings", "", nil)
	var got settings
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := settings{testApp, "ws" + strings.TrimPrefix(f.Kith, "http") + "/v4/ws", []string{"mira", "troll"}, true, true}
	if !reflect.DeepEqual(got, want) || strings.Contains(body, testKey) {
		t.Errorf("settings %s, want %+v", body, want)
	}
}

func TestCallbacksAreStreamed(t *testing.T) {
	f := start(t, nil)
	backend := f.Record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err != nil || !bytes.Contains(body, []byte("mira")) {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	deliver := func(id, to string) {
		body := `{"CallbackCommand":"Sns.CallbackBlackListAdd","PairList":[{"From_Account":"mira","To_Account":"` + to + `"}]}`
		if to == "" {
			body = "{}"
		}
		r := httptest.NewRequest(http.MethodPost, "/callback?SdkAppid=1&CallbackCommand=Sns.CallbackBlackListAdd&ClientIP=192.0.2.7&OptPlatform=Web", strings.NewReader(body))
		r.Header.Set(api.HeaderWebhookID, id)
		r.Header.Set(api.HeaderAttempt, "2")
		backend.ServeHTTP(httptest.NewRecorder(), r)
	}
	deliver("e1", "rob")
	deliver("e2", "ann")
	deliver("refused", "")
	deliver(api.TestIDPrefix+"1", "ann")
	stream := f.follow(t, "")
	want := Callback{
		Number: 1, Time: testTime.UnixMilli(), CallbackCommand: api.CallbackBlackListAdd,
		Pairs:    []api.Pair{{FromAccount: "mira", ToAccount: "rob"}},
		ClientIP: "192.0.2.7", OptPlatform: "Web", ID: "e1", Attempt: "2",
	}
	if got := stream.next(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := stream.next(); got.ID != "e2" {
		t.Errorf("second: %+v", got)
	}
	deliver("e3", "tom") // while the stream waits
	if got := stream.next(); got.ID != "e3" || got.Number != 3 {
		t.Errorf("third: %+v", got)
	}
	if got := f.follow(t, "2").next(); got.ID != "e3" {
		t.Errorf("after a reconnect: %+v", got)
	}
	if got := f.follow(t, "99").next(); got.ID != "e1" {
		t.Errorf("with a number of an earlier process: %+v", got)
	}
	for range keptCallbacks {
		deliver("more", "tom")
	}
	if got := f.follow(t, "").next(); got.Number != 4 || len(f.log.kept) != keptCallbacks {
		t.Errorf("first one kept: %+v of %d", got, len(f.log.kept))
	}
}

// stream reads server-sent events.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
}

func (f *fixture) follow(t *testing.T, last string) stream {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.server.URL+"/callbacks", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", last)
	response, err := f.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return stream{t, bufio.NewScanner(response.Body)}
}

func (s stream) next() Callback {
	s.t.Helper()
	var c Callback
	for s.lines.Scan() {
		if data, ok := strings.CutPrefix(s.lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(data), &c); err != nil {
				s.t.Fatal(err)
			}
			return c
		}
	}
	s.t.Fatalf("the stream ended: %v", s.lines.Err())
	return c
}

func TestOptionsAreRequired(t *testing.T) {
	if _, err := New(Options{Kith: "http://127.0.0.1:1"}); err == nil {
		t.Error("a page without an app was made")
	}
}
