package dispatch

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// keptRequest is a request as a test looks at it.
type keptRequest struct {
	header http.Header
	body   []byte
	at     time.Time
}

// keeper answers OK and keeps requests.
type keeper struct {
	mu   sync.Mutex
	kept []keptRequest
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	k.mu.Lock()
	k.kept = append(k.kept, keptRequest{r.Header, body, time.Now()})
	k.mu.Unlock()
	_, _ = io.WriteString(w, answerOK)
}

func secretOf(n byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string('a'+rune(n)), 32)))
}

// TestSignaturesFollowTheKeysInForce signs with two keys, one of which expires while nobody changes anything.
func TestSignaturesFollowTheKeysInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		w := newWorld(t, k)
		keys := []relation.SigningKey{
			{ID: "new", Secret: secretOf(0)},
			{ID: "old", Secret: secretOf(1), Expires: time.Now().Add(time.Hour)},
			{ID: "past", Secret: secretOf(2), Expires: time.Now().Add(-time.Hour)},
		}
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb", SigningKeys: keys}))
		w.start()
		for range 2 {
			w.outbox.commit(appA, "mira", "x")
			pass(time.Hour)
		}
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb", SigningKeys: keys[2:]}))
		w.d.AppsChanged()
		w.outbox.commit(appA, "mira", "x")
		w.drained(time.Second)
		w.stop()
		for i, want := range [][]bool{{true, true, false}, {true, false, false}} {
			r := k.kept[i]
			for n, valid := range want {
				if err := webhook.Verify([]string{secretOf(byte(n))}, r.header, r.body, r.at, time.Minute); (err == nil) != valid {
					t.Errorf("request %d, key %d: %v", i, n, err)
				}
			}
			if n := len(strings.Fields(r.header.Get(api.HeaderWebhookSignature))); n != 2-i {
				t.Errorf("request %d has %d signatures", i, n)
			}
		}
		if h := k.kept[2].header; h.Get(api.HeaderWebhookSignature) != "" || h.Get(api.HeaderWebhookTimestamp) != "" {
			t.Errorf("without a key in force: %v", h)
		}
		if got := k.kept[1].header.Get(api.HeaderSequence); got != "2" {
			t.Errorf("sequence %q", got)
		}
	})
}

// spans is a Tracer that counts.
type spans struct {
	mu    sync.Mutex
	begun []string
	ended []Outcome
}

func (s *spans) StartAttempt(ctx context.Context, e *relation.Event, _ string) (context.Context, string, func(Outcome)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = append(s.begun, e.ID)
	return ctx, fmt.Sprintf("00-4bf92f3577b34da6a3ce929d0e0e4736-%016d-01", len(s.begun)), func(o Outcome) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = append(s.ended, o)
	}
}

func TestTracerFollowsEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, s := &keeper{}, &spans{}
		w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get(api.HeaderAttempt) == "1" {
				rw.WriteHeader(http.StatusBadGateway)
				return
			}
			k.ServeHTTP(rw, r)
		}))
		w.o.Tracer = s
		w.start()
		event := w.outbox.commit(appA, "mira.k", "x")
		w.drained(time.Minute)
		w.stop()
		if len(s.begun) != 2 || s.begun[1] != event.ID || len(s.ended) != 2 || s.ended[0].Reason != ReasonStatus || !s.ended[1].Delivered() {
			t.Errorf("begun %v, ended %v", s.begun, s.ended)
		}
		if got := k.kept[0].header.Get("traceparent"); got != "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000002-01" {
			t.Errorf("traceparent %q", got)
		}
	})
}

func TestEachAttemptIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := 1
		rc := &receiver{answer: func(d delivery, w http.ResponseWriter, r *http.Request) bool {
			pass(70 * time.Millisecond)
			return failFirst(d, w, r)
		}}
		w := newWorld(t, rc)
		w.o.Node = "node-1"
		w.o.Egress = egressOf(t, egress.Options{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if faults--; faults >= 0 {
				return nil, &net.DNSError{Err: "server misbehaving", IsTemporary: true}
			}
			return w.net.dial(ctx, network, address)
		}})
		w.start()
		begun := time.Now()
		w.outbox.commit(appA, "mira.k", "x")
		w.drained(time.Minute)
		w.stop()
		want := []relation.Attempt{
			{
				Number: 1, At: begun, Reason: "local", Detail: "the resolver did not answer: server misbehaving", Node: "node-1", Fault: true,
			},
			{Number: 1, Took: 70 * time.Millisecond, Status: 503, Reason: "status", Detail: "503", Node: "node-1"},
			{Number: 2, Took: 70 * time.Millisecond, Status: 200, Answer: answerOK, Node: "node-1"},
		}
		for i, s := range w.outbox.verdicts() {
			if i > 0 && !s.Attempt.At.After(want[i-1].At) {
				t.Errorf("attempt %d at %v", i, s.Attempt.At)
			}
			want[i].At = s.Attempt.At
			if s.Attempt != want[i] {
				t.Errorf("attempt %d:\n%+v, want\n%+v", i, s.Attempt, want[i])
			}
		}
		if n := len(w.outbox.verdicts()); n != 3 {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestExcerptIsShortTextWithoutSecrets(t *testing.T) {
	secrets := secretsOf(settings{
		url: "http://u:pa55word@h/?key=s3cr3t%2F1&x=ab", token: "wh-token-7", keys: []relation.SigningKey{{Secret: secretOf(0)}},
	})
	for _, tt := range []struct{ body, want string }{
		{"", ""},
		{answerOK, answerOK},
		{"at /?key=s3cr3t%2F1&x=ab and s3cr3t/1, pa55word, wh-token-7, ab", "at /?[secret] and [secret], [secret], [secret], ab"},
		{secretOf(0), "[secret]"},
		{"a\x00b\xff", "a\uFFFDb\uFFFD"},
		{strings.Repeat("x", 250) + "wh-token-7 and more", strings.Repeat("x", 250) + "[secre"},
		{strings.Repeat("é", 200), strings.Repeat("é", 128)},
		{"x" + strings.Repeat("é", 200), "x" + strings.Repeat("é", 127)},
	} {
		if got := excerpt(&answer{body: []byte(tt.body)}, secrets); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.body, got, tt.want)
		}
	}
}

// TestExcerptKnowsSecretsInOtherSpellings holds what receivers make of what they were sent.
func TestExcerptKnowsSecretsInOtherSpellings(t *testing.T) {
	const token, value = `tok<&"en/+%\`, `a b/c"d<e`
	secrets := secretsOf(settings{url: "http://h/?key=a%20b%2fc%22d%3ce&long=token-and-more&short=" + url.QueryEscape(token), token: "token"})
	inJSON, err := json.Marshal(map[string]string{"token": token, "key": value})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		string(inJSON), fmt.Sprintf("%q %q", token, value), html.EscapeString(token + " " + value), "a%20b%2fc%22d%3ce", "a+b%2Fc%22d%3Ce",
		url.PathEscape(token), "token-and-more", strings.Repeat("token-and-more ", 200),
	} {
		got := excerpt(&answer{body: []byte(body)}, secrets)
		if !strings.Contains(got, "[secret]") || strings.Contains(got, "tok<") || strings.Contains(got, "en/") || strings.Contains(got, "more") ||
			strings.Contains(got, "d<e") || strings.Contains(got, "b%2") || strings.Contains(got, "a b") {
			t.Errorf("%.80q: kept %q", body, got)
		}
	}
}

