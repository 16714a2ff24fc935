package egress

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// FuzzGuard compares the guard with what net/netip knows of an address, on its own and as an IPv4 address in all IPv6 forms.
func FuzzGuard(f *testing.F) {
	for _, text := range []string{"127.0.0.1", "10.1.2.3", "169.254.169.254", "8.8.8.8", "::1", "fe80::1", "fd00::1", "2002:7f00:1::"} {
		f.Add(netip.MustParseAddr(text).AsSlice())
	}
	g := mustGuard(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if a, ok := netip.AddrFromSlice(raw); ok {
			checkKnown(t, g, a)
		}
	})
}

func TestNoAddressThatNetipKnowsPasses(t *testing.T) {
	const seed = 20261127
	random := rand.New(rand.NewPCG(seed, seed))
	g := mustGuard(t)
	public := 0
	for range 200_000 {
		var all [16]byte
		for i := range all {
			all[i] = byte(random.Uint32())
		}
		v4 := netip.AddrFrom4([4]byte(all[:4]))
		checkKnown(t, g, v4)
		if g.check(v4) == nil {
			public++
		}
		// Half of the IPv6 addresses begin like one that embeds an IPv4 address.
		if e := embeddings[random.IntN(len(embeddings))]; random.IntN(2) == 0 {
			head := e.prefix.Addr().As16()
			copy(all[:e.prefix.Bits()/8], head[:])
		}
		checkKnown(t, g, netip.AddrFrom16(all))
	}
	if public < 150_000 {
		t.Errorf("seed %d: only %d of 200000 random IPv4 addresses may be called", seed, public)
	}
}

// checkKnown fails when the guard lets an address pass that netip says is not public, or that embeds an IPv4 address.
func checkKnown(t *testing.T, g *guard, a netip.Addr) {
	t.Helper()
	if g.check(a) != nil {
		return
	}
	plain := a.Unmap()
	if plain.IsPrivate() || plain.IsLoopback() || plain.IsLinkLocalUnicast() || plain.IsLinkLocalMulticast() ||
		plain.IsInterfaceLocalMulticast() || plain.IsMulticast() || plain.IsUnspecified() || !plain.IsGlobalUnicast() {
		t.Fatalf("%s passes", a)
	}
	if _, _, ok := embedded(a); ok {
		t.Fatalf("%s passes, which embeds an IPv4 address", a)
	}
	if _, ok := metadata[plain]; ok {
		t.Fatalf("%s passes, which is metadata", a)
	}
	// Whoever can write an address can write it in each other form; none may pass where the plain one does not.
	if plain.Is4() && g.check(netip.AddrFrom16(plain.As16())) != nil {
		t.Fatalf("%s passes, but not as an IPv4-mapped address", a)
	}
}
