package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/usersig"
)

const (
	testApp = 1600077123
	testKey = "client-test-secret-key-01"
)

// visit is a request as it came.
type visit struct {
	path  string
	query url.Values
	body  string
}

// reply is what a scripted server answers: a status and body, or a connection that breaks.
type reply struct {
	status int // 0: 200
	body   string
	header http.Header
	cut    bool // the connection is closed instead
}

const success = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`

func fail(code api.Code) reply {
	return reply{body: fmt.Sprintf(`{"ActionStatus":"FAIL","ErrorCode":%d,"ErrorInfo":"no"}`, code)}
}

// script is a REST server in virtual time that gives its replies one after another.
type script struct {
	t       *testing.T
	wires   *wires
	replies []reply
	asked   []visit
	now     func() time.Time // of the server
}

// scripted runs f with a client and the server that gives these replies, in virtual time.
func scripted(t *testing.T, replies []reply, change func(*RESTOptions), f func(*script, *REST)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, wires: newWires(), replies: replies, now: time.Now}
		server := &httptest.Server{Listener: s.wires, Config: &http.Server{Handler: s}}
		server.Start()
		defer server.Close()
		o := RESTOptions{URL: "http://kith.test", SDKAppID: testApp, Key: testKey, HTTPClient: s.wires.http()}
		if change != nil {
			change(&o)
		}
		r, err := NewREST(o)
		if err != nil {
			t.Fatal(err)
		}
		defer o.HTTPClient.CloseIdleConnections()
		f(s, r)
		if len(s.asked) != len(replies) {
			t.Errorf("%d requests came, want %d", len(s.asked), len(replies))
		}
	})
}

// ServeHTTP implements http.Handler.
func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.asked = append(s.asked, visit{r.Method + " " + r.URL.Path, r.URL.Query(), string(body)})
	if len(s.asked) > len(s.replies) {
		s.t.Errorf("one request more than there are replies: %s", r.URL.Path)
		return
	}
	it := s.replies[len(s.asked)-1]
	if it.cut {
		panic(http.ErrAbortHandler)
	}
	w.Header()["Date"] = []string{s.now().UTC().Format(http.TimeFormat)}
	for k, v := range it.header {
		w.Header()[k] = v
	}
	if it.status != 0 {
		w.WriteHeader(it.status)
	}
	_, _ = io.WriteString(w, it.body)
}

// Each method's request and result, as the wire reference has them.
func TestRESTCommands(t *testing.T) {
	ctx := context.Background()
	var paths []string
	two := func(items, extra string) string {
		return `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","` + items + `":[` + extra + `]}`
	}
	for _, c := range []struct {
		name, path, body, answer string
		call                     func(*REST) (any, error)
		want                     any
	}{
		{
			"import one", "im_open_login_svc/account_import", `{"UserID":"a","Nick":"n"}`, success,
			func(r *REST) (any, error) { return nil, r.ImportAccount(ctx, Profile{UserID: "a", Nick: "n"}) }, nil,
		},
		{
			"import many", "im_open_login_svc/multiaccount_import",
			`{"AccountList":[{"UserID":"a"},{"UserID":"b","FaceUrl":"u"}]}`, two("FailAccounts", `"b"`),
			func(r *REST) (any, error) {
				return r.ImportAccounts(ctx, []Profile{{UserID: "a"}, {UserID: "b", FaceURL: "u"}})
			},
			[]ItemResult{{UserID: "a"}, {"b", api.CodeAccountParameter, api.InfoAccountParameter}},
		},
		{
			"check accounts", "im_open_login_svc/account_check", `{"CheckItem":[{"UserID":"a"},{"UserID":"b"}]}`,
			two("ResultItem", `{"UserID":"a","ResultCode":0,"AccountStatus":"Imported"},{"UserID":"b","ResultCode":0,"AccountStatus":"NotImported"}`),
			func(r *REST) (any, error) { return r.CheckAccounts(ctx, []string{"a", "b"}) },
			[]AccountStatus{{ItemResult{UserID: "a"}, true}, {ItemResult{UserID: "b"}, false}},
		},
		{
			"delete accounts", "im_open_login_svc/account_delete", `{"DeleteItem":[{"UserID":"a"}]}`,
			two("ResultItem", `{"UserID":"a","ResultCode":70107,"ResultInfo":"none"}`),
			func(r *REST) (any, error) { return r.DeleteAccounts(ctx, []string{"a"}) },
			[]ItemResult{{"a", api.CodeAccountUnknown, "none"}},
		},
		{
			"kick", "im_open_login_svc/kick", `{"UserID":"a"}`, success,
			func(r *REST) (any, error) { return nil, r.Kick(ctx, "a") }, nil,
		},
		{
			"block", "sns/black_list_add", `{"From_Account":"a","To_Account":["b","c"]}`,
			two("ResultItem", `{"To_Account":"b","ResultCode":0,"ResultInfo":""},{"To_Account":"c","ResultCode":30001,"ResultInfo":"Err_SNS_BlackListAdd_Already_Exist"}`),
			func(r *REST) (any, error) { return r.Block(ctx, "a", "b", "c") },
			[]ItemResult{{UserID: "b"}, {"c", api.CodeParameter, api.InfoBlockExists}},
		},
		{
			"unblock", "sns/black_list_delete", `{"From_Account":"a","To_Account":["b"]}`,
			two("ResultItem", `{"To_Account":"b","ResultCode":0,"ResultInfo":""}`),
			func(r *REST) (any, error) { return r.Unblock(ctx, "a", "b") },
			[]ItemResult{{UserID: "b"}},
		},
		{
			"page", "sns/black_list_get", `{"From_Account":"a","StartIndex":5,"MaxLimited":2,"LastSequence":0}`,
			`{"ActionStatus":"OK","ErrorCode":0,"BlackListItem":[{"To_Account":"b","AddBlackTimeStamp":9}],"StartIndex":6,"CurruentSequence":3}`,
			func(r *REST) (any, error) { return r.BlocklistPage(ctx, PageQuery{Owner: "a", Start: 5, Limit: 2}) },
			Page{[]Entry{{"b", time.Unix(9, 0)}}, 6, 3},
		},
		{
			"check blocks", "sns/black_list_check",
			`{"From_Account":"a","To_Account":["b","c"],"CheckType":"BlackCheckResult_Type_Both"}`,
			two("BlackListCheckItem", `{"To_Account":"b","Relation":"BlackCheckResult_Type_BothWay"},{"To_Account":"c","Relation":"BlackCheckResult_Type_BWithA"}`),
			func(r *REST) (any, error) { return r.CheckBlocks(ctx, "a", "b", "c") },
			[]BlockState{{ItemResult{UserID: "b"}, true, true}, {ItemResult{UserID: "c"}, false, true}},
		},
		{
			"online status", "openim/query_online_status", `{"To_Account":["x","a"],"IsNeedDetail":1}`,
			`{"ActionStatus":"OK","ErrorCode":0,"QueryResult":[{"To_Account":"a","Status":"Online","Detail":[{"Platform":"Web","Status":"Online"}]}],"ErrorList":[{"To_Account":"x","ErrorCode":70107}]}`,
			func(r *REST) (any, error) { return r.OnlineStatus(ctx, "x", "a") },
			[]OnlineStatus{
				{ItemResult: ItemResult{"x", api.CodeAccountUnknown, api.InfoAccountNotExist}},
				{ItemResult{UserID: "a"}, true, []string{"Web"}},
			},
		},
		{
			"online status of nobody", "openim/query_online_status", `{"To_Account":["x"],"IsNeedDetail":1}`,
			`{"ActionStatus":"FAIL","ErrorCode":70107,"ErrorInfo":"none","QueryResult":[],"ErrorList":[{"To_Account":"x","ErrorCode":70107}]}`,
			func(r *REST) (any, error) { return r.OnlineStatus(ctx, "x") },
			[]OnlineStatus{{ItemResult: ItemResult{"x", api.CodeAccountUnknown, api.InfoAccountNotExist}}},
		},
	} {
		paths = append(paths, c.path)
		t.Run(c.name, func(t *testing.T) {
			scripted(t, []reply{{body: c.answer}}, nil, func(s *script, r *REST) {
				got, err := c.call(r)
				if err != nil || asJSON(t, got) != asJSON(t, c.want) {
					t.Errorf("got %+v, %v, want %+v", got, err, c.want)
				}
				if q := s.asked[0]; q.path != "POST /v4/"+c.path || q.body != c.body {
					t.Errorf("asked %s %s", q.path, q.body)
				}
			})
		})
	}
	for _, name := range api.Commands() {
		if !slices.ContainsFunc(paths, func(path string) bool { return command(path) == name }) {
			t.Errorf("no test of %s", name)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The query is that of every v4 client, with a ticket that the server would take.
func TestRESTQuery(t *testing.T) {
	scripted(t, []reply{{body: success}}, nil, func(s *script, r *REST) {
		if err := r.Kick(context.Background(), "a"); err != nil {
			t.Fatal(err)
		}
		q := s.asked[0].query
		ticket, err := usersig.Verify(q.Get("usersig"), usersig.Params{
			SDKAppID: testApp, Identifier: "administrator", Keys: []string{testKey}, Now: time.Now(),
		})
		if err != nil || ticket.Expire != 86400 || q.Get("sdkappid") != "1600077123" || q.Get("identifier") != "administrator" ||
			q.Get("contenttype") != "json" || q.Get("random") == "" || len(q) != 5 {
			t.Errorf("query %v, ticket %+v, %v", q, ticket, err)
		}
	})
}

// What is tried again, and what then becomes of items that look done already.
func TestRESTRetries(t *testing.T) {
	listed := func(info string) reply {
		return reply{body: `{"ActionStatus":"OK","ErrorCode":0,"ResultItem":[{"To_Account":"b","ResultCode":30001,"ResultInfo":"` + info + `"}]}`}
	}
	exists, notListed := listed(api.InfoBlockExists), listed(api.InfoBlockNotListed)
	for _, c := range []struct {
		name    string
		replies []reply
		remove  bool
		code    api.Code // of the item, or of the call
		call    bool
	}{
		{"at once", []reply{exists}, false, api.CodeParameter, false},
		{"the answer was lost", []reply{{cut: true}, exists}, false, api.OK, false},
		{"the answer to an unblock was lost", []reply{{cut: true}, notListed}, true, api.OK, false},
		{"another meaning of the code", []reply{{cut: true}, listed(api.InfoBlockSelf)}, false, api.CodeParameter, false},
		{"time was over", []reply{fail(api.CodeServiceTimeout), exists}, false, api.OK, false},
		{"the server failed", []reply{fail(api.CodeSnsInternal), exists}, false, api.OK, false},
		{"a proxy failed", []reply{{status: 502, body: "<html>"}, exists}, false, api.OK, false},
		{"too fast, which is not carried out", []reply{fail(api.CodeAPIRate), exists}, false, api.CodeParameter, false},
		{"429, which is not either", []reply{{status: 429}, exists}, false, api.CodeParameter, false},
		{"first too fast, then lost", []reply{fail(api.CodeAppRate), {cut: true}, exists}, false, api.OK, false},
		{"too often", []reply{fail(60007), fail(60007), fail(60007), fail(60007)}, false, api.CodeAPIRate, true},
		{"a mistake", []reply{fail(api.CodeNoAccount)}, false, api.CodeNoAccount, true},
		{"locked out", []reply{fail(api.CodeTooManyFailures)}, false, api.CodeTooManyFailures, true},
		{"a page that is not the API", []reply{{status: 404, body: "nothing here"}}, false, api.OK, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			scripted(t, c.replies, nil, func(_ *script, r *REST) {
				call := r.Block
				if c.remove {
					call = r.Unblock
				}
				items, err := call(context.Background(), "a", "b")
				if e := asError(err); c.call && (e == nil || e.Code != c.code) || !c.call && (err != nil || items[0].Code != c.code) {
					t.Errorf("got %+v, %v, want code %d", items, err, c.code)
				}
			})
		})
	}
}

// A refused ticket is made anew at once, by the server's clock, and only once.
func TestRESTTickets(t *testing.T) {
	t.Run("renewed before its end", func(t *testing.T) {
		scripted(t, []reply{{body: success}, {body: success}, {body: success}}, nil, func(s *script, r *REST) {
			for range 3 {
				if err := r.Kick(context.Background(), "a"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(7 * time.Hour) // virtual; a ticket is used for 12 hours
			}
			sigs := []string{s.asked[0].query.Get("usersig"), s.asked[1].query.Get("usersig"), s.asked[2].query.Get("usersig")}
			if sigs[0] != sigs[1] || sigs[1] == sigs[2] {
				t.Errorf("tickets %q", sigs)
			}
		})
	})
	for _, code := range []api.Code{api.CodeTicketExpired, api.CodeTicketRevoked} {
		t.Run(fmt.Sprint("refused with ", code), func(t *testing.T) {
			scripted(t, []reply{fail(code), {body: success}}, nil, func(s *script, r *REST) {
				s.now = func() time.Time { return time.Now().Add(90 * time.Minute) }
				start := time.Now()
				if err := r.Kick(context.Background(), "a"); err != nil {
					t.Fatal(err)
				}
				ticket, err := usersig.Decode(s.asked[1].query.Get("usersig"))
				if err != nil || ticket.Issued != s.now().Unix() || time.Since(start) != 0 {
					t.Errorf("second ticket %+v, %v after %v", ticket, err, time.Since(start))
				}
			})
		})
	}
	t.Run("refused twice", func(t *testing.T) {
		scripted(t, []reply{fail(api.CodeTicketExpired), fail(api.CodeTicketExpired)}, nil, func(_ *script, r *REST) {
			if e := asError(r.Kick(context.Background(), "a")); e == nil || e.Code != api.CodeTicketExpired {
				t.Errorf("got %v", e)
			}
		})
	})
}

// The pause of Retry-After is kept, unless it is too long to wait for.
func TestRESTRetryAfter(t *testing.T) {
	after := func(seconds string) reply {
		return reply{status: 503, header: http.Header{"Retry-After": {seconds}}}
	}
	scripted(t, []reply{after("7"), {body: success}}, nil, func(_ *script, r *REST) {
		start := time.Now()
		if err := r.Kick(context.Background(), "a"); err != nil || time.Since(start) != 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	scripted(t, []reply{after("3600")}, nil, func(_ *script, r *REST) {
		e := asError(r.Kick(context.Background(), "a"))
		if e == nil || e.RetryAfter() != time.Hour || !e.Temporary() || e.HTTPStatus != 503 {
			t.Errorf("got %+v", e)
		}
	})
}

// Long lists go in pieces; what was done before a failure is returned.
func TestRESTPieces(t *testing.T) {
	ids := make([]string, 250)
	for i := range ids {
		ids[i] = fmt.Sprint("u", i)
	}
	answer := func(ids []string) reply {
		var a api.AccountResponse
		for _, id := range ids {
			a.ResultItem = append(a.ResultItem, api.AccountResult{UserID: id})
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		return reply{body: string(text)}
	}
	scripted(t, []reply{answer(ids[:100]), answer(ids[100:200]), fail(api.CodeAccountAdmin)}, nil, func(_ *script, r *REST) {
		items, err := r.DeleteAccounts(context.Background(), ids)
		if e := asError(err); e == nil || e.Code != api.CodeAccountAdmin || len(items) != 200 || items[199].UserID != "u199" {
			t.Errorf("%d items, %v", len(items), err)
		}
	})
	scripted(t, nil, nil, func(_ *script, r *REST) {
		if items, err := r.Block(context.Background(), "a"); err != nil || len(items) != 0 {
			t.Errorf("no targets: %v, %v", items, err)
		}
	})
	scripted(t, []reply{{body: success}}, nil, func(_ *script, r *REST) {
		if _, err := r.Block(context.Background(), "a", "b"); err == nil {
			t.Error("an answer without items passed")
		}
	})
}

// All pages, and an error as the last element.
func TestRESTBlocklist(t *testing.T) {
	page := func(next int, ids ...string) reply {
		a := api.BlockGetResponse{StartIndex: next}
		for _, id := range ids {
			a.BlackListItem = append(a.BlackListItem, api.BlockEntry{ToAccount: id})
		}
		return reply{body: asJSON(t, a)}
	}
	read := func(r *REST) (ids []string, err error) {
		for e, problem := range r.Blocklist(context.Background(), "a") {
			if problem != nil {
				return ids, problem
			}
			ids = append(ids, e.UserID)
		}
		return ids, nil
	}
	scripted(t, []reply{page(2, "b", "c"), page(0, "d")}, nil, func(s *script, r *REST) {
		if ids, err := read(r); err != nil || !slices.Equal(ids, []string{"b", "c", "d"}) || !strings.Contains(s.asked[1].body, `"StartIndex":2`) {
			t.Errorf("%v, %v", ids, err)
		}
	})
	scripted(t, []reply{page(2, "b", "c"), fail(api.CodeNoAccount)}, nil, func(_ *script, r *REST) {
		if ids, err := read(r); asError(err) == nil || len(ids) != 2 {
			t.Errorf("%v, %v", ids, err)
		}
	})
	scripted(t, []reply{page(2, "b", "c")}, nil, func(_ *script, r *REST) {
		for range r.Blocklist(context.Background(), "a") {
			break
		}
	})
}

// No way to fail tells the ticket or the key.
func TestRESTErrorsHoldNoSecret(t *testing.T) {
	echo := roundTripper(func(req *http.Request) (*http.Response, error) {
		return nil, errors.New("cannot reach " + req.URL.String() + " " + req.URL.Query().Get("usersig"))
	})
	for name, transport := range map[string]http.RoundTripper{
		"a transport that quotes the URL": echo,
		"no server": roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}),
		"a page that quotes the URL": roundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 404, Body: io.NopCloser(strings.NewReader(req.URL.String()))}, nil
		}),
		"a refusal that quotes it": roundTripper(func(req *http.Request) (*http.Response, error) {
			body := fmt.Sprintf(`{"ErrorCode":70003,"ErrorInfo":%q}`, req.URL.Query().Get("usersig"))
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body))}, nil
		}),
		"a redirect": roundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"http://other.test/?" + req.URL.RawQuery}}, Body: http.NoBody}, nil
		}),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := NewREST(RESTOptions{
				URL: "http://kith.test", SDKAppID: testApp, Key: testKey, Retries: -1, HTTPClient: &http.Client{Transport: transport},
			})
			if err != nil {
				t.Fatal(err)
			}
			sig, err := r.tickets.get()
			if err != nil {
				t.Fatal(err)
			}
			err = r.Kick(context.Background(), "a")
			if err == nil {
				t.Fatal("no error")
			}
			for ; err != nil; err = errors.Unwrap(err) {
				text := fmt.Sprintf("%v %+v", err, err)
				if strings.Contains(text, sig) || strings.Contains(text, url.QueryEscape(sig)) || strings.Contains(text, testKey) {
					t.Errorf("%T tells a secret: %s", err, text)
				}
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A context ends a call that waits for its next try, and a try that hangs is given up and made again.
func TestRESTContext(t *testing.T) {
	scripted(t, []reply{fail(api.CodeAPIRate)}, nil, func(_ *script, r *REST) {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		err := r.Kick(ctx, "a")
		if e := asError(err); e == nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		hung := 0
		r, err := NewREST(RESTOptions{
			URL: "http://kith.test", SDKAppID: testApp, Key: testKey, Timeout: time.Second,
			HTTPClient: &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
				if hung++; hung == 1 {
					<-req.Context().Done()
					return nil, req.Context().Err()
				}
				return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(success))}, nil
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Kick(context.Background(), "a"); err != nil || hung != 2 {
			t.Errorf("%v after %d tries", err, hung)
		}
	})
}

func TestRESTOptions(t *testing.T) {
	good := RESTOptions{URL: "https://kith.test/im/", SDKAppID: testApp, Key: testKey}
	for name, spoil := range map[string]func(*RESTOptions){
		"URL":            func(o *RESTOptions) { o.URL = "kith.test" },
		"SDKAppID":       func(o *RESTOptions) { o.SDKAppID = 0 },
		"Key":            func(o *RESTOptions) { o.Key = "" },
		"TicketLifetime": func(o *RESTOptions) { o.TicketLifetime = time.Second },
		"Timeout":        func(o *RESTOptions) { o.Timeout = -1 },
	} {
		o := good
		spoil(&o)
		if _, err := NewREST(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := NewREST(good)
	if err != nil || r.base != "https://kith.test/im" {
		t.Errorf("%v", err)
	}
	r.Close()
}

// A server that makes something else of the connection, and holds it open, holds up no call.
func TestRESTSwitchedProtocol(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn) // until the other side closes it
		_ = conn.Close()
	}))
	defer server.Close()
	r, err := NewREST(RESTOptions{URL: server.URL, SDKAppID: testApp, Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	var refused *Error
	if err := r.ImportAccount(t.Context(), Profile{UserID: "a"}); !errors.As(err, &refused) || refused.HTTPStatus != http.StatusSwitchingProtocols {
		t.Errorf("got error %v", err)
	}
}
