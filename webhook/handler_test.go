package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
)

func TestHandlerDeliversEvent(t *testing.T) {
	f := newFixture(t, nil)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, unblockRequest(t))
	if got, want := w.Body.String(), `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`; w.Code != 200 || got != want {
		t.Errorf("answer %d %s, want 200 %s", w.Code, got, want)
	}
	want := []BlackListEvent{{
		Event: Event{
			ID: "019b7a5c-0000-7000-8000-000000000001", Attempt: 2, SDKAppID: testApp,
			Command: api.CallbackBlackListDelete, ClientIP: "203.0.113.9", OptPlatform: api.PlatformREST,
		},
		Pairs: []api.Pair{{FromAccount: "mira.k", ToAccount: "troll_77"}},
	}}
	if !reflect.DeepEqual(f.removed, want) || f.calls() != 1 {
		t.Errorf("got %+v, want %+v", f.removed, want)
	}
	if f.log.Len() != 0 {
		t.Errorf("a handled callback was logged: %s", &f.log)
	}
}

// TestHandlerAccepts has one row for each thing that a request may do differently.
func TestHandlerAccepts(t *testing.T) {
	const pairs = `"PairList":[{"From_Account":"a","To_Account":"b"}]}`
	for _, row := range []struct {
		name   string
		option func(*Options)
		change func(*http.Request)
	}{
		{"Sign in upper case", nil, func(r *http.Request) {
			setQuery(r, api.QuerySign, strings.ToUpper(r.URL.Query().Get(api.QuerySign)))
		}},
		{"old token during rotation", func(o *Options) { o.Tokens = []string{"next", testToken} }, nil},
		{
			"new token during rotation", func(o *Options) { o.Tokens = []string{testToken, "next"} },
			func(r *http.Request) { signAs(r, "next", testTime) },
		},
		{"60 s old", nil, func(r *http.Request) { signAs(r, testToken, testTime-60) }},
		{"60 s ahead", nil, func(r *http.Request) { signAs(r, testToken, testTime+60) }},
		{"own skew", func(o *Options) { o.Skew = 5 * time.Minute }, func(r *http.Request) { signAs(r, testToken, testTime-300) }},
		{"unsigned without tokens", func(o *Options) { o.Tokens = nil }, func(r *http.Request) {
			setQuery(r, api.QuerySign, "")
			setQuery(r, api.QueryRequestTime, "")
		}},
		{"signed without tokens", func(o *Options) { o.Tokens = nil }, func(r *http.Request) { signAs(r, "other", 1) }},
		{
			"another app under AnyApp", func(o *Options) { o.SDKAppID, o.AnyApp = 0, true },
			func(r *http.Request) { setQuery(r, api.QuerySdkAppid, "1") },
		},
		{"other Content-Type", nil, func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }},
		{"further query parameters, twice", nil, func(r *http.Request) { r.URL.RawQuery = "own=1&own=2&" + r.URL.RawQuery }},
		{"without contenttype, ClientIP and OptPlatform", nil, func(r *http.Request) {
			for _, name := range []string{api.QueryContentType, api.QueryClientIP, api.QueryOptPlatform} {
				setQuery(r, name, "")
			}
		}},
		{"without Kith's headers", nil, func(r *http.Request) { r.Header = http.Header{} }},
		{"unreadable attempt", nil, func(r *http.Request) { r.Header.Set(api.HeaderAttempt, "-1") }},
		{"chunked", nil, func(r *http.Request) { r.ContentLength = -1 }},
		{"byte order mark", nil, func(r *http.Request) {
			setBody(r, "\xef\xbb\xbf"+`{"CallbackCommand":"Sns.CallbackBlackListDelete",`+pairs)
		}},
		{"further body fields", nil, func(r *http.Request) {
			setBody(r, `{"EventTime":1,"CallbackCommand":"Sns.CallbackBlackListDelete",`+pairs)
		}},
		{"no pairs", nil, func(r *http.Request) {
			setBody(r, `{"CallbackCommand":"Sns.CallbackBlackListDelete","PairList":null}`)
		}},
		{"1000 of the longest pairs", nil, func(r *http.Request) {
			setBody(r, string(EncodeBlackList(api.CallbackBlackListDelete, manyPairs())))
		}},
		{"body of exactly MaxBody", func(o *Options) { o.MaxBody = 200 }, func(r *http.Request) {
			body := `{"CallbackCommand":"Sns.CallbackBlackListDelete",` + pairs
			setBody(r, body+strings.Repeat(" ", 200-len(body)))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			f, r := newFixture(t, row.option), unblockRequest(t)
			if row.change != nil {
				row.change(r)
			}
			if status, got := f.serve(t, r); status != 200 || got.ErrorCode != 0 {
				t.Errorf("%d %+v, want 200 OK", status, got)
			}
			if len(f.removed) != 1 || f.calls() != 1 {
				t.Errorf("the function was called %d times", f.calls())
			}
		})
	}
}

