package dispatch

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/egress"
)

func TestARefusalByTheProxyIsOurs(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	for _, url := range []string{"http://chat.example.net/cb", "https://chat.example.net/cb"} {
		got := attemptAt(t, settings{url: url, timeout: time.Minute}, egressOf(t, egress.Options{Proxy: proxy.URL}))
		if got.Reason != ReasonProxy || !got.Ours || got.Status != 0 {
			t.Errorf("%s: %+v", url, got)
		}
	}
}

func TestAResolverThatDoesNotAnswerIsOurs(t *testing.T) {
	// The first lookup of a process makes a channel for all of them, which must not belong to a bubble.
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errRefused }
	if _, err := (&net.Resolver{PreferGo: true, Dial: refuse}).LookupHost(t.Context(), "first.example.net"); err == nil {
		t.Fatal("a name was found without a name server")
	}
	synctest.Test(t, func(t *testing.T) {
		answered := make(chan struct{})
		ask := func(context.Context, string, string) (net.Conn, error) {
			<-answered
			return nil, net.ErrClosed
		}
		through := egressOf(t, egress.Options{Resolver: &net.Resolver{PreferGo: true, Dial: ask}})
		got := attemptAt(t, settings{url: "https://chat.example.net/cb", timeout: time.Second}, through)
		if got.Reason != ReasonLocal || !got.Ours {
			t.Errorf("%+v", got)
		}
		close(answered)
		synctest.Wait() // or the lookup would outlive the test
	})
}

func TestARefusedAddressIsNotOurs(t *testing.T) {
	got := attemptAt(t, settings{url: "https://10.0.0.1/cb", timeout: time.Minute}, egressOf(t, egress.Options{}))
	if got.Reason != ReasonBlocked || got.Ours {
		t.Errorf("%+v", got)
	}
}
