package gateway_test

import (
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
)

// tracer follows all calls, each with the method as its traceparent.
type tracer struct{ ended chan followed }

type followed struct {
	method   string
	app      uint32
	code     api.Code
	accounts int
}

func (r tracer) StartCall(method string) (string, func(uint32, api.Code, int)) {
	return method, func(app uint32, code api.Code, accounts int) { r.ended <- followed{method, app, code, accounts} }
}

func (r tracer) next(t *testing.T) followed {
	t.Helper()
	select {
	case f := <-r.ended:
		return f
	case <-time.After(patience):
		t.Fatal("no call ended")
		return followed{}
	}
}

// Each frame is followed to its code, and events tell of the call that made them. A lost connection belongs to no call.
func TestFollowed(t *testing.T) {
	r := tracer{make(chan followed, 100)}
	f := newFixture(t, func(o *gateway.Options) { o.Tracer, o.Grace = r, time.Millisecond })
	f.imports("mira", "tom")
	f.updateApp(func(app *relation.App) {
		app.Callback.URL = "http://127.0.0.1:1/callback"
		app.Callback.On = []relation.EventKind{relation.EventState}
	})
	traces := make(chan string, 100)
	tap := func(c relation.Commit) {
		for _, e := range c.Events {
			traces <- e.Origin.Trace
		}
	}
	f.tap.Store(&tap)

	c := f.dial(nil)
	must[api.LoginResult](c, api.MethodLogin, loginOf("mira", "tab"))
	must[api.BlocklistResult](c, api.MethodBlocklistAdd, api.BlocklistTargets{ToAccount: []string{"tom"}})
	if answer := c.call(api.MethodBlocklistAdd, api.BlocklistTargets{}); answer.Error == nil {
		t.Error("no account was added")
	}
	c.call("grab", struct{}{})
	must[struct{}](c, api.MethodLogout, struct{}{})
	c.end()
	for _, want := range []followed{
		{api.MethodLogin, testApp, api.OK, 0},
		{api.MethodBlocklistAdd, testApp, api.OK, 1},
		{api.MethodBlocklistAdd, testApp, api.CodeParameter, 0},
		{"unknown", testApp, api.CodeRPCMethod, 0},
		{api.MethodLogout, testApp, api.OK, 0},
	} {
		if got := r.next(t); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	c = f.dial(nil)
	must[api.LoginResult](c, api.MethodLogin, loginOf("mira", "tab"))
	_ = c.ws.CloseNow()
	for i, want := range []string{api.MethodLogin, api.MethodBlocklistAdd, api.MethodLogout, api.MethodLogin, ""} {
		select {
		case got := <-traces:
			if got != want {
				t.Errorf("event %d has the trace %q, want %q", i, got, want)
			}
		case <-time.After(patience):
			t.Fatalf("event %d did not come", i)
		}
	}
}