// TestHandlerRefuses has one row for each check: the status, and words of the reason that only this check gives.
func TestHandlerRefuses(t *testing.T) {
	body := func(text string) func(*http.Request) { return func(r *http.Request) { setBody(r, text) } }
	query := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { setQuery(r, name, value) }
	}
	rename := func(name, other string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, name+"=", other+"=", 1) }
	}
	signed := func(token string, seconds int64) func(*http.Request) {
		return func(r *http.Request) { signAs(r, token, seconds) }
	}
	const command = `{"CallbackCommand":"Sns.CallbackBlackListDelete","PairList":`
	for _, row := range []struct {
		name   string
		change func(*http.Request)
		status int
		reason string
	}{
		{"GET", func(r *http.Request) { r.Method = "GET" }, 405, "with POST"},
		{"PUT", func(r *http.Request) { r.Method = "PUT" }, 405, "with POST"},
		{"broken query", func(r *http.Request) { r.URL.RawQuery += "&x=%zz" }, 400, "query is malformed"},
		{"no SdkAppid", query(api.QuerySdkAppid, ""), 400, "lacks SdkAppid"},
		{"SdkAppid in lower case", rename(api.QuerySdkAppid, "sdkappid"), 400, "lacks SdkAppid"},
		{"SdkAppid is no number", query(api.QuerySdkAppid, "x"), 400, "lacks SdkAppid"},
		{"SdkAppid 0", query(api.QuerySdkAppid, "0"), 400, "lacks SdkAppid"},
		{"SdkAppid that wraps to the right one", query(api.QuerySdkAppid, strconv.Itoa(testApp+1<<32)), 400, "lacks SdkAppid"},
		{"SdkAppid of another app", query(api.QuerySdkAppid, "1600077124"), 403, "not the app"},
		{"SdkAppid twice", func(r *http.Request) { r.URL.RawQuery += "&SdkAppid=1600077123" }, 400, "SdkAppid more than once"},
		{"CallbackCommand twice", func(r *http.Request) { r.URL.RawQuery += "&CallbackCommand=x" }, 400, "CallbackCommand more than once"},
		{"Sign twice", func(r *http.Request) { r.URL.RawQuery += "&Sign=" }, 400, "Sign more than once"},
		{"RequestTime twice", func(r *http.Request) { r.URL.RawQuery += "&RequestTime=1" }, 400, "RequestTime more than once"},
		{"ClientIP twice", func(r *http.Request) { r.URL.RawQuery += "&ClientIP=1" }, 400, "ClientIP more than once"},
		{"OptPlatform twice", func(r *http.Request) { r.URL.RawQuery += "&OptPlatform=1" }, 400, "OptPlatform more than once"},
		{"contenttype twice", func(r *http.Request) { r.URL.RawQuery += "&contenttype=1" }, 400, "contenttype more than once"},
		{"no CallbackCommand", query(api.QueryCallbackCommand, ""), 400, "lacks CallbackCommand"},
		{"CallbackCommand in lower case", rename(api.QueryCallbackCommand, "callbackcommand"), 400, "lacks CallbackCommand"},
		{"CallbackCommand of another callback", query(api.QueryCallbackCommand, api.CallbackBlackListAdd), 400, "differ"},
		{"unknown CallbackCommand, other body", query(api.QueryCallbackCommand, "Sns.CallbackFriendAdd"), 400, "differ"},
		{"no Sign", query(api.QuerySign, ""), 403, "is missing"},
		{"Sign in lower case", rename(api.QuerySign, "sign"), 403, "is missing"},
		{"no RequestTime", query(api.QueryRequestTime, ""), 403, "is missing"},
		{"RequestTime is no number", query(api.QueryRequestTime, "now"), 403, "not a time"},
		{"RequestTime with a sign", query(api.QueryRequestTime, "+1767225660"), 403, "not a time"},
		{"RequestTime in milliseconds", query(api.QueryRequestTime, "1767225660000"), 403, "not a time"},
		{"RequestTime changed", query(api.QueryRequestTime, "1767225661"), 403, "Sign is wrong"},
		{"Sign of another token", signed("wh-token-8", testTime), 403, "Sign is wrong"},
		{"Sign without a token", signed("", testTime), 403, "Sign is wrong"},
		{"61 s old", signed(testToken, testTime-61), 403, "too far"},
		{"61 s ahead", signed(testToken, testTime+61), 403, "too far"},
		{"RequestTime 0", signed(testToken, 0), 403, "too far"},
		{"id too long", func(r *http.Request) { r.Header.Set(api.HeaderWebhookID, strings.Repeat("a", 257)) }, 400, "webhook-id"},
		{"body too long", body(command + "[]" + strings.Repeat(" ", DefaultMaxBody) + "}"), 413, "longer than 1048576"},
		{"body breaks off", func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(command), errReader{}))
		}, 400, "to its end"},
		{"no body", body(""), 400, "not a JSON object"},
		{"array", body("[]"), 400, "not a JSON object"},
		{"null", body("null"), 400, "differ"},
		{"cut", body(command + "["), 400, "not a JSON object"},
		{"text behind", body(command + "[]}x"), 400, "not a JSON object"},
		{"form", body("CallbackCommand=Sns.CallbackBlackListDelete"), 400, "not a JSON object"},
		{"two byte order marks", body("\xef\xbb\xbf\xef\xbb\xbf" + command + "[]}"), 400, "not a JSON object"},
		{"invalid UTF-8", body(command + "[{\"From_Account\":\"\xff\",\"To_Account\":\"b\"}]}"), 400, "not UTF-8"},
		{"no CallbackCommand in the body", body(`{"PairList":[]}`), 400, "differ"},
		{"command in another case", body(`{"CallbackCommand":"sns.callbackblacklistdelete","PairList":[]}`), 400, "differ"},
		{"PairList is an object", body(command + "{}}"), 400, "not a JSON object"},
		{"account is a number", body(command + `[{"From_Account":1,"To_Account":"b"}]}`), 400, "not a JSON object"},
		{"no From_Account", body(command + `[{"From_Account":"a","To_Account":"b"},{"To_Account":"b"}]}`), 400, "lacks From_Account"},
		{"empty To_Account", body(command + `[{"From_Account":"a","To_Account":""}]}`), 400, "or To_Account"},
		{"null pair", body(command + `[null]}`), 400, "lacks From_Account"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f, r := newFixture(t, nil), unblockRequest(t)
			row.change(r)
			status, got := f.serve(t, r)
			if status != row.status || got.ErrorCode != 1 || !strings.Contains(got.ErrorInfo, row.reason) {
				t.Errorf("%d %+v, want %d with %q", status, got, row.status, row.reason)
			}
			if f.calls() != 0 {
				t.Error("a function was called")
			}
			f.wantLog(t, slog.LevelWarn, "callback refused", "reason", got.ErrorInfo)
			if strings.Contains(f.log.String()+got.ErrorInfo, testToken) {
				t.Error("the token leaked")
			}
		})
	}
}

