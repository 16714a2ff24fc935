package egress

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// silentLog is for servers that report each refused handshake.
var silentLog = log.New(io.Discard, "", 0)

func answering(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
}

func mustTransport(t *testing.T, o Options, at Endpoint) *http.Transport {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := e.Transport(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// get makes one request, without the deadline of a dispatcher.
func get(t *testing.T, transport http.RoundTripper, url string) (*http.Response, string, error) {
	t.Helper()
	return getWith(t.Context(), t, transport, url)
}

func getWith(ctx context.Context, t *testing.T, transport http.RoundTripper, url string) (*http.Response, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// wantError returns the Error in err after it checked what it is.
func wantError(t *testing.T, err error, phase Phase, ours bool) *Error {
	t.Helper()
	e := Classify(err)
	if e == nil {
		t.Fatalf("error %v, want one of phase %q", err, phase)
	}
	if e.Phase != phase || e.Ours != ours {
		t.Fatalf("error %v (phase %q, ours %v), want phase %q, ours %v", err, e.Phase, e.Ours, phase, ours)
	}
	return e
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
