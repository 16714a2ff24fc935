package restapi

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// origin says where a request came from; callbacks report it.
func (h *Handler) origin(r *http.Request) relation.Origin {
	o := relation.Origin{Platform: api.PlatformREST}
	if ip := h.clientIP(r); ip.IsValid() {
		o.ClientIP = ip.String()
	}
	return o
}

// clientIP is the address of the peer or, when the peer is a trusted proxy, the right-most address of X-Forwarded-For
// that is not one. What stands further left was written by the client and proves nothing. The zero Addr: not known, as
// on a Unix socket.
func (h *Handler) clientIP(r *http.Request) netip.Addr {
	ip := parseIP(r.RemoteAddr)
	if !h.trusted(ip) {
		return ip
	}
	lines := r.Header["X-Forwarded-For"]
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
			addr := parseIP(hop)
			if !addr.IsValid() {
				return ip // the chain is broken here; the last address that a trusted proxy vouched for counts
			}
			if ip = addr; !h.trusted(ip) {
				return ip
			}
		}
	}
	return ip
}

func (h *Handler) trusted(ip netip.Addr) bool {
	if !ip.IsValid() {
		return false
	}
	for _, p := range h.proxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// parseIP reads an address with or without a port, in brackets or not. IPv4 in IPv6 becomes IPv4, a zone is dropped.
func parseIP(s string) netip.Addr {
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
