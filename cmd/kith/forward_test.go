package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/operator"
)

func newTestForwarder(t *testing.T, url string, timeout time.Duration) *forwarder {
	t.Helper()
	f, err := newForwarder(url, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.client.CloseIdleConnections)
	return f
}

func TestForwardRepeatsTheExchange(t *testing.T) {
	exchange := &operator.Exchange{
		ID: "x", Query: "SdkAppid=7&CallbackCommand=Sns.CallbackBlackListAdd&contenttype=json&Sign=a%2Fb",
		Header: http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {"id"}, "User-Agent": {"Kith/1"}, "X-Twice": {"1", "2"}},
		Body:   []byte("{\"a\": \"<&>\"}\n\x00\xff"),
	}
	var got http.Header
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != string(exchange.Body) || r.Method != http.MethodPost || r.URL.Path != "/cb" {
			t.Errorf("%s %s %q, err %v", r.Method, r.URL, body, err)
		}
		got = r.Header
		w.Header().Set("Retry-After", "7")
		w.Header().Set("X-Other", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "later "+r.URL.RawQuery)
	}))
	defer local.Close()
	for url, query := range map[string]string{
		local.URL + "/cb":     exchange.Query,
		local.URL + "/cb?k=v": "k=v&" + exchange.Query,
	} {
		answer := newTestForwarder(t, url, time.Minute).send(t.Context(), exchange)
		equal(t, "answer", answer, operator.ExchangeAnswer{
			Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"7"}}, Body: []byte("later " + query),
		})
		got.Del("Content-Length")
		equal(t, "headers", got, exchange.Header)
	}
	exchange.Header = nil
	newTestForwarder(t, local.URL+"/cb", time.Minute).send(t.Context(), exchange)
	got.Del("Content-Length")
	equal(t, "headers of an exchange without any", got, http.Header{})
}

func TestForwardDoesNotFollowRedirects(t *testing.T) {
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Error("followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer local.Close()
	answer := newTestForwarder(t, local.URL+"/", time.Minute).send(t.Context(), &operator.Exchange{})
	if answer.Status != http.StatusTemporaryRedirect || answer.Failure != "" {
		t.Errorf("answer %+v", answer)
	}
}

func TestForwardFailures(t *testing.T) {
	hang := make(chan struct{})
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			<-hang
			return
		}
		if r.URL.Path == "/switch" {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
				_, _ = io.Copy(io.Discard, conn) // until the other side closes it
				_ = conn.Close()
			}
			return
		}
		_, _ = io.CopyN(w, endless{}, 10*maxForwardAnswer)
	}))
	defer local.Close()
	defer close(hang)
	exchange := &operator.Exchange{Query: "Sign=signature"}
	if a := newTestForwarder(t, local.URL+"/hang", time.Millisecond).send(t.Context(), exchange); a.Failure != "no answer within 1ms" {
		t.Errorf("a handler that hangs: %+v", a)
	}
	if a := newTestForwarder(t, local.URL+"/switch", time.Minute).send(t.Context(), exchange); a.Status != http.StatusSwitchingProtocols {
		t.Errorf("a handler that switches to another protocol: %+v", a)
	}
	big := newTestForwarder(t, local.URL+"/big", time.Minute).send(t.Context(), exchange)
	if verdict, ok := judge(big); ok || len(big.Body) != maxForwardAnswer || verdict != "the answer is too large" {
		t.Errorf("a large answer: %d bytes, %s", len(big.Body), verdict)
	}
	local.CloseClientConnections()
	gone := newTestForwarder(t, "http://127.0.0.1:1/", time.Minute).send(t.Context(), exchange)
	if !strings.Contains(gone.Failure, "refused") || strings.Contains(gone.Failure, "signature") {
		t.Errorf("nobody there: %+v", gone)
	}
}

// endless is a reader of x.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestWrongForwardTargets(t *testing.T) {
	for _, url := range []string{"", "localhost:3000", "ftp://localhost/", "http://", "http:///cb", "//localhost/", "http://u:p@localhost/", "http://localhost/#x", "http://local host/", "file:///etc/passwd"} {
		if _, err := newForwarder(url, time.Second); err == nil || !strings.HasPrefix(err.Error(), "--forward must be a URL") {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, timeout := range []time.Duration{0, -time.Second} {
		if _, err := newForwarder("http://localhost/", timeout); err == nil {
			t.Errorf("timeout %s is taken", timeout)
		}
	}
	for _, url := range []string{"http://localhost:3000", "https://192.0.2.1/cb?x=y", "http://[::1]:80/"} {
		if _, err := newForwarder(url, time.Second); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		answer operator.ExchangeAnswer
		want   string
	}{
		{operator.ExchangeAnswer{Status: 200, Body: []byte(`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)}, "OK"},
		{operator.ExchangeAnswer{Status: 200, Body: []byte(`{"ErrorCode":5,"ErrorInfo":"no"}`)}, "ErrorCode 5 no"},
		{operator.ExchangeAnswer{Status: 200, Body: []byte(`{}`)}, "the answer is no JSON object with an ErrorCode"},
		{operator.ExchangeAnswer{Status: 200, Body: []byte(`ok`)}, "the answer is no JSON object with an ErrorCode"},
		{operator.ExchangeAnswer{Status: 204}, "status 204"},
		{operator.ExchangeAnswer{Failure: "refused"}, "refused"},
	} {
		if got, ok := judge(test.answer); got != test.want || ok != (test.want == "OK") {
			t.Errorf("%+v: %q, %v, want %q", test.answer, got, ok, test.want)
		}
	}
}

func FuzzHear(f *testing.F) {
	f.Add([]byte(`{"CallbackCommand":"c","PairList":[{"From_Account":"a","To_Account":"b"}]}`))
	f.Add([]byte(`{"CallbackCommand":"State.StateChange","Info":{"Action":"Login","To_Account":"a"}}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if h := hear(body); !reflect.DeepEqual(h, hear(body)) || h.Pairs < 0 {
			t.Errorf("%+v", h)
		}
	})
}

func TestHear(t *testing.T) {
	for body, want := range map[string]heard{
		`{"CallbackCommand":"c","PairList":[{"From_Account":"a","To_Account":"b"},{"From_Account":"a","To_Account":"d"}]}`: {"c", "a", 2},
		`{"CallbackCommand":"State.StateChange","Info":{"Action":"Login","To_Account":"mira"}}`:                            {"State.StateChange", "mira", 0},
		`nothing`: {},
	} {
		equal(t, body, hear([]byte(body)), want)
	}
}
