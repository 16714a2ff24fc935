package restapi

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/kithchat/kith/internal/relation"
)

// TestOrigin: who calls, seen through trusted proxies; nothing where there is no address.
func TestOrigin(t *testing.T) {
	f := newFixture(t, &nullStore{}, func(o *Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	})
	for peer, want := range map[string]string{"10.0.0.1:4711": "198.51.100.1", "203.0.113.7:4711": "203.0.113.7", "@": ""} {
		r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {"198.51.100.1"}}}
		if got, want := f.h.origin(r, "00-1"), (relation.Origin{ClientIP: want, Platform: "RESTAPI", Trace: "00-1"}); got != want {
			t.Errorf("peer %s: got %+v, want %+v", peer, got, want)
		}
	}
}
