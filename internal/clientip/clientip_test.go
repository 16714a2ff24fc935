package clientip

import (
	"net/http"
	"net/netip"
	"testing"
)

// TestOf: open question 43.
func TestOf(t *testing.T) {
	resolver := New([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")})
	tests := []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"peer", "203.0.113.7:4711", nil, "203.0.113.7"},
		{"IPv6 peer", "[2001:DB8::1]:4711", nil, "2001:db8::1"},
		{"IPv6 with zone", "[fe80::1%eth0]:4711", nil, "fe80::1"},
		{"IPv4 in IPv6", "[::ffff:203.0.113.7]:4711", nil, "203.0.113.7"},
		{"Unix socket", "@", []string{"198.51.100.1"}, ""},
		{"stranger cannot claim", "203.0.113.7:4711", []string{"198.51.100.1"}, "203.0.113.7"},
		{"trusted proxy", "10.0.0.1:4711", []string{"198.51.100.1"}, "198.51.100.1"},
		{"trusted proxy as IPv4 in IPv6", "[::ffff:10.0.0.1]:4711", []string{"198.51.100.1"}, "198.51.100.1"},
		{"right-most untrusted hop", "10.0.0.1:4711", []string{"192.0.2.66, 198.51.100.1, 10.2.3.4"}, "198.51.100.1"},
		{"several lines", "10.0.0.1:4711", []string{"192.0.2.66", "198.51.100.1,10.2.3.4", "10.9.9.9"}, "198.51.100.1"},
		{"ports and brackets", "[fd00::1]:4711", []string{"[2001:db8::2]:80, 10.0.0.9:80"}, "2001:db8::2"},
		{"brackets without port", "10.0.0.1:4711", []string{"[2001:db8::2]"}, "2001:db8::2"},
		{"all trusted", "10.0.0.1:4711", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"empty entries", "10.0.0.1:4711", []string{"", "198.51.100.1, ,", ""}, "198.51.100.1"},
		{"no header", "10.0.0.1:4711", nil, "10.0.0.1"},
		{"garbage", "10.0.0.1:4711", []string{"not an address"}, "10.0.0.1"},
		{"nothing left of garbage counts", "10.0.0.1:4711", []string{"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
			var want netip.Addr
			if tt.want != "" {
				want = netip.MustParseAddr(tt.want)
			}
			if got := resolver.Of(r); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// TestZeroResolver: who trusts nobody believes the peer's address only.
func TestZeroResolver(t *testing.T) {
	r := &http.Request{RemoteAddr: "127.0.0.1:4711", Header: http.Header{"X-Forwarded-For": {"198.51.100.1"}}}
	if got := (Resolver{}).Of(r); got != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("got %v, want the peer", got)
	}
}
