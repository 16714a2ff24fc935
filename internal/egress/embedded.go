package egress

import "net/netip"

// embeddings are the ranges of IPv6 whose addresses lead to an IPv4 address, and where that is: its first byte, counted
// from 0. Teredo keeps it inverted. 64:ff9b:1::/48 is not here, since where it holds the address is a network's own choice;
// it is refused as a whole.
var embeddings = []struct {
	prefix   netip.Prefix
	at       int
	inverted bool
}{
	{prefix: netip.MustParsePrefix("::/96"), at: 12},                     // IPv4-compatible
	{prefix: netip.MustParsePrefix("::ffff:0:0:0/96"), at: 12},           // IPv4-translated (SIIT)
	{prefix: netip.MustParsePrefix("64:ff9b::/96"), at: 12},              // NAT64
	{prefix: netip.MustParsePrefix("2002::/16"), at: 2},                  // 6to4
	{prefix: netip.MustParsePrefix("2001::/32"), at: 12, inverted: true}, // Teredo
}

// embedded returns the IPv4 address that an IPv6 address leads to, and the length of the range that says so.
func embedded(a netip.Addr) (inner netip.Addr, bits int, ok bool) {
	for _, e := range embeddings {
		if !e.prefix.Contains(a) {
			continue
		}
		all := a.As16()
		v4 := [4]byte(all[e.at:])
		if e.inverted {
			for i := range v4 {
				v4[i] ^= 0xff
			}
		}
		return netip.AddrFrom4(v4), e.prefix.Bits(), true
	}
	return netip.Addr{}, 0, false
}
