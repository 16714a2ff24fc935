package restapi

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
)

// calls is a Tracer that follows all calls, or only those of a caller who sends a traceparent.
type calls struct {
	all   bool
	begun []string // command, caller
	ended []ended
}

type ended struct {
	sdkAppID uint32
	code     api.Code
	accounts int
}

func (c *calls) StartRequest(command, caller string) (string, func(uint32, api.Code, int)) {
	c.begun = append(c.begun, command+" "+caller)
	if !c.all && caller == "" {
		return "", nil
	}
	return "own", func(app uint32, code api.Code, accounts int) { c.ended = append(c.ended, ended{app, code, accounts}) }
}

// Each call is followed from its name to its code, whatever comes of it.
func TestFollowed(t *testing.T) {
	tracer := &calls{all: true}
	f := newFixture(t, &nullStore{}, func(o *Options) { o.Tracer = tracer })
	for _, c := range []struct {
		path, body, begun string
		want              ended
	}{
		{f.target("sns/black_list_add"), `{"From_Account":"mira","To_Account":["tom","ann"]}`, "black_list_add ", ended{testApp, api.OK, 2}},
		{f.target("sns/black_list_check"), `{"From_Account":"mira","To_Account":["tom"],"CheckType":"x"}`, "black_list_check ", ended{testApp, api.CodeParameter, 1}},
		{f.target("sns/black_list_delete"), `{`, "black_list_delete ", ended{testApp, api.CodeBodyNotJSON, 0}},
		{"/v4/sns/black_list_delete", `{}`, "black_list_delete ", ended{0, api.CodeSDKAppIDMissing, 0}},
		{"/wp-login.php", ``, "unknown ", ended{0, api.CodeUnknownPath, 0}},
		{f.target("im_open_login_svc/multiaccount_import"), `{"Accounts":["a","b","c"]}`, "multiaccount_import ", ended{testApp, api.OK, 3}},
		{f.target("im_open_login_svc/account_import"), `{"UserID":"a"}`, "account_import ", ended{testApp, api.OK, 1}},
	} {
		tracer.begun, tracer.ended = nil, nil
		f.post(c.path, c.body)
		if !slices.Equal(tracer.begun, []string{c.begun}) || !slices.Equal(tracer.ended, []ended{c.want}) {
			t.Errorf("%s: began %q, ended %+v, want %+v", c.path, tracer.begun, tracer.ended, c.want)
		}
	}
}

// The event of a call that is followed has its traceparent; that of another one has none.
func TestTraceOfEvents(t *testing.T) {
	tracer := &calls{}
	store := &nullStore{}
	f := newFixture(t, store, func(o *Options) { o.Tracer = tracer })
	for _, c := range []struct {
		sent []string
		want string
	}{{[]string{"00-1"}, "own"}, {nil, ""}, {[]string{"00-1", "00-2"}, ""}} {
		r := httptest.NewRequest(http.MethodPost, f.target("sns/black_list_delete"),
			strings.NewReader(`{"From_Account":"mira","To_Account":["tom"]}`))
		r.Header["Traceparent"] = c.sent
		f.body(f.do(r))
		if got := store.last.Load().Events; len(got) != 1 || got[0].Origin.Trace != c.want {
			t.Errorf("with %q the event is %+v", c.sent, got)
		}
	}
}

// Without a Tracer nothing is kept of a call for it.
func TestNotFollowedIsFree(t *testing.T) {
	f := newFixture(t, &nullStore{}, nil)
	r := httptest.NewRequest(http.MethodPost, "/v4/sns/black_list_add", nil)
	r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if n := testing.AllocsPerRun(100, func() {
		f := f.h.follow(unknownCommand, r)
		f.ended(api.OK)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