func TestHandlerTellsAllowedMethod(t *testing.T) {
	w := httptest.NewRecorder()
	newFixture(t, nil).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := w.Header().Get("Allow"); got != "POST" {
		t.Errorf("Allow %q", got)
	}
}

func TestHandlerReadsNoBodyBeforeSign(t *testing.T) {
	f, r := newFixture(t, nil), unblockRequest(t)
	body := &countingReader{}
	r.Body = io.NopCloser(body)
	signAs(r, "guess", testTime)
	f.serve(t, r)
	if body.reads != 0 {
		t.Error("the body of an unsigned request was read")
	}
}

func TestHandlerFunctionFails(t *testing.T) {
	f := newFixture(t, nil)
	f.result = errors.New("database at 10.0.0.7 is away")
	status, got := f.serve(t, unblockRequest(t))
	if status != 200 || got.ErrorCode != 1 || strings.Contains(got.ErrorInfo, "10.0.0.7") {
		t.Errorf("%d %+v, want 200, 1, and no text of the error", status, got)
	}
	f.wantLog(t, slog.LevelError, "callback not handled", "error", "database at 10.0.0.7 is away")
}

func TestHandlerFunctionPanics(t *testing.T) {
	for _, value := range []any{"text", errors.New("error"), http.ErrAbortHandler} {
		f := newFixture(t, func(o *Options) {
			o.OnBlackListDelete = func(context.Context, BlackListEvent) error { panic(value) }
		})
		status, got := f.serve(t, unblockRequest(t))
		if status != 500 || got.ErrorCode != 1 {
			t.Errorf("%v: %d %+v, want 500 and 1", value, status, got)
		}
		if !strings.Contains(f.log.String(), "TestHandlerFunctionPanics") {
			t.Errorf("%v: the log lacks the stack: %s", value, &f.log)
		}
	}
}

func TestHandlerUnknownCommand(t *testing.T) {
	const body = `{"CallbackCommand":"Sns.CallbackFriendAdd","PairList":[{"Initiator_Account":7}]}`
	request := func() *http.Request {
		r := unblockRequest(t)
		setQuery(r, api.QueryCallbackCommand, "Sns.CallbackFriendAdd")
		setBody(r, body)
		return r
	}
	f := newFixture(t, nil)
	if status, got := f.serve(t, request()); status != 200 || got.ErrorCode != 0 {
		t.Errorf("%d %+v, want OK", status, got)
	}
	if len(f.unknown) != 1 || string(f.unknown[0].Body) != body || f.unknown[0].Command != "Sns.CallbackFriendAdd" {
		t.Errorf("OnUnknown got %+v", f.unknown)
	}
	f = newFixture(t, func(o *Options) { o.OnUnknown = nil })
	if status, got := f.serve(t, request()); status != 200 || got.ErrorCode != 0 || f.calls() != 0 {
		t.Errorf("without OnUnknown: %d %+v, want OK", status, got)
	}
	f = newFixture(t, nil)
	f.result = errors.New("not now")
	if status, got := f.serve(t, request()); status != 200 || got.ErrorCode != 1 {
		t.Errorf("OnUnknown failed: %d %+v, want FAIL", status, got)
	}
}

func TestHandlerRoutesByCommand(t *testing.T) {
	r := unblockRequest(t)
	setQuery(r, api.QueryCallbackCommand, api.CallbackBlackListAdd)
	setBody(r, string(EncodeBlackList(api.CallbackBlackListAdd, []api.Pair{{FromAccount: "a", ToAccount: "b"}})))
	f := newFixture(t, nil)
	f.serve(t, r)
	if len(f.added) != 1 || f.calls() != 1 {
		t.Errorf("%d adds of %d calls, want 1 of 1", len(f.added), f.calls())
	}
	f = newFixture(t, func(o *Options) { o.OnBlackListDelete = nil })
	f.serve(t, unblockRequest(t))
	if len(f.unknown) != 1 || f.calls() != 1 {
		t.Errorf("a command without a function did not reach OnUnknown")
	}
}

func TestNewRefuses(t *testing.T) {
	for _, row := range []struct {
		name, reason string
		options      Options
	}{
		{"no app", "SDKAppID is 0", Options{}},
		{"an app and any app", "both set", Options{SDKAppID: 1, AnyApp: true}},
		{"empty token", "Tokens[1] is empty", Options{SDKAppID: 1, Tokens: []string{"a", ""}}},
		{"negative skew", "Skew", Options{SDKAppID: 1, Skew: -time.Second}},
		{"part of a second", "Skew", Options{SDKAppID: 1, Skew: time.Millisecond}},
		{"negative size", "MaxBody", Options{SDKAppID: 1, MaxBody: -1}},
		{"negative memory", "Dedup", Options{SDKAppID: 1, Dedup: -1}},
	} {
		if _, err := New(row.options); err == nil || !strings.Contains(err.Error(), row.reason) {
			t.Errorf("%s: %v, want a refusal with %q", row.name, err, row.reason)
		}
	}
}

// FuzzHandler sends any query and body. Nothing may panic, and no function may run unless the query carries a fresh Sign.
func FuzzHandler(f *testing.F) {
	good := unblockRequest(f)
	f.Add("POST", good.URL.RawQuery, string(EncodeBlackList(api.CallbackBlackListDelete, manyPairs()[:2])), "id", "1")
	f.Add("POST", stateRequest(f, "").URL.RawQuery, string(EncodeState(login)), "id", "1")
	f.Add("POST", "SdkAppid=1600077123&CallbackCommand=x", `{"CallbackCommand":"x"}`, "", "")
	f.Add("GET", "%zz", "\xef\xbb\xbf", "\x00", "-1")
	sign, at := Sign(testToken, testTime), strconv.Itoa(testTime)
	f.Fuzz(func(t *testing.T, method, query, body, id, attempt string) {
		fix := newFixture(t, func(o *Options) { o.Dedup = 1 })
		r := unblockRequest(t)
		r.Method, r.URL = method, &url.URL{Path: "/", RawQuery: query}
		r.Header.Set(api.HeaderWebhookID, id)
		r.Header.Set(api.HeaderAttempt, attempt)
		setBody(r, body)
		status, _ := fix.serve(t, r)
		if fix.calls() == 0 {
			return
		}
		q, err := url.ParseQuery(query)
		if err != nil || status != 200 || method != "POST" || !strings.EqualFold(q.Get("Sign"), sign) ||
			strings.TrimLeft(q.Get("RequestTime"), "0") != at || q.Get("SdkAppid") == "" || !json.Valid([]byte(strings.TrimPrefix(body, "\xef\xbb\xbf"))) {
			t.Errorf("unverified content reached a function: %s ?%s %q", method, query, body)
		}
	})
}
