package restapi

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
)

func TestParseQuery(t *testing.T) {
	given := func(v string) param { return param{value: v, given: true} }
	tests := []struct {
		raw  string
		want query
		code api.Code
	}{
		{raw: "", want: query{}},
		{raw: "sdkappid=1&identifier=a&usersig=s", want: query{given("1"), given("a"), given("s")}},
		{raw: "usersig=s&random=-5&identifier=a&sdkappid=1&contenttype=json", want: query{given("1"), given("a"), given("s")}},
		{raw: "usersig=e*J-k_&identifier=x", want: query{param{}, given("x"), given("e*J-k_")}},
		{raw: "usersig=e%2AJ%2ak", want: query{userSig: given("e*J*k")}},
		{raw: "identifier=a+b%20c%2B", want: query{identifier: given("a b c+")}},
		{raw: "identifier&usersig=", want: query{identifier: given(""), userSig: given("")}},
		{raw: "identifier=a&identifier=b", want: query{identifier: given("a")}},
		{raw: "identifier=a=b", want: query{identifier: given("a=b")}},
		{raw: "&&=x&Identifier=a&SDKAPPID=1&user%73ig=s", want: query{}},
		{raw: "random=%zz&identifier=a", want: query{identifier: given("a")}},
		{raw: "identifier=%zz", code: api.CodeMalformedURL},
		{raw: "usersig=%2", code: api.CodeMalformedURL},
	}
	for _, tt := range tests {
		got, err := parseQuery(tt.raw)
		if got != tt.want {
			t.Errorf("%q: got %+v, want %+v", tt.raw, got, tt.want)
		}
		if f, _ := err.(failure); f.Code != tt.code {
			t.Errorf("%q: error %v, want code %d", tt.raw, err, tt.code)
		}
	}
}

// TestRecordedClients sends a call as each client of the compatibility record sends it, over real connections.
func TestRecordedClients(t *testing.T) {
	tests := []struct {
		client      string
		keys        string // query keys in order
		random      string
		escaped     bool // "*" of the UserSig as %2A
		contentType string
		userAgent   string
		close, h2   bool
	}{
		{client: "go-d60", keys: "sdkappid identifier usersig random contenttype", random: "2147483647", contentType: "application/json", userAgent: "Go-http-client/1.1", h2: true},
		{client: "go-dobyte", keys: "sdkappid identifier usersig random contenttype", random: "0", contentType: "application/json", userAgent: "DobyteHttpClient", close: true},
		{client: "go-xjcloudy", keys: "contenttype identifier sdkappid usersig", escaped: true, contentType: "text/plain", userAgent: "Go-http-client/1.1"},
		{client: "java-tencentcloud", keys: "random usersig sdkappid identifier contenttype", random: "-2147483648", contentType: "application/json; charset=utf-8", userAgent: "okhttp/3.13.1"},
		{client: "java-doocs", keys: "sdkappid identifier usersig random contenttype", random: "4294967295", contentType: "application/json; charset=utf-8", userAgent: "qcloud-im-server-sdk-java/0.4.20", h2: true},
		{client: "php-chinayin", keys: "sdkappid identifier usersig random contenttype", random: "1", contentType: "application/json", userAgent: "QcloudIMSdk"},
		{client: "php-easyim", keys: "usersig sdkappid identifier contenttype random", random: "99999999", escaped: true, contentType: "application/json", userAgent: "GuzzleHttp/7"},
		{client: "php-fireqong", keys: "sdkappid identifier usersig random contenttype", random: "7", escaped: true, userAgent: "GuzzleHttp/7"},
		{client: "python-pinclr", keys: "sdkappid identifier usersig random contenttype", random: "7", escaped: true, userAgent: "python-requests/2.28.1"},
		{client: "node-es6sdk", keys: "usersig identifier sdkappid contenttype", contentType: "application/json;charset=utf-8", userAgent: "axios/0.16.2"},
	}
	f := newFixture(t, &nullStore{}, nil)
	srv := httptest.NewUnstartedServer(f.h)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	for _, tt := range tests {
		t.Run(tt.client, func(t *testing.T) {
			f.t = t
			sig := f.sign(testAdmin, 3600)
			for n := int64(3601); !strings.Contains(sig, "*"); n++ { // until there is something to escape
				sig = f.sign(testAdmin, n)
			}
			if tt.escaped {
				sig = strings.ReplaceAll(sig, "*", "%2A")
			}
			values := map[string]string{
				"sdkappid": "1400000000", "identifier": testAdmin, "usersig": sig, "random": tt.random, "contenttype": "json",
			}
			var pairs []string
			for key := range strings.FieldsSeq(tt.keys) {
				pairs = append(pairs, key+"="+values[key])
			}
			u, err := url.Parse(srv.URL + "/v4/" + deleteCmd + "?" + strings.Join(pairs, "&"))
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{"User-Agent": {tt.userAgent}}
			if tt.contentType != "" {
				header.Set("Content-Type", tt.contentType)
			}
			client := &http.Client{Transport: &http.Transport{
				TLSClientConfig:   srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone(),
				ForceAttemptHTTP2: tt.h2,
				TLSNextProto:      nextProto(tt.h2),
			}}
			defer client.CloseIdleConnections()
			body := `{"From_Account": "a", "To_Account": ["b"]}`
			for range 2 { // twice, so that a connection is used again
				resp, err := client.Do(&http.Request{
					Method: http.MethodPost, URL: u, Header: header, Close: tt.close,
					Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
				})
				if err != nil {
					t.Fatal(err)
				}
				if want := map[bool]int{true: 2, false: 1}[tt.h2]; resp.ProtoMajor != want {
					t.Errorf("answer over HTTP/%d, want HTTP/%d", resp.ProtoMajor, want)
				}
				sameJSON(t, f.body(resp), results([]string{resultItem("b", 0, "")}))
			}
		})
	}
}

// nextProto switches HTTP/2 off unless it is wanted.
func nextProto(h2 bool) map[string]func(string, *tls.Conn) http.RoundTripper {
	if h2 {
		return nil
	}
	return map[string]func(string, *tls.Conn) http.RoundTripper{}
}
