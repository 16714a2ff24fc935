package egress

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestProgressNamesThePhaseThatTookTheTime(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, tt := range []struct {
		name  string
		o     Options
		url   string
		phase Phase // empty: the answer took too long
	}{
		{"connect", Options{Dial: hang}, "http://chat.example.net", PhaseConnect},
		{"handshake", Options{Allow: []string{"loopback"}}, "https://" + silent.Addr().String(), PhaseTLS},
		{"answer", Options{Allow: []string{"loopback"}}, slow.URL, ""},
		{"proxy", Options{Dial: hang, Proxy: "http://proxy.example.net"}, "https://chat.example.net", PhaseProxy},
		{"proxy for plain HTTP", Options{Dial: hang, Proxy: "http://proxy.example.net"}, "http://chat.example.net", PhaseProxy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transport := mustTransport(t, tt.o, Endpoint{Timeout: patient})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			limited, cancelLimited := context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancelLimited()
			tracked, progress := Track(limited)
			_, _, err := getWith(tracked, t, transport, tt.url)
			e := progress.Classify(err)
			if (e == nil) != (tt.phase == "") {
				t.Fatalf("got %v from %v, want phase %q", e, err, tt.phase)
			}
			if e != nil && (e.Phase != tt.phase || e.Ours != (tt.phase == PhaseProxy) || !e.Timeout()) {
				t.Errorf("got %v, ours %v, timeout %v, want phase %q", e, e.Ours, e.Timeout(), tt.phase)
			}
		})
	}
}

func TestProgressOfWhatDidNotFailOrWasCancelled(t *testing.T) {
	server := httptest.NewServer(answering("fine"))
	defer server.Close()
	transport := mustTransport(t, Options{Allow: []string{"loopback"}}, Endpoint{Timeout: patient, Connections: 1})
	for range 2 { // the second time on a connection that is there already
		ctx, progress := Track(t.Context())
		_, _, err := getWith(ctx, t, transport, server.URL)
		if e := progress.Classify(err); err != nil || e != nil {
			t.Errorf("got %v, %v", e, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ctx, progress := Track(ctx)
	if _, _, err := getWith(ctx, t, transport, server.URL); err == nil || progress.Classify(err) != nil {
		t.Errorf("cancelled: %v, %v", err, progress.Classify(err))
	}
}
