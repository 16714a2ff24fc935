package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
)

// login is a login that put two devices out.
var login = api.StateCallback{
	CallbackCommand: api.CallbackStateChange,
	EventTime:       1767225661042,
	Info:            api.StateInfo{Action: api.StateLogin, ToAccount: "mira.k", Reason: api.StateRegister},
	KickedDevice:    []api.KickedDevice{{Platform: api.PlatformWeb}, {Platform: api.PlatformUnknown}},
}

func TestEncodeStateGolden(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*api.StateCallback)
		want   string
	}{
		{
			"Login", func(c *api.StateCallback) { c.KickedDevice = nil },
			`{"CallbackCommand":"State.StateChange","EventTime":1767225661042,` +
				`"Info":{"Action":"Login","To_Account":"mira.k","Reason":"Register"}}`,
		},
		{
			"Login that kicked", func(*api.StateCallback) {},
			`{"CallbackCommand":"State.StateChange","EventTime":1767225661042,` +
				`"Info":{"Action":"Login","To_Account":"mira.k","Reason":"Register"},` +
				`"KickedDevice":[{"Platform":"Web"},{"Platform":"Unknown"}]}`,
		},
		{
			"no HTML escapes", func(c *api.StateCallback) {
				c.Info = api.StateInfo{Action: api.StateDisconnect, ToAccount: `<a>&"b\`, Reason: api.StateTimeOut}
				c.KickedDevice = []api.KickedDevice{}
			},
			`{"CallbackCommand":"State.StateChange","EventTime":1767225661042,` +
				`"Info":{"Action":"Disconnect","To_Account":"<a>&\"b\\","Reason":"TimeOut"}}`,
		},
	} {
		c := login
		row.change(&c)
		if got := string(EncodeState(c)); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

// FuzzEncodeState compares with encoding/json, for any values.
func FuzzEncodeState(f *testing.F) {
	f.Add(api.CallbackStateChange, int64(1767225661042), api.StateLogin, "mira.k", api.StateRegister, api.PlatformIOS)
	f.Add("\x00\x1f\x7f", int64(-1), "\xff\xfe", "\u2028é<>&\"\\", "", "")
	f.Fuzz(func(t *testing.T, command string, at int64, action, account, reason, platform string) {
		c := api.StateCallback{
			CallbackCommand: command, EventTime: at,
			Info: api.StateInfo{Action: action, ToAccount: account, Reason: reason},
		}
		for range 3 {
			var want bytes.Buffer
			e := json.NewEncoder(&want)
			e.SetEscapeHTML(false)
			if err := e.Encode(c); err != nil {
				t.Fatal(err)
			}
			if got := EncodeState(c); string(got)+"\n" != want.String() {
				t.Errorf("\n got %q\nwant %q", got, want.String())
			}
			c.KickedDevice = append(c.KickedDevice, api.KickedDevice{Platform: platform})
		}
	})
}

// stateRequest is the request that Kith sends for a login on a phone, with another body when one is given.
func stateRequest(t testing.TB, body string) *http.Request {
	t.Helper()
	r := unblockRequest(t)
	setQuery(r, api.QueryCallbackCommand, api.CallbackStateChange)
	setQuery(r, api.QueryClientIP, "2001:db8::7")
	setQuery(r, api.QueryOptPlatform, api.PlatformIOS)
	if body == "" {
		body = string(EncodeState(login))
	}
	setBody(r, body)
	return r
}

func TestHandlerDeliversStateEvent(t *testing.T) {
	f := newFixture(t, nil)
	if status, got := f.serve(t, stateRequest(t, "")); status != 200 || got.ErrorCode != 0 {
		t.Fatalf("%d %+v, want OK", status, got)
	}
	want := []StateEvent{{
		Event: Event{
			ID: "019b7a5c-0000-7000-8000-000000000001", Attempt: 2, SDKAppID: testApp,
			Command: api.CallbackStateChange, ClientIP: "2001:db8::7", OptPlatform: api.PlatformIOS,
		},
		Time: time.UnixMilli(1767225661042), Account: "mira.k", Action: api.StateLogin, Reason: api.StateRegister,
		Kicked: []string{api.PlatformWeb, api.PlatformUnknown}, Body: EncodeState(login),
	}}
	if !reflect.DeepEqual(f.states, want) || f.calls() != 1 {
		t.Errorf("got %+v, want %+v", f.states, want)
	}

	f.result = errors.New("not now")
	if status, got := f.serve(t, stateRequest(t, "")); status != 200 || got.ErrorCode != 1 {
		t.Errorf("a function that failed: %d %+v, want 200 and 1", status, got)
	}
}

func TestHandlerWithoutOnStateChangeSeesAnUnknownCommand(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.OnStateChange = nil })
	if status, got := f.serve(t, stateRequest(t, "")); status != 200 || got.ErrorCode != 0 {
		t.Errorf("%d %+v, want OK", status, got)
	}
	if len(f.unknown) != 1 || f.unknown[0].Command != api.CallbackStateChange || f.calls() != 1 {
		t.Errorf("OnUnknown got %+v", f.unknown)
	}
}

// What other senders do differently is handed over as it came.
func TestHandlerTakesStateEventsOfOthers(t *testing.T) {
	const custom = `{"CallbackCommand":"State.StateChange","EventTime":5,"Info":{"Action":"CustomStatusChange","To_Account":"a",` +
		`"Reason":"SetCustomStatus","CustomStatus":"busy"},"CustomStatus":"busy"}`
	for _, row := range []struct {
		name, body string
		want       StateEvent
	}{
		{"an action that Kith does not have", custom, StateEvent{
			Time: time.UnixMilli(5), Account: "a", Action: "CustomStatusChange", Reason: "SetCustomStatus",
		}},
		{
			"without EventTime and Reason", `{"CallbackCommand":"State.StateChange","Info":{"Action":"Logout","To_Account":"a"}}`,
			StateEvent{Account: "a", Action: api.StateLogout},
		},
		{
			"a platform that Kith does not have",
			`{"KickedDevice":[{"Platform":"Linux"}],"CallbackCommand":"State.StateChange","Info":{"Action":"Login","To_Account":"a"}}`,
			StateEvent{Account: "a", Action: api.StateLogin, Kicked: []string{"Linux"}},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			f, r := newFixture(t, nil), stateRequest(t, row.body)
			setQuery(r, api.QueryOptPlatform, "IOS") // as documented for this command
			if status, got := f.serve(t, r); status != 200 || got.ErrorCode != 0 || len(f.states) != 1 {
				t.Fatalf("%d %+v, %d events", status, got, len(f.states))
			}
			got := f.states[0]
			if string(got.Body) != row.body || got.OptPlatform != "IOS" {
				t.Errorf("body %s, platform %q", got.Body, got.OptPlatform)
			}
			got.Body, got.Event = nil, Event{}
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

func TestHandlerRefusesStateEvents(t *testing.T) {
	const command = `{"CallbackCommand":"State.StateChange",`
	for _, row := range []struct{ name, body, reason string }{
		{"no object", `[]`, "not a JSON object"},
		{"EventTime as text", command + `"EventTime":"1","Info":{"Action":"Login","To_Account":"a"}}`, "whole number"},
		{"EventTime with a fraction", command + `"EventTime":1.5,"Info":{"Action":"Login","To_Account":"a"}}`, "whole number"},
		{"EventTime below 0", command + `"EventTime":-1,"Info":{"Action":"Login","To_Account":"a"}}`, "before 1970"},
		{"no Info", command + `"EventTime":1}`, "lacks Action"},
		{"no Action", command + `"Info":{"To_Account":"a"}}`, "lacks Action"},
		{"empty To_Account", command + `"Info":{"Action":"Login","To_Account":""}}`, "or To_Account"},
		{"To_Account as a number", command + `"Info":{"Action":"Login","To_Account":7}}`, "as strings"},
		{"a device that is null", command + `"Info":{"Action":"Login","To_Account":"a"},"KickedDevice":[null]}`, "lacks Platform"},
		{"a device as text", command + `"Info":{"Action":"Login","To_Account":"a"},"KickedDevice":["Web"]}`, "KickedDevice of"},
		{"another command", `{"CallbackCommand":"Sns.CallbackBlackListAdd","Info":{"Action":"Login","To_Account":"a"}}`, "differ"},
	} {
		f := newFixture(t, nil)
		status, got := f.serve(t, stateRequest(t, row.body))
		if status != 400 || got.ErrorCode != 1 || !strings.Contains(got.ErrorInfo, row.reason) || f.calls() != 0 {
			t.Errorf("%s: %d %+v after %d calls, want 400 with %q", row.name, status, got, f.calls(), row.reason)
		}
	}
}
