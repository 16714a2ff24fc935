package operator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// bare serves the handler without what the fixture puts around it, which reads bodies to their end first.
func bare(t *testing.T, f *fixture) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(operator.New(f.opts))
	t.Cleanup(server.Close)
	return server
}

// TestBodyThatDoesNotArrive holds that nobody, and a stranger least of all, keeps a connection by promising a body.
func TestBodyThatDoesNotArrive(t *testing.T) {
	f := serve(t, func(o *operator.Options) { o.BodyTimeout = 10 * time.Millisecond })
	server := bare(t, f)
	for name, test := range map[string]struct {
		head string
		want int
	}{
		"operator":        {"POST /operator/v1/apps HTTP/1.1\r\nAuthorization: Bearer " + token + "\r\nContent-Length: 100", http.StatusBadRequest},
		"half of it":      {"POST /operator/v1/apps HTTP/1.1\r\nAuthorization: Bearer " + token + "\r\nTransfer-Encoding: chunked", http.StatusBadRequest},
		"stranger":        {"POST /operator/v1/apps HTTP/1.1\r\nContent-Length: 100", http.StatusUnauthorized},
		"stranger's read": {"GET /operator/v1/events/tail HTTP/1.1\r\nContent-Length: 100", http.StatusUnauthorized},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "%s\r\nHost: 127.0.0.1\r\n\r\n", test.head); err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(conn) // without a deadline: that of the test
		response, err := http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != test.want {
			t.Errorf("%s: %+v, err %v, want %d", name, response, err, test.want)
			_ = conn.Close()
			continue
		}
		body, _ := io.ReadAll(response.Body)
		if test.want == http.StatusBadRequest && !strings.Contains(string(body), "did not arrive in time") {
			t.Errorf("%s: %s", name, body)
		}
		if rest, err := io.ReadAll(reader); len(rest) > 0 {
			t.Errorf("%s: the connection goes on with %q, err %v", name, rest, err)
		}
		_ = conn.Close()
	}
}

// TestCallMayTakeLongerThanItsBody holds that the time for the body ends with the body.
func TestCallMayTakeLongerThanItsBody(t *testing.T) {
	f := twoApps(t)
	if _, err := f.SetCallback(t.Context(), 7, operator.SetCallback{URL: ptr("http://x/")}); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		o := f.opts
		o.BodyTimeout = time.Minute
		o.Trigger = func(ctx context.Context, _ *relation.App, _ relation.Trigger) (operator.CallbackReport, error) {
			timer := time.NewTimer(5 * o.BodyTimeout)
			defer timer.Stop()
			select {
			case <-ctx.Done(): // as if the caller had gone
				return operator.CallbackReport{}, ctx.Err()
			case <-timer.C:
				return operator.CallbackReport{Delivered: true, Steps: []operator.CallbackStep{}}, nil
			}
		}
		client, end := net.Pipe()
		conns := pipeListener{make(chan net.Conn, 1), make(chan struct{})}
		conns.accept <- end
		server := &http.Server{Handler: operator.New(o)}
		go func() { _ = server.Serve(conns) }()
		defer server.Close()
		body := fmt.Sprintf(`{"Command":%q}`, relation.EventBlockAdd)
		go func() {
			_, _ = fmt.Fprintf(client, "POST /operator/v1/apps/7/trigger HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"+
				"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", token, len(body), body)
		}()
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		var report operator.CallbackReport
		if err := json.NewDecoder(response.Body).Decode(&report); err != nil || !report.Delivered {
			t.Errorf("status %d, %+v, err %v", response.StatusCode, report, err)
		}
	})
}

// pipeListener hands out connections in memory.
type pipeListener struct {
	accept chan net.Conn
	closed chan struct{}
}

// Accept implements net.Listener.
func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. The server calls it once.
func (l pipeListener) Close() error {
	close(l.closed)
	return nil
}

// Addr implements net.Listener.
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }
