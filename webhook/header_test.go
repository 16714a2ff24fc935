package webhook

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
)

func TestEventOfHeaders(t *testing.T) {
	const id = "019b7a5c-0000-7000-8000-000000000001"
	for _, row := range []struct {
		name, header, value string
		want                Event // without what every request has
	}{
		{"sequence", api.HeaderSequence, "268435457", Event{Sequence: 268435457}},
		{"highest sequence", api.HeaderSequence, "9223372036854775807", Event{Sequence: 1<<63 - 1}},
		{"sequence beyond 63 bits", api.HeaderSequence, "9223372036854775808", Event{}},
		{"negative sequence", api.HeaderSequence, "-1", Event{}},
		{"sequence is no number", api.HeaderSequence, "x", Event{}},
		{"empty sequence", api.HeaderSequence, "", Event{}},
		{"replay", api.HeaderReplay, "019b7a5c-0000-7000-8000-0000000000aa", Event{Replay: "019b7a5c-0000-7000-8000-0000000000aa"}},
		{"empty test", api.HeaderTest, "", Event{}},
	} {
		f, r := newFixture(t, func(o *Options) { o.Tests = true }), unblockRequest(t)
		r.Header.Set(row.header, row.value)
		f.serve(t, r)
		want := row.want
		want.ID, want.Attempt, want.SDKAppID, want.Command = id, 2, testApp, api.CallbackBlackListDelete
		want.ClientIP, want.OptPlatform = "203.0.113.9", api.PlatformREST
		if len(f.removed) != 1 || f.removed[0].Event != want {
			t.Errorf("%s: %+v, want %+v", row.name, f.removed, want)
		}
	}
}

func TestHandlerRefusesLongReplayID(t *testing.T) {
	for length, want := range map[int]int{256: 200, 257: 400} {
		f, r := newFixture(t, nil), unblockRequest(t)
		r.Header.Set(api.HeaderReplay, strings.Repeat("r", length))
		if status, got := f.serve(t, r); status != want {
			t.Errorf("%d bytes: %d %+v, want %d", length, status, got, want)
		}
	}
}

// testRequests has a test callback for each function.
func testRequests(t *testing.T) map[string]*http.Request {
	add, unknown := unblockRequest(t), unblockRequest(t)
	setQuery(add, api.QueryCallbackCommand, api.CallbackBlackListAdd)
	setBody(add, string(EncodeBlackList(api.CallbackBlackListAdd, []api.Pair{{FromAccount: "a", ToAccount: "b"}})))
	setQuery(unknown, api.QueryCallbackCommand, "Sns.CallbackFriendAdd")
	setBody(unknown, `{"CallbackCommand":"Sns.CallbackFriendAdd"}`)
	requests := map[string]*http.Request{"add": add, "delete": unblockRequest(t), "state": stateRequest(t, ""), "unknown": unknown}
	for _, r := range requests {
		r.Header.Set(api.HeaderWebhookID, testID)
		r.Header.Set(api.HeaderTest, "1")
	}
	bare := unblockRequest(t) // as if somebody had taken the header off on the way
	bare.Header.Set(api.HeaderWebhookID, testID)
	requests["without kith-test"] = bare
	return requests
}

// testID is the id of a test.
const testID = api.TestIDPrefix + "019b7a5c-0000-7000-8000-0000000000bb"

// A function that does not ask for tests must never act on made-up pairs.
func TestHandlerKeepsTestsFromFunctions(t *testing.T) {
	for name, r := range testRequests(t) {
		f := newFixture(t, nil)
		f.result = errors.New("not asked") // and cannot fail the test
		if status, got := f.serve(t, r); status != 200 || got.ErrorCode != 0 || f.calls() != 0 {
			t.Errorf("%s: %d %+v after %d calls, want OK after none", name, status, got, f.calls())
		}
		f.wantLog(t, slog.LevelInfo, "test callback received", "event", testID)
	}
}

// Whoever can change headers on the way must not have a real event ignored while Kith takes it as delivered: neither as a
// test nor, where functions get tests, as a repetition of one.
func TestHandlerTakesNoEventForATest(t *testing.T) {
	for name, tests := range map[string]bool{"kept from functions": false, "handed over": true} {
		f, r := newFixture(t, func(o *Options) {
			withSecrets(testShared)(o)
			o.Tests, o.Dedup = tests, 10
		}), unblockRequest(t)
		signWith(t, r, testTime, testShared)
		for _, value := range []string{"1", "true", "0"} {
			forged := again(t, r)
			forged.Header.Set(api.HeaderTest, value)
			if status, got := f.serve(t, forged); status != 400 || got.ErrorCode == 0 || f.calls() != 0 {
				t.Errorf("%s, kith-test: %s: %d %+v after %d calls, want 400 after none", name, value, status, got, f.calls())
			}
		}
		renamed := again(t, r)
		renamed.Header.Set(api.HeaderWebhookID, api.TestIDPrefix+renamed.Header.Get(api.HeaderWebhookID))
		if status, _ := f.serve(t, renamed); status != 403 || f.calls() != 0 {
			t.Errorf("%s, with the id of a test: %d after %d calls, want 403 after none", name, status, f.calls())
		}
		if status, got := f.serve(t, r); status != 200 || got.ErrorCode != 0 || f.calls() != 1 {
			t.Errorf("%s: the event itself: %d %+v after %d calls, want OK after one", name, status, got, f.calls())
		}
	}
}

func TestHandlerHandsTestsOverWhenAskedTo(t *testing.T) {
	for name, r := range testRequests(t) {
		f := newFixture(t, func(o *Options) { o.Tests = true })
		if status, got := f.serve(t, r); status != 200 || got.ErrorCode != 0 || f.calls() != 1 || f.log.Len() != 0 {
			t.Errorf("%s: %d %+v after %d calls, want OK after one; log %s", name, status, got, f.calls(), &f.log)
		}
		for _, e := range append(f.added, f.removed...) {
			if !e.Test {
				t.Errorf("%s: not marked as a test", name)
			}
		}
	}
}

// A test says whether the endpoint would take an event, so it is checked like one.
func TestHandlerVerifiesTests(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"good":         {func(*http.Request) {}, 200},
		"wrong Sign":   {func(r *http.Request) { signAs(r, "guess", testTime) }, 403},
		"unsigned":     {func(r *http.Request) { r.Header.Del(api.HeaderWebhookSignature) }, 403},
		"other body":   {func(r *http.Request) { setBody(r, "{}") }, 403},
		"other app":    {func(r *http.Request) { setQuery(r, api.QuerySdkAppid, "7") }, 403},
		"another word": {func(r *http.Request) { setQuery(r, api.QueryCallbackCommand, "x") }, 400},
	} {
		f, r := newFixture(t, withSecrets(testShared)), unblockRequest(t)
		r.Header.Set(api.HeaderWebhookID, testID)
		r.Header.Set(api.HeaderTest, "1")
		signWith(t, r, testTime, testShared)
		row.change(r)
		if status, got := f.serve(t, r); status != row.status || f.calls() != 0 {
			t.Errorf("%s: %d %+v, want %d", name, status, got, row.status)
		}
	}
}
