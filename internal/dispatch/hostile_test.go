package dispatch

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/relation"
)

// TestHostileReceivers makes attempts over real sockets at receivers that misbehave.
func TestHostileReceivers(t *testing.T) {
	followed := false
	tests := []struct {
		name   string
		handle http.HandlerFunc
		want   Reason
	}{
		{"answers", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answerOK) }, ""},
		{"answers with a text type and chunks", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			for _, part := range strings.SplitAfter(answerOK, ",") {
				_, _ = io.WriteString(w, part)
				_ = http.NewResponseController(w).Flush()
			}
		}, ""},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ReasonTimeout},
		{"hangs in the body", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, answerOK[:10])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, ReasonTimeout},
		{"drips", func(w http.ResponseWriter, r *http.Request) {
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				<-tick.C
			}
		}, ReasonTimeout},
		{"closes early", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ReasonBroken},
		{"closes in the body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, answerOK)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, ReasonBroken},
		{"sends without end", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		}, ReasonTooLarge},
		{"redirects", func(w http.ResponseWriter, r *http.Request) {
			followed = followed || r.URL.Path == "/other"
			http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
		}, ReasonRedirect},
		{"is not JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<p>OK</p>") }, ReasonNotJSON},
		{"fails", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, ReasonStatus},
		{"refuses the event", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ErrorCode":1}`) }, ReasonAppError},
		{"sends a giant header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		}, ReasonTooLarge},
		{"switches to another protocol and hangs", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
				_, _ = io.Copy(io.Discard, conn) // until the other side closes it
				_ = conn.Close()
			}
		}, ReasonStatus},
		{"is not HTTP", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "220 smtp ready\r\n")
				_ = conn.Close()
			}
		}, ReasonBroken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				// Only after the body was read does the server notice that the client has gone.
				_, _ = io.Copy(io.Discard, r.Body)
				tt.handle(w, r)
			}))
			defer server.Close()
			timeout := time.Minute
			if tt.want == ReasonTimeout {
				timeout = 100 * time.Millisecond
			}
			if got := attemptAt(t, settings{url: server.URL, timeout: timeout}, loopback(t)); got.Reason != tt.want {
				t.Errorf("got %v, want %q", got, tt.want)
			}
		})
	}
	if followed {
		t.Error("a redirect was followed")
	}
}

func TestEndpointsThatCannotBeReached(t *testing.T) {
	if got := attemptAt(t, settings{url: "http://127.0.0.1:1", timeout: time.Minute}, loopback(t)); got.Reason != ReasonConnect {
		t.Errorf("closed port: %v", got)
	}
	unknown := egress.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "nowhere.test", IsNotFound: true}
	}}
	if got := attemptAt(t, settings{url: "http://nowhere.test/", timeout: time.Minute}, egressOf(t, unknown)); got.Reason != ReasonResolve {
		t.Errorf("unknown host: %v", got)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never shakes hands
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	if got := attemptAt(t, settings{url: "https://" + silent.Addr().String(), timeout: 100 * time.Millisecond}, loopback(t)); got.Reason != ReasonTimeout {
		t.Errorf("silent TLS port: %v", got)
	}
}

func TestTLS(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answerOK) }
	server := httptest.NewUnstartedServer(http.HandlerFunc(answer))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it reports each refused handshake
	server.StartTLS()
	defer server.Close()
	if got := attemptAt(t, settings{url: server.URL, timeout: time.Minute, ca: caOf(server)}, loopback(t)); !got.Delivered() {
		t.Errorf("trusted certificate: %v", got)
	}
	if got := attemptAt(t, settings{url: server.URL, timeout: time.Minute}, loopback(t)); got.Reason != ReasonTLS {
		t.Errorf("unknown authority: %v", got)
	}
	plain := httptest.NewServer(http.HandlerFunc(answer))
	defer plain.Close()
	url := strings.Replace(plain.URL, "http:", "https:", 1)
	if got := attemptAt(t, settings{url: url, timeout: time.Minute}, loopback(t)); got.Reason != ReasonTLS {
		t.Errorf("plain HTTP: %v", got)
	}
}

// attemptAt makes one attempt and returns its outcome.
func attemptAt(t *testing.T, s settings, through *egress.Egress) Outcome {
	t.Helper()
	d := New(Options{Egress: through})
	s.concurrency, s.policy = 1, policyOf(relation.Callback{}, DefaultBudget)
	r, err := d.newRoute(appA, s)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	e := queued{Event: relation.Event{
		SDKAppID: appA, Owner: "mira.k", Seq: 1, ID: strconv.Itoa(1), Created: time.Now(),
		NewEvent: relation.NewEvent{Kind: relation.EventBlockAdd, Targets: []string{"troll_77"}},
	}}
	trial, ok := d.attempt(t.Context(), r, &e, messageOf(&e.Event))
	if !ok {
		t.Fatal("the attempt was cut off")
	}
	return trial.outcome
}
