package egress

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/kithchat/kith/internal/leaktest"
)

const proxyPassword = leaktest.ProxyPassword

// testProxy is an HTTP proxy that takes every name for one address, and keeps what it was asked.
type testProxy struct {
	*httptest.Server
	target string

	mu    sync.Mutex
	asked []string // method, target and the credentials
}

// serveProxy starts a proxy. Refuse, if set, answers instead of it and reports whether it did.
func serveProxy(t *testing.T, target string, overTLS bool, refuse func(http.ResponseWriter, *http.Request) bool) *testProxy {
	t.Helper()
	p := &testProxy{target: target}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
		p.mu.Unlock()
		switch {
		case refuse != nil && refuse(w, r):
		case r.Method == http.MethodConnect:
			p.tunnel(w)
		default:
			p.forward(w, r)
		}
	}))
	p.Config.ErrorLog = silentLog
	if overTLS {
		p.StartTLS()
	} else {
		p.Start()
	}
	t.Cleanup(p.Close)
	return p
}

func (p *testProxy) tunnel(w http.ResponseWriter) {
	out, err := net.Dial("tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	in, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = out.Close()
		return
	}
	_, _ = io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n")
	pump := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}
	go pump(out, in)
	go pump(in, out)
}

func (p *testProxy) forward(w http.ResponseWriter, r *http.Request) {
	response, err := http.Get("http://" + p.target + r.URL.Path)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(w, response.Body)
	http.DefaultClient.CloseIdleConnections()
}

func (p *testProxy) wasAsked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// with returns the proxy's URL with credentials.
func (p *testProxy) with(user string) string {
	u, _ := url.Parse(p.URL)
	u.User = url.UserPassword(user, proxyPassword)
	return u.String()
}

func TestThroughAProxy(t *testing.T) {
	plain := httptest.NewServer(answering("fine"))
	defer plain.Close()
	secure := httptest.NewTLSServer(answering("fine"))
	defer secure.Close()
	auth := "Basic " + base64.StdEncoding.EncodeToString([]byte("kith:"+proxyPassword))
	for _, overTLS := range []bool{false, true} {
		for _, tt := range []struct {
			server *httptest.Server
			url    string
			asked  string
		}{
			{plain, "http://example.com/cb", "GET http://example.com/cb " + auth},
			{secure, "https://example.com/cb", "CONNECT example.com:443 " + auth},
			{secure, "https://example.com:8443/cb", "CONNECT example.com:8443 " + auth},
		} {
			p := serveProxy(t, tt.server.Listener.Addr().String(), overTLS, nil)
			o := Options{Proxy: p.with("kith")}
			if overTLS {
				o.ProxyTLS = p.Client().Transport.(*http.Transport).TLSClientConfig
			}
			at := Endpoint{Timeout: patient}
			if tt.server == secure {
				at.CA = pemOf(secure.Certificate().Raw)
			}
			if _, body, err := get(t, mustTransport(t, o, at), tt.url); err != nil || body != "fine" {
				t.Errorf("%s, proxy over TLS %v: %q, %v", tt.url, overTLS, body, err)
			}
			if asked := p.wasAsked(); len(asked) != 1 || asked[0] != tt.asked {
				t.Errorf("%s: the proxy was asked %q, want %q", tt.url, asked, tt.asked)
			}
		}
	}
}

func TestAProxyWithACertificateOfAnother(t *testing.T) {
	p := serveProxy(t, "127.0.0.1:1", true, nil)
	for _, target := range []string{"http://example.com/", "https://example.com/"} {
		_, _, err := get(t, mustTransport(t, Options{Proxy: p.with("kith")}, Endpoint{Timeout: patient}), target)
		wantError(t, err, PhaseProxy, true)
	}
}

func TestWhatAProxysRefusalMeans(t *testing.T) {
	for _, tt := range []struct {
		status int
		squid  string
		phase  Phase
		ours   bool
	}{
		{407, "", PhaseProxy, true},
		{403, "", PhaseProxy, true},
		{400, "", PhaseProxy, true},
		{302, "", PhaseProxy, true},
		{429, "", PhaseProxy, true},
		{500, "", PhaseProxy, true},
		{503, "", PhaseProxy, true},
		{502, "", PhaseConnect, false},
		{504, "", PhaseConnect, false},
		{503, "ERR_CONNECT_FAIL 111", PhaseConnect, false},
		{503, "ERR_DNS_FAIL 0", PhaseConnect, false},
		{503, "ERR_CANNOT_FORWARD 0", PhaseProxy, true},
	} {
		t.Run(fmt.Sprint(tt.status, tt.squid), func(t *testing.T) {
			p := serveProxy(t, "", false, func(w http.ResponseWriter, _ *http.Request) bool {
				if tt.squid != "" {
					w.Header().Set("X-Squid-Error", tt.squid)
				}
				w.WriteHeader(tt.status)
				return true
			})
			_, _, err := get(t, mustTransport(t, Options{Proxy: p.with("kith")}, Endpoint{Timeout: patient}), "https://example.com/")
			e := wantError(t, err, tt.phase, tt.ours)
			if !strings.HasPrefix(e.Detail(), fmt.Sprint("the proxy answered ", tt.status)) {
				t.Errorf("detail %q", e.Detail())
			}
			wantNoPassword(t, err)
		})
	}
}

func TestAProxyThatDoesNotSpeakHTTP(t *testing.T) {
	for _, says := range []string{"220 smtp ready\r\n", "", "HTTP/1.1 200 OK\r\n\r\nearly", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*MaxHeaderBytes)} {
		p := serveProxy(t, "", false, func(w http.ResponseWriter, _ *http.Request) bool {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, says)
				_ = conn.Close()
			}
			return true
		})
		_, _, err := get(t, mustTransport(t, Options{Proxy: p.with("kith")}, Endpoint{Timeout: patient}), "https://example.com/")
		if e := wantError(t, err, PhaseProxy, true); e.Timeout() {
			t.Errorf("%.20q: %v is a timeout", says, e)
		}
		wantNoPassword(t, err)
	}
}

func TestAProxyThatCannotBeReached(t *testing.T) {
	dns := serveDNS(t, map[string][]answer{"broken.example.net.": {{code: dnsmessage.RCodeServerFailure}}})
	credentials := url.UserPassword("kith", proxyPassword).String() + "@"
	for _, address := range []string{"127.0.0.1:1", "nowhere.example.net:3128", "broken.example.net"} {
		for _, target := range []string{"http://example.com/", "https://example.com/"} {
			o := Options{Proxy: "http://" + credentials + address, Resolver: dns.resolver(t)}
			_, _, err := get(t, mustTransport(t, o, Endpoint{Timeout: patient}), target)
			wantError(t, err, PhaseProxy, true)
			wantNoPassword(t, err)
		}
	}
}

func TestAProxyGetsNoAddressThatIsRefused(t *testing.T) {
	p := serveProxy(t, "127.0.0.1:1", false, nil)
	transport := mustTransport(t, Options{Proxy: p.with("kith")}, Endpoint{Timeout: patient})
	for _, target := range []string{
		"http://127.0.0.1/", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/", "http://169.254.169.254/", "https://localhost/",
		"http://127.1/", "https://0x7f000001/", "http://１２７.0.0.１/", "https://１２７.0.0.１/",
	} {
		_, _, err := get(t, transport, target)
		wantError(t, err, PhaseBlocked, false)
	}
	if asked := p.wasAsked(); len(asked) != 0 {
		t.Errorf("the proxy was asked %q", asked)
	}
}

func TestTLSThroughAProxyIsTheEndpoints(t *testing.T) {
	server := httptest.NewUnstartedServer(answering("fine"))
	server.Config.ErrorLog = silentLog
	server.StartTLS()
	defer server.Close()
	p := serveProxy(t, server.Listener.Addr().String(), false, nil)
	_, _, err := get(t, mustTransport(t, Options{Proxy: p.URL}, Endpoint{Timeout: patient}), "https://example.com/")
	wantError(t, err, PhaseTLS, false)
}

