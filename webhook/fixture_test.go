package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
)

const (
	testApp   = 1600077123
	testToken = "wh-token-7"
	testTime  = 1767225660
)

// fixture is a Handler that records what its functions were given.
type fixture struct {
	*Handler
	added, removed []BlackListEvent
	states         []StateEvent
	unknown        []UnknownEvent
	log            bytes.Buffer
	result         error // of every function
}

// newFixture makes a handler for testApp with testToken, at testTime, with every function set; change adjusts that.
func newFixture(t testing.TB, change func(*Options)) *fixture {
	t.Helper()
	f := &fixture{}
	o := Options{
		SDKAppID: testApp,
		Tokens:   []string{testToken},
		OnBlackListAdd: func(_ context.Context, e BlackListEvent) error {
			f.added = append(f.added, e)
			return f.result
		},
		OnBlackListDelete: func(_ context.Context, e BlackListEvent) error {
			f.removed = append(f.removed, e)
			return f.result
		},
		OnStateChange: func(_ context.Context, e StateEvent) error {
			f.states = append(f.states, e)
			return f.result
		},
		OnUnknown: func(_ context.Context, e UnknownEvent) error {
			f.unknown = append(f.unknown, e)
			return f.result
		},
		Logger: slog.New(slog.NewJSONHandler(&f.log, nil)),
		Now:    func() time.Time { return time.Unix(testTime, 999_999_999) },
	}
	if change != nil {
		change(&o)
	}
	handler, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Handler = handler
	return f
}

func (f *fixture) calls() int { return len(f.added) + len(f.removed) + len(f.states) + len(f.unknown) }

// unblockRequest is the request that Kith sends for one unblock, signed at testTime.
func unblockRequest(t testing.TB) *http.Request {
	t.Helper()
	target, err := NewTarget(TargetOptions{URL: "http://h/cb", SDKAppID: testApp, Token: testToken})
	if err != nil {
		t.Fatal(err)
	}
	body := EncodeBlackList(api.CallbackBlackListDelete, []api.Pair{{FromAccount: "mira.k", ToAccount: "troll_77"}})
	r := httptest.NewRequest(http.MethodPost, target.URL(unblock).String(), bytes.NewReader(body))
	r.Header.Set(api.HeaderWebhookID, "019b7a5c-0000-7000-8000-000000000001")
	r.Header.Set(api.HeaderAttempt, "2")
	return r
}

func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// setQuery changes one parameter; an empty value removes it.
func setQuery(r *http.Request, name, value string) {
	q := r.URL.Query()
	q.Set(name, value)
	if value == "" {
		q.Del(name)
	}
	r.URL.RawQuery = q.Encode()
}

func signAs(r *http.Request, token string, seconds int64) {
	setQuery(r, api.QuerySign, Sign(token, seconds))
	setQuery(r, api.QueryRequestTime, strconv.FormatInt(seconds, 10))
}

// serve returns status and answer, and fails unless the answer is the documented triple as application/json.
func (f *fixture) serve(t testing.TB, r *http.Request) (int, api.CallbackResponse) {
	t.Helper()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	var triple api.CallbackResponse
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&triple); err != nil {
		t.Errorf("the answer is not the triple: %v", err)
	}
	if (triple.ErrorCode == 0) != (triple.ActionStatus == api.StatusOK) || (triple.ErrorCode == 0) != (triple.ErrorInfo == "") {
		t.Errorf("the answer contradicts itself: %+v", triple)
	}
	return w.Code, triple
}

// signWith adds the headers of Standard Webhooks, made at these seconds over the body as it is.
func signWith(t testing.TB, r *http.Request, seconds int64, secrets ...string) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	setBody(r, string(body))
	r.Header.Set(api.HeaderWebhookTimestamp, strconv.FormatInt(seconds, 10))
	signature := newSigner(t, secrets...).Sign(r.Header.Get(api.HeaderWebhookID), time.Unix(seconds, 0), body)
	r.Header.Set(api.HeaderWebhookSignature, signature)
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// wantLog fails unless exactly one record was logged, with this level and message, and value under key.
func (f *fixture) wantLog(t *testing.T, level slog.Level, message, key, value string) {
	t.Helper()
	var record map[string]any
	if err := json.Unmarshal(f.log.Bytes(), &record); err != nil {
		t.Fatalf("log %q: %v", &f.log, err)
	}
	if record["level"] != level.String() || record["msg"] != message || record[key] != value {
		t.Errorf("log %v, want %v %q with %s=%q", record, level, message, key, value)
	}
}

type countingReader struct{ reads int }

func (c *countingReader) Read([]byte) (int, error) { c.reads++; return 0, io.EOF }

// again returns the request once more, so that both can be sent.
func again(t *testing.T, r *http.Request) *http.Request {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	c := r.Clone(r.Context())
	setBody(r, string(body))
	setBody(c, string(body))
	return c
}
