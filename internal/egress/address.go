package egress

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"unicode/utf8"

	"code.dny.dev/ssrf"
)

// Words of Options.Allow besides CIDRs and addresses. They are those of the setting callback-allow.
const (
	wordLoopback = "loopback"
	wordPrivate  = "private"
	wordNone     = "none"
)

var (
	loopbackRanges = prefixes("127.0.0.0/8", "::1/128")
	privateRanges  = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
	loopback4      = netip.MustParseAddr("127.0.0.1")
	loopback6      = netip.IPv6Loopback()
)

// metadata are addresses where clouds give out credentials and settings of the machine. Only a CIDR or address in Allow
// opens them, never a word. The first is in a public range.
var metadata = addresses(
	"168.63.129.16",      // Azure's platform services
	"169.254.169.254",    // most clouds
	"169.254.170.2",      // containers on AWS
	"100.100.100.200",    // Alibaba Cloud
	"192.0.0.192",        // Oracle Cloud
	"fd00:ec2::254",      // AWS
	"fd20:ce::254",       // Google Cloud
	"fd00:c1::a9fe:a9fe", // Oracle Cloud
	"fe80::a9fe:a9fe",    // OpenStack
	"fd00:42::42",        // Scaleway
	"169.254.42.42",      // Scaleway
)

// guard knows which addresses callbacks may go to.
type guard struct {
	guardian *ssrf.Guardian
	words    []netip.Prefix // what the words of Allow stand for
	named    []netip.Prefix // CIDRs and addresses of Allow
}

func newGuard(allow []string) (*guard, error) {
	g := &guard{}
	for _, text := range allow {
		switch text {
		case wordLoopback:
			g.words = append(g.words, loopbackRanges...)
		case wordPrivate:
			g.words = append(g.words, privateRanges...)
		case wordNone:
			if len(allow) > 1 {
				return nil, fmt.Errorf("callback-allow has none beside others: leave one of them out")
			}
		default:
			p, err := parseRange(text)
			if err != nil {
				return nil, fmt.Errorf("callback-allow has %q, which is not loopback, private, none, an address or a CIDR "+
					"such as 10.1.0.0/16: correct it", text)
			}
			g.named = append(g.named, p)
		}
	}
	var v4, v6 []netip.Prefix
	for _, p := range append(g.words[:len(g.words):len(g.words)], g.named...) {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	g.guardian = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	return g, nil
}

// parseRange reads an address or a CIDR. One in the IPv4-mapped form is that of IPv4.
func parseRange(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// check returns nil when callbacks may go to the address, and otherwise a *blockedError.
func (g *guard) check(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	if _, ok := metadata[a]; ok && !within(a, g.named) {
		return &blockedError{host: a.String(), addr: a}
	}
	if g.guardian.SafeAddr(a) != nil {
		return &blockedError{host: a.String(), addr: a}
	}
	// What follows is for an IPv6 form of an IPv4 address, which only Allow lets come so far. A range that is open for all
	// of IPv4 (64:ff9b::/96, where NAT64 is in use) does not open the IPv4 addresses that are refused by themselves.
	inner, bits, ok := embedded(a)
	if !ok || within(a, narrower(g.words, bits)) || within(a, narrower(g.named, bits)) {
		return nil
	}
	if g.check(inner) != nil {
		return &blockedError{host: a.String(), addr: a}
	}
	return nil
}

// control is a net.Dialer's: it sees the address that is about to be dialled.
func (g *guard) control(network, address string, c syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return &blockedError{host: address}
	}
	return g.check(target.Addr())
}

// checkHost refuses the hosts that can be judged without resolving them: addresses, localhost, and numbers that some
// resolvers take for addresses (127.1, 0x7f000001).
func (g *guard) checkHost(host string) error {
	if a, err := netip.ParseAddr(host); err == nil {
		return g.check(a)
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return &blockedError{host: host} // wide digits become an address on the way
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		if g.check(loopback4) != nil && g.check(loopback6) != nil {
			return &blockedError{host: host, addr: loopback4}
		}
		return nil
	}
	if last := name[strings.LastIndexByte(name, '.')+1:]; numeric(last) {
		return &blockedError{host: host}
	}
	return nil
}

// openMetadata returns the metadata addresses that callbacks may go to.
func (g *guard) openMetadata() []netip.Addr {
	var open []netip.Addr
	for a := range metadata {
		if g.check(a) == nil {
			open = append(open, a)
		}
	}
	return open
}

// numeric reports whether the last label of a host would make it an IPv4 address for a lenient parser.
func numeric(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}

func within(a netip.Addr, ranges []netip.Prefix) bool {
	for _, p := range ranges {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// narrower returns the ranges with more bits than that.
func narrower(ranges []netip.Prefix, bits int) []netip.Prefix {
	var found []netip.Prefix
	for _, p := range ranges {
		if p.Bits() > bits {
			found = append(found, p)
		}
	}
	return found
}

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

func addresses(texts ...string) map[netip.Addr]struct{} {
	set := make(map[netip.Addr]struct{}, len(texts))
	for _, text := range texts {
		set[netip.MustParseAddr(text)] = struct{}{}
	}
	return set
}
