package restapi

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
)

// TestPathAndMethod: open question 57. Every command exists at its exact path, for POST only.
func TestPathAndMethod(t *testing.T) {
	f := newFixture(t, &nullStore{}, nil)
	const unknown = "there is no such command; check the path, which is case-sensitive"
	for _, path := range []string{
		"/", "/v4/", "/v4/sns", "/v4/sns/", "/v4/sns/black_list_add/", "/v4/sns/Black_List_Add", "/v3/sns/black_list_add",
		"/v4/sns/account_import", "/v4/openim/sendmsg", "//v4/sns/black_list_add",
	} {
		sameJSON(t, f.post("http://kith.example"+path+"?"+f.query(), addABC), failLogin(60009, unknown))
	}
	for _, cmd := range f.h.table() {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodHead} {
			r := httptest.NewRequest(method, f.target(cmd.service.name+"/"+cmd.name), strings.NewReader(addABC))
			f.wantCode(f.envelope(f.body(f.do(r))), api.CodeUnknownPath)
		}
	}
	var names []string
	for _, cmd := range f.h.table() {
		names = append(names, cmd.name)
	}
	if !slices.Equal(names, api.Commands()) || len(f.h.commands) != len(names) {
		t.Errorf("commands %v, want those of package api, each at a path of its own: %v", names, api.Commands())
	}
}

func TestOptions(t *testing.T) {
	f := newFixture(t, &nullStore{}, nil)
	for _, target := range []string{f.target(addCmd), "/v4/nothing", "*"} {
		resp := f.do(httptest.NewRequest(http.MethodOptions, target, nil))
		if resp.StatusCode != http.StatusNoContent {
			t.Errorf("%s: status %d, want 204", target, resp.StatusCode)
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "X-Requested-With", "Access-Control-Allow-Methods": "POST",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: header %s is %q, want %q", target, name, got, want)
			}
		}
	}
}

// observed is one call of Metrics.
type observed struct {
	command string
	code    api.Code
}

type recorder struct{ seen []observed }

func (r *recorder) Observe(command string, code api.Code, took time.Duration) {
	if took < 0 {
		panic("negative duration")
	}
	r.seen = append(r.seen, observed{command, code})
}

func TestMetrics(t *testing.T) {
	var rec recorder
	f := newFixture(t, &nullStore{}, func(o *Options) { o.Metrics = &rec })
	f.call(deleteCmd, addABC)
	f.call(deleteCmd, `{}`)
	f.call("sns/no_such_command", `{}`)
	f.post("/v4/"+kickCmd, `{}`)
	want := []observed{
		{"black_list_delete", api.OK},
		{"black_list_delete", api.CodeParameter},
		{"unknown", api.CodeUnknownPath},
		{"kick", api.CodeSDKAppIDMissing},
	}
	if !slices.Equal(rec.seen, want) {
		t.Errorf("got %v, want %v", rec.seen, want)
	}
}

// TestKeepAlive: refusals keep the connection as well.
func TestKeepAlive(t *testing.T) {
	f := newFixture(t, &nullStore{}, nil)
	var opened atomic.Int64
	srv := httptest.NewUnstartedServer(f.h)
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	for _, target := range []string{f.target(deleteCmd), f.target("sns/nothing"), "/v4/" + deleteCmd, f.target(deleteCmd)} {
		resp, err := srv.Client().Post(srv.URL+target, "", strings.NewReader(addABC))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}