// TestEchoOfAProxyKeepsNoPassword holds it for a proxy whose pages, or whose endpoints, repeat what it was sent.
func TestEchoOfAProxyKeepsNoPassword(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth := r.Header.Get("Proxy-Authorization")
		decoded, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(auth, "Basic "))
		w.WriteHeader(http.StatusBadGateway)
		_, _ = fmt.Fprintf(w, "%s %s", auth, decoded)
	}))
	defer proxy.Close()
	at := url.URL{Scheme: "http", User: url.UserPassword("user", leaktest.ProxyPassword), Host: proxy.Listener.Addr().String()}
	e, err := egress.New(egress.Options{Proxy: at.String()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Egress: e}).newRoute(appA, settings{url: "http://example.com/", timeout: time.Minute, concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	a, err := r.send(t.Context(), r.compose(message{id: "x"}, time.Now()))
	if err != nil || a.status != http.StatusBadGateway {
		t.Fatalf("%+v, err %v", a, err)
	}
	kept := excerpt(a, r.secrets)
	leaktest.Check(t, "what is kept", kept)
	if !strings.Contains(kept, "user:[secret]") {
		t.Errorf("kept %q", kept)
	}
}

func FuzzExcerpt(f *testing.F) {
	f.Add([]byte("\xe2\x82"), "token")
	f.Fuzz(func(t *testing.T, body []byte, token string) {
		got := excerpt(&answer{body: body}, secretsOf(settings{token: token}))
		if !utf8.ValidString(got) || len(got) > relation.MaxAnswerKept || strings.Contains(got, "\x00") {
			t.Errorf("%q", got)
		}
	})
}

// TestNoFailureTellsASecret drives each way to fail with secrets everywhere, against receivers that echo what they get, and
// looks at all that comes out: log, settlements, activities without their exchange, status and reports.
func TestNoFailureTellsASecret(t *testing.T) {
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, "%s %s %q %s %s", r.Method, r.URL, r.Header, body, leaktest.URLSecret)
		}
	}
	ways := map[string]http.Handler{
		"nothing there": nil, "status": echo(500), "not JSON": echo(200), "redirect": echo(302), "gone": echo(410), "throttled": echo(429),
		"app-error": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, `{"ErrorCode":1,"ErrorInfo":%q}`, r.URL.String()+leaktest.CallbackToken+leaktest.SigningKey)
		}),
		"closes early": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
		"hangs": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}),
		"large": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2*maxAnswer)) }),
	}
	for name, handler := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { leakScenario(t, handler) })
		})
	}
}

func leakScenario(t *testing.T, handler http.Handler) {
	log := &logBuffer{}
	w := newWorld(t, &receiver{})
	if handler != nil {
		w.net.serve(t, "leak.test:80", handler)
	}
	w.o.Log = log.logger()
	u := strings.NewReplacer("+", "%2B", "/", "%2F").Replace(leaktest.URLSecret)
	app := testApp(appA, relation.Callback{
		URL: "http://leak.test/cb?key=" + u, Token: leaktest.CallbackToken, MaxAttempts: 3,
		SigningKeys: []relation.SigningKey{{ID: "1", Secret: leaktest.SigningKey}, {ID: "2", Secret: leaktest.SigningPair}},
	})
	w.apps.set(app)
	w.start()
	watch := w.d.Watch(0, false)
	for n := range 20 {
		w.outbox.commit(appA, fmt.Sprint("user", n), "x")
	}
	pass(time.Hour)
	report, err := w.d.TestCallback(t.Context(), app)
	leaktest.Check(t, "a report", fmt.Sprintf("%+v %v", report, err))
	leaktest.Check(t, "the status", fmt.Sprintf("%+v", w.d.Endpoints()))
	w.stop()
	for _, s := range w.outbox.verdicts() {
		leaktest.Check(t, "a settlement", fmt.Sprintf("%+v", s))
	}
	told := 0
	for a := range watch.C {
		told++
		leaktest.Check(t, "an activity", fmt.Sprintf("%+v", a))
	}
	if told == 0 || len(w.outbox.verdicts()) == 0 {
		t.Error("nothing failed")
	}
	leaktest.Check(t, "the log", log.String())
}
