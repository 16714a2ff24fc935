package gateway

import "net/netip"

// ipv6Site is how many bits of an IPv6 address one subscriber has: all addresses of a /64 count as one.
const ipv6Site = 64

// addressKey is what connections are counted by.
func addressKey(ip netip.Addr) netip.Addr {
	if !ip.Is6() {
		return ip
	}
	prefix, err := ip.Prefix(ipv6Site)
	if err != nil {
		return ip
	}
	return prefix.Addr()
}
