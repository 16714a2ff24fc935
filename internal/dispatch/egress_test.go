package dispatch

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/egress"
)

func TestARefusalByTheProxyIsOurs(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	for _, url := range []string{"http://chat.example.net/cb", "https://chat.example.net/cb"} {
		got := attemptAt(t, settings{url: url, timeout: 5 * time.Second}, egressOf(t, egress.Options{Proxy: proxy.URL}))
		if got.Reason != ReasonProxy || !got.Ours || got.Status != 0 {
			t.Errorf("%s: %+v", url, got)
		}
	}
}

func TestAResolverThatDoesNotAnswerIsOurs(t *testing.T) {
	answered := make(chan struct{})
	defer close(answered) // or the lookup would outlive the test
	ask := func(context.Context, string, string) (net.Conn, error) {
		<-answered
		return nil, net.ErrClosed
	}
	through := egressOf(t, egress.Options{Resolver: &net.Resolver{PreferGo: true, Dial: ask}})
	got := attemptAt(t, settings{url: "https://chat.example.net/cb", timeout: 100 * time.Millisecond}, through)
	if got.Reason != ReasonLocal || !got.Ours {
		t.Errorf("%+v", got)
	}
}

func TestARefusedAddressIsNotOurs(t *testing.T) {
	got := attemptAt(t, settings{url: "https://10.0.0.1/cb", timeout: 5 * time.Second}, egressOf(t, egress.Options{}))
	if got.Reason != ReasonBlocked || got.Ours {
		t.Errorf("%+v", got)
	}
}
