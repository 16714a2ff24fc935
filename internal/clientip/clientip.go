// Package clientip finds the address of a client behind trusted proxies, for both doors: the REST API and the gateway.
//
// A Resolver believes X-Forwarded-For only as far as trusted proxies wrote it, so nobody can claim another's address. It
// holds no state but its prefixes and is safe for concurrent use.
package clientip

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Resolver knows which peers are trusted proxies. The zero value trusts none.
type Resolver struct {
	trusted []netip.Prefix
}

// New returns a Resolver that believes the X-Forwarded-For of peers in these prefixes.
func New(trusted []netip.Prefix) Resolver {
	return Resolver{slices.Clone(trusted)}
}

// Of is the address of the peer or, when the peer is a trusted proxy, the right-most address of X-Forwarded-For that is
// not one. What stands further left was written by the client and proves nothing. The zero Addr: not known, as on a Unix
// socket. IPv4 in IPv6 becomes IPv4, a zone is dropped.
func (r Resolver) Of(req *http.Request) netip.Addr {
	ip := parse(req.RemoteAddr)
	if !r.trusts(ip) {
		return ip
	}
	lines := req.Header["X-Forwarded-For"]
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; rest != ""; {
			var hop string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, hop = rest[:comma], rest[comma+1:]
			} else {
				rest, hop = "", rest
			}
			if hop = strings.TrimSpace(hop); hop == "" {
				continue
			}
			addr := parse(hop)
			if !addr.IsValid() {
				return ip // the chain is broken here; the last address that a trusted proxy vouched for counts
			}
			if ip = addr; !r.trusts(ip) {
				return ip
			}
		}
	}
	return ip
}

func (r Resolver) trusts(ip netip.Addr) bool {
	if !ip.IsValid() {
		return false
	}
	for _, p := range r.trusted {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// parse reads an address with or without a port, in brackets or not.
func parse(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	if n := len(s); n > 2 && s[0] == '[' && s[n-1] == ']' {
		s = s[1 : n-1]
	}
	ip, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}