func TestPlainHTTPThatTheProxyRefuses(t *testing.T) {
	p := serveProxy(t, "", false, func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return true
	})
	e, err := New(Options{Proxy: p.URL})
	if err != nil {
		t.Fatal(err)
	}
	target, secure := &url.URL{Scheme: "http", Host: "example.com"}, &url.URL{Scheme: "https", Host: "example.com"}
	response, _, err := get(t, mustTransport(t, Options{Proxy: p.URL}, Endpoint{Timeout: patient}), target.String())
	if err != nil {
		t.Fatal(err)
	}
	if refused := e.RefusedByProxy(target, response.StatusCode); refused == nil || refused.Phase != PhaseProxy || !refused.Ours {
		t.Errorf("got %v", refused)
	}
	direct, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if e.RefusedByProxy(secure, 407) != nil || e.RefusedByProxy(target, 403) != nil || direct.RefusedByProxy(target, 407) != nil {
		t.Error("an answer of the endpoint counts as the proxy's")
	}
}

// TestWhoseFaultItIsThatAConnectHangs has a proxy that accepts connections and does not answer CONNECT: because it answers
// nobody, or because the endpoint does not answer it.
func TestWhoseFaultItIsThatAConnectHangs(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options string // what it answers to OPTIONS *; empty: nothing
		phase   Phase
		ours    bool
	}{
		{"the proxy hangs", "", PhaseProxy, true},
		{"the proxy is there", "HTTP/1.1 204 No Content\r\n\r\n", PhaseConnect, false},
		{"the proxy knows no OPTIONS", "HTTP/1.0 400 Bad Request\r\nContent-Length: 2\r\n\r\nno", PhaseConnect, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial := pipeProxy(t, tt.options)
				// The dial's own time is up, then that of the request.
				transport := mustTransport(t, Options{Proxy: "http://proxy.example.net", Dial: dial}, Endpoint{Timeout: 2 * time.Second})
				_, _, err := get(t, transport, "https://example.com/")
				if e := wantError(t, err, tt.phase, tt.ours); !e.Timeout() {
					t.Errorf("%v is no timeout", e)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				transport = mustTransport(t, Options{Proxy: "http://proxy.example.net", Dial: dial}, Endpoint{Timeout: 3 * time.Second})
				ctx, progress := Track(ctx)
				_, _, err = getWith(ctx, t, transport, "https://example.com/")
				if e := progress.Classify(err); e == nil || e.Phase != tt.phase || e.Ours != tt.ours || !e.Timeout() {
					t.Errorf("tracked: %+v from %v", e, err)
				}
			})
		})
	}
}

// pipeProxy returns a dial function to a proxy that answers OPTIONS with a text and CONNECT never.
func pipeProxy(t *testing.T, options string) func(context.Context, string, string) (net.Conn, error) {
	var group sync.WaitGroup
	t.Cleanup(group.Wait)
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		group.Go(func() {
			defer func() { _ = server.Close() }()
			buffer := make([]byte, 4096)
			for {
				n, err := server.Read(buffer)
				if err != nil {
					return
				}
				if strings.HasPrefix(string(buffer[:n]), "OPTIONS * HTTP/1.1\r\n") && options != "" {
					_, _ = io.WriteString(server, options)
				}
			}
		})
		return client, nil
	}
}

func TestProxiesThatCannotBeUnderstood(t *testing.T) {
	credentials := url.UserPassword("kith", proxyPassword).String() + "@"
	for _, raw := range []string{
		"socks5://" + credentials + "h:1", "proxy:3128", "http://", "http://" + credentials + "h:x", "http://" + credentials + "h/path",
	} {
		_, err := New(Options{Proxy: raw})
		if err == nil || !strings.Contains(err.Error(), "callback-proxy") {
			t.Errorf("%q: error %v", raw, err)
			continue
		}
		wantNoPassword(t, err)
	}
}

func wantNoPassword(t *testing.T, err error) {
	t.Helper()
	detail := ""
	if e := Classify(err); e != nil {
		detail = e.Detail()
	}
	leaktest.Check(t, "an error", err.Error(), detail)
}
