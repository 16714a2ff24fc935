package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/hostile"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/server"
	"github.com/kithchat/kith/usersig"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID         = 1600077123
	key           = "server-test-secret-key-01"
	admin         = "administrator"
	callbackToken = "wh-token-7"
	// patience bounds every wait.
	patience = time.Minute
)

// settings are those of a server on free ports that makes no first app.
func settings(t *testing.T) config.Config {
	c := config.Default()
	c.Data = filepath.Join(t.TempDir(), "data")
	c.Listen, c.ListenHTTP, c.OperatorListen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	c.CallTimeout, c.CallbackTimeout = patience, patience // the defaults are for machines that do nothing else
	c.FirstApp = false
	return c
}

// running is a server that runs until the test ends, with a client for each of its APIs.
type running struct {
	*server.Server
	info     server.Info
	operator *operator.Client
	http     *http.Client
	log      *log
}

func start(t *testing.T, c config.Config) *running {
	t.Helper()
	r := &running{log: &log{}, http: newHTTPClient(t)}
	var err error
	r.Server, err = server.New(t.Context(), server.Options{Config: c, Log: r.log.logger(), Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.stop(t) })
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.info = r.Info()
	if r.operator, err = operator.FromDataDir(c.Data, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.operator.Close)
	return r
}

// stop stops the server and looks for secrets in its log.
func (r *running) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	text := r.log.String()
	for _, secret := range []string{key, callbackToken, "usersig="} {
		if strings.Contains(text, secret) {
			t.Errorf("the log tells the secret %s:\n%s", secret, text)
		}
	}
	if strings.Contains(text, "cut off") {
		t.Errorf("something was cut off:\n%s", text)
	}
}

// newApp creates the app of the tests with the people of names, and sends its callbacks to callbackURL.
func (r *running) newApp(t *testing.T, callbackURL string, names ...string) {
	t.Helper()
	if _, err := r.operator.CreateApp(t.Context(), operator.CreateApp{SDKAppID: appID, Key: key, Admins: []string{admin}}); err != nil {
		t.Fatal(err)
	}
	token := callbackToken
	if _, err := r.operator.SetCallback(t.Context(), appID, operator.SetCallback{URL: &callbackURL, Token: &token}); err != nil {
		t.Fatal(err)
	}
	r.call(t, "im_open_login_svc/multiaccount_import", api.MultiAccountImportRequest{Accounts: names})
}

// call makes a REST call that must succeed.
func (r *running) call(t *testing.T, command string, body any) {
	t.Helper()
	r.callAs(t, appID, command, body)
}

// callAs makes a call for an app.
func (r *running) callAs(t *testing.T, app uint32, command string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := r.http.Post(restURLOf(t, app, r.info.HTTP, command), "application/json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer api.Envelope
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.ErrorCode != api.OK {
		t.Fatalf("%s: %v %+v", command, err, answer)
	}
}

func (r *running) block(t *testing.T, owner string, targets ...string) {
	t.Helper()
	r.call(t, "sns/black_list_add", api.BlockRequest{FromAccount: owner, ToAccount: targets})
}

func (r *running) unblock(t *testing.T, owner string, targets ...string) {
	t.Helper()
	r.call(t, "sns/black_list_delete", api.BlockRequest{FromAccount: owner, ToAccount: targets})
}

// restURL is the URL of a command for the app's admin.
func restURL(t *testing.T, base, command string) string {
	t.Helper()
	return restURLOf(t, appID, base, command)
}

func restURLOf(t *testing.T, app uint32, base, command string) string {
	t.Helper()
	sig, err := usersig.Sign(key, usersig.Ticket{SDKAppID: app, Identifier: admin, Issued: time.Now().Unix(), Expire: 600})
	if err != nil {
		t.Fatal(err)
	}
	query := url.Values{"sdkappid": {fmt.Sprint(app)}, "identifier": {admin}, "usersig": {sig}, "contenttype": {"json"}}
	return base + "/v4/" + command + "?" + query.Encode()
}

// patient returns a function that reports when a test has waited too long.
func patient() func() bool {
	deadline := time.Now().Add(patience)
	return func() bool { return time.Now().After(deadline) }
}

// drained waits until no event waits: a callback that was answered is settled a moment later.
func (r *running) drained(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		outbox, err := r.operator.Outbox(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(outbox.Apps) == 0 {
			return
		}
	}
	t.Fatal("the outbox does not empty")
}

func newHTTPClient(t *testing.T) *http.Client {
	client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// get returns status and body of a GET.
func (r *running) get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := r.http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// stillReady reports whether the server still says that it is ready.
func (r *running) stillReady(t *testing.T) bool {
	status, _ := r.get(t, r.info.Operator+"/readyz")
	return status == http.StatusOK
}

// request is a callback as it came.
type request struct {
	method, path, query, contentType, id, attempt, traceparent, body string
}

// receiver is an app backend's callback handler on an address that it can leave and come back to.
type receiver struct {
	url      string
	address  string
	listener net.Listener
	server   *http.Server
	arrivals chan request
	// hold, when set, is received from before each answer.
	hold chan struct{}
}

func startReceiver(t *testing.T) *receiver {
	address, err := hostile.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{address: address, arrivals: make(chan request, 100)}
	r.listen(t)
	r.url = "http://" + r.address + "/hooks/im?tenant=7"
	t.Cleanup(r.leave)
	return r
}

// listen makes the receiver reachable.
func (r *receiver) listen(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	r.listener, r.server = listener, &http.Server{Handler: r}
	go func() { _ = r.server.Serve(listener) }() // ends with leave
}

// leave makes connections to the receiver fail.
func (r *receiver) leave() {
	_ = r.listener.Close() // which the server does not know until it serves
	_ = r.server.Close()
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.arrivals <- request{
		method: req.Method, path: req.URL.Path, query: req.URL.RawQuery, contentType: req.Header.Get("Content-Type"),
		id: req.Header.Get(api.HeaderWebhookID), attempt: req.Header.Get(api.HeaderAttempt),
		traceparent: req.Header.Get("traceparent"), body: string(body),
	}
	if r.hold != nil {
		<-r.hold
	}
	_, _ = io.WriteString(w, `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)
}

// next returns the next callback.
func (r *receiver) next(t *testing.T) request {
	t.Helper()
	select {
	case got := <-r.arrivals:
		return got
	case <-time.After(patience):
		t.Fatal("no callback came")
		return request{}
	}
}

// none fails if there is a callback that nobody asked for.
func (r *receiver) none(t *testing.T) {
	t.Helper()
	if len(r.arrivals) > 0 {
		t.Errorf("one more callback came: %+v", <-r.arrivals)
	}
}

// log keeps what the server logs.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns all that was logged.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
