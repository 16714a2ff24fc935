package egress

import (
	"context"
	"net"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressNamesThePhaseThatTookTheTime(t *testing.T) {
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, tt := range []struct {
		name  string
		dial  func(context.Context, string, string) (net.Conn, error) // nil: to a server that says nothing
		proxy string
		url   string
		phase Phase // empty: the answer took too long
	}{
		{"connect", hang, "", "http://chat.example.net", PhaseConnect},
		{"handshake", nil, "", "https://chat.example.net", PhaseTLS},
		{"answer", nil, "", "http://chat.example.net", ""},
		{"proxy", hang, "http://proxy.example.net", "https://chat.example.net", PhaseProxy},
		{"proxy for plain HTTP", hang, "http://proxy.example.net", "http://chat.example.net", PhaseProxy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial := tt.dial
				if dial == nil {
					dial = pipeProxy(t, "")
				}
				transport := mustTransport(t, Options{Dial: dial, Proxy: tt.proxy}, Endpoint{Timeout: patient})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				tracked, progress := Track(ctx)
				_, _, err := getWith(tracked, t, transport, tt.url)
				e := progress.Classify(err)
				if err == nil || (e == nil) != (tt.phase == "") {
					t.Fatalf("got %v from %v, want phase %q", e, err, tt.phase)
				}
				if e != nil && (e.Phase != tt.phase || e.Ours != (tt.phase == PhaseProxy) || !e.Timeout()) {
					t.Errorf("got %v, ours %v, timeout %v, want phase %q", e, e.Ours, e.Timeout(), tt.phase)
				}
			})
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
