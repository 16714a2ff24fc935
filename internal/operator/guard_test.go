package operator_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/kithchat/kith/internal/operator"
)

func metrics(o *operator.Options) {
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "figures") })
}

func TestWhoMayCallWhat(t *testing.T) {
	f := serve(t, metrics)
	f.newApp(t)
	protected := []string{
		"/operator/v1/status", "/operator/v1/config", "/operator/v1/apps", "/operator/v1/apps/7", "/operator/v1/outbox",
		"/operator/v1/events", "/operator/v1/apps/7/callback", "/debug/pprof/", "/debug/pprof/cmdline", "/nothing",
	}
	headers := map[string]string{
		"none": "", "empty token": "Bearer ", "wrong token": "Bearer " + token + "x", "prefix": "Bearer " + token[:5],
		"no scheme": token, "basic": "Basic " + token,
	}
	for name, value := range headers {
		for _, path := range protected {
			if status, body := f.do(t, http.MethodGet, path, "", http.Header{"Authorization": {value}}); status != 401 {
				t.Errorf("%s: GET %s: %d %s, want 401", name, path, status, body)
			}
		}
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			if status, _ := f.do(t, http.MethodGet, path, "", http.Header{"Authorization": {value}}); status != 200 {
				t.Errorf("%s: GET %s: %d, want 200", name, path, status)
			}
		}
	}
	for _, value := range []string{"Bearer " + token, "bearer " + token} {
		if status, _ := f.do(t, http.MethodGet, "/debug/pprof/cmdline", "", http.Header{"Authorization": {value}}); status != 200 {
			t.Errorf("pprof with %q: %d", value[:6], status)
		}
	}
}

func TestWithoutATokenNobodyGetsIn(t *testing.T) {
	f := serve(t, func(o *operator.Options) { o.Token = "" })
	for _, value := range []string{"", "Bearer", "Bearer "} {
		if status, _ := f.do(t, http.MethodGet, "/operator/v1/apps", "", http.Header{"Authorization": {value}}); status != 401 {
			t.Errorf("Authorization %q: %d, want 401", value, status)
		}
	}
}

func TestWebPagesAreRefused(t *testing.T) {
	f := serve(t, metrics)
	_, port, err := net.SplitHostPort(f.url[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, header, value string
		want                int
	}{
		{"origin", "Origin", "https://evil.example", 403},
		{"null origin", "Origin", "null", 403},
		{"own origin", "Origin", f.url, 403},
		{"rebound name", "Host", "evil.example:" + port, 403},
		{"name that looks local", "Host", "localhost.evil.example", 403},
		{"localhost", "Host", "localhost:" + port, 200},
		{"localhost without port", "Host", "LOCALHOST", 200},
		{"address", "Host", "127.0.0.1:" + port, 200},
		{"IPv6 address", "Host", "[::1]:" + port, 200},
		{"IPv6 address without port", "Host", "[::1]", 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{"/operator/v1/apps", "/healthz", "/metrics"} {
				header := authorized()
				header.Set(test.header, test.value)
				if status, body := f.do(t, http.MethodGet, path, "", header); status != test.want {
					t.Errorf("GET %s: %d %s, want %d", path, status, body, test.want)
				}
			}
		})
	}
}

// TestProbesWithoutHost asks as a load balancer does by HTTP/1.0. Only the health checks are let through.
func TestProbesWithoutHost(t *testing.T) {
	f := serve(t, metrics)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 403, "/operator/v1/apps": 403, "/healthz/": 403} {
		conn, err := net.Dial("tcp", f.url[len("http://"):])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.0\r\nAuthorization: Bearer "+token+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, resp.StatusCode, want)
		}
		_ = resp.Body.Close()
		_ = conn.Close()
	}
}

// TestMetricsBeyondLoopback asks as peers that cannot be had in a test: from another machine, and through a proxy.
func TestMetricsBeyondLoopback(t *testing.T) {
	f := serve(t, metrics)
	handler := operator.New(f.opts)
	for name, test := range map[string]struct {
		peer, forwarded, authorization string
		want                           int
	}{
		"another machine":            {"192.0.2.1:999", "", "", 401},
		"another machine with token": {"192.0.2.1:999", "", "Bearer " + token, 200},
		"local proxy":                {"127.0.0.1:999", "192.0.2.1", "", 401},
		"this machine":               {"[::1]:999", "", "", 200},
	} {
		req := httptest.NewRequest(http.MethodGet, "https://kith.example/metrics", nil)
		req.RemoteAddr = test.peer
		if test.forwarded != "" {
			req.Header.Set("X-Forwarded-For", test.forwarded)
		}
		req.Header.Set("Authorization", test.authorization)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, req)
		if answer.Code != test.want {
			t.Errorf("%s: %d, want %d", name, answer.Code, test.want)
		}
	}
}
