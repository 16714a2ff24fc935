package restapi

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
)

// fuzzServer checks what holds for every request: no panic, HTTP 200, an envelope with a known code, and no change
// unless the code is 0.
type fuzzServer struct {
	*fixture
	store *nullStore
}

func newFuzzServer(f *testing.F) fuzzServer {
	store := &nullStore{}
	return fuzzServer{newFixture(f, store, nil), store}
}

func FuzzQuery(f *testing.F) {
	srv := newFuzzServer(f)
	known := knownCodes(f)
	good := srv.query()
	for _, seed := range []string{
		good, "", "sdkappid=1400000000", "sdkappid=1400000000&identifier=administrator&usersig=", "usersig=%2A%", "a=b;c&=&&",
		strings.ReplaceAll(good, "*", "%2A"), strings.Replace(good, "usersig=e", "usersig=f", 1), good + "&sdkappid=1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		srv.t = t
		r := httptest.NewRequest("POST", "/v4/"+deleteCmd, strings.NewReader(addABC))
		r.URL.RawQuery = query
		before := srv.store.changes.Load()
		env := srv.envelope(srv.body(srv.do(r)))
		changed := srv.store.changes.Load() != before
		if !known[env.ErrorCode] || changed != (env.ErrorCode == 0) {
			t.Errorf("code %d, changed: %v", env.ErrorCode, changed)
		}
		ours, err := parseQuery(query)
		theirs, stdErr := url.ParseQuery(query)
		if err == nil && stdErr == nil && !strings.Contains(query, "%") && ours.identifier.value != theirs.Get("identifier") {
			t.Errorf("identifier %q, net/url reads %q", ours.identifier.value, theirs.Get("identifier"))
		}
	})
}

func FuzzBody(f *testing.F) {
	srv := newFuzzServer(f)
	internal := map[api.Code]bool{api.CodeSnsInternal: true, api.CodeAccountInternal: true, api.CodeOpenimInternal: true}
	known, table, query := knownCodes(f), srv.h.table(), srv.query()
	for _, seed := range []string{
		"", "{}", "null", "[]", addABC, `{"From_Account":1,"To_Account":["b"]}`, `{"From_Account":"a","StartIndex":1e400,"MaxLimited":1}`,
		`{"UserID":"a","Nick":"n"}`, `{"Accounts":["a",1]}`, `{"AccountList":[{"UserID":"a"}]}`, `{"CheckItem":[{"UserID":"a"}]}`,
		`{"From_Account":"a","To_Account":["b"],"CheckType":"BlackCheckResult_Type_Both"}`, "{\"From_Account\":\"\xff\"}",
		`{"To_Account":["a"],"IsNeedDetail":1}`, `{"DeleteItem":[{"UserID":99999999999999999999}]}`, strings.Repeat(`{"x":[`, 2000),
	} {
		for i := range table {
			f.Add(i, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, which int, body []byte) {
		srv.t = t
		cmd := table[uint(which)%uint(len(table))]
		before := srv.store.changes.Load()
		env := srv.envelope(srv.post("/v4/"+cmd.service.name+"/"+cmd.name+"?"+query, string(body)))
		if !known[env.ErrorCode] || internal[env.ErrorCode] {
			t.Errorf("%s: code %d (%s)", cmd.name, env.ErrorCode, srv.log)
		}
		if env.ErrorCode != 0 && srv.store.changes.Load() != before {
			t.Errorf("%s: code %d, and yet something changed", cmd.name, env.ErrorCode)
		}
	})
}
