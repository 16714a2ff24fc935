package egress

import (
	"net/netip"
	"strconv"
	"strings"
)

// blockedError says that callbacks may not go to an address.
type blockedError struct {
	host string     // as it was written, or the address
	addr netip.Addr // zero: host is neither an address nor a name
}

// Error says what to do, for the operator.
func (e *blockedError) Error() string {
	if !e.addr.IsValid() {
		return strconv.Quote(e.host) + " is neither a name nor an address: write an address as four numbers with dots, such as " +
			"192.0.2.1, and an international name as xn--"
	}
	return e.host + " is " + e.kind() + ", which the setting callback-allow does not allow: call a public address, or add " +
		e.remedy() + " to callback-allow if callbacks may go there"
}

// kinds names ranges, in the order in which they are looked at.
var kinds = []struct {
	ranges []netip.Prefix
	name   string
	word   string // of callback-allow
}{
	{loopbackRanges, "a loopback address", wordLoopback},
	{privateRanges, "a private address", wordPrivate},
	{prefixes("169.254.0.0/16", "fe80::/10"), "a link-local address", ""},
	{prefixes("100.64.0.0/10"), "a shared address (carrier-grade NAT)", ""},
	{prefixes("224.0.0.0/4", "ff00::/8"), "a multicast address", ""},
}

// kind names the range that the address is in, without the address.
func (e *blockedError) kind() string {
	if _, ok := metadata[e.addr]; ok {
		return "a cloud metadata address"
	}
	for _, k := range kinds {
		if within(e.addr, k.ranges) {
			return k.name
		}
	}
	if _, _, ok := embedded(e.addr); ok && e.addr != netip.IPv6Unspecified() {
		return "an IPv6 form of an IPv4 address"
	}
	return "a reserved address"
}

// remedy is what to add to callback-allow.
func (e *blockedError) remedy() string {
	if _, ok := metadata[e.addr]; ok {
		return e.addr.String()
	}
	for _, k := range kinds {
		if k.word != "" && within(e.addr, k.ranges) {
			return strings.Join([]string{k.word, "or", e.addr.String()}, " ")
		}
	}
	return e.addr.String()
}
