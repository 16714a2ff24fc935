package egress

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAddressesThatAreRefused(t *testing.T) {
	g := mustGuard(t)
	for address, kind := range map[string]string{
		"127.0.0.1": "loopback", "127.255.255.254": "loopback", "::1": "loopback", "::ffff:127.0.0.1": "loopback",
		"10.0.0.1": "private", "172.16.0.1": "private", "172.31.255.255": "private", "192.168.1.1": "private",
		"::ffff:192.168.1.1": "private", "fc00::1": "private", "fd12:3456::1": "private", "fd00::1%eth0": "private",
		"169.254.1.1": "link-local", "fe80::1": "link-local", "fe80::1%eth0": "link-local",
		"169.254.169.254": "metadata", "fd00:ec2::254": "metadata", "100.100.100.200": "metadata", "168.63.129.16": "metadata",
		"::ffff:169.254.169.254": "metadata",
		"100.64.0.1":             "shared", "100.127.255.255": "shared",
		"224.0.0.1": "multicast", "239.1.1.1": "multicast", "ff02::1": "multicast",
		"0.0.0.0": "reserved", "0.1.2.3": "reserved", "240.0.0.1": "reserved", "255.255.255.255": "reserved", "192.0.2.1": "reserved",
		"198.51.100.1": "reserved", "203.0.113.1": "reserved", "198.18.0.1": "reserved", "192.0.0.8": "reserved",
		"::": "reserved", "2001:db8::1": "reserved", "3fff::1": "reserved", "fec0::1": "reserved", "5f00::1": "reserved",
		"64:ff9b:1::a00:1": "reserved", "100::1": "reserved",
		"::127.0.0.1": "an IPv6 form", "::a00:1": "an IPv6 form", "64:ff9b::7f00:1": "an IPv6 form", "64:ff9b::808:808": "an IPv6 form",
		"2002:7f00:1::": "an IPv6 form", "2002:808:808::1": "an IPv6 form", "2001:0:4136:e378:8000:63bf:f5ff:fffe": "an IPv6 form",
		"::ffff:0:127.0.0.1": "an IPv6 form",
	} {
		err := g.check(netip.MustParseAddr(address))
		if err == nil {
			t.Errorf("%s may be called", address)
		} else if !strings.Contains(err.Error(), kind) || !strings.Contains(err.Error(), "callback-allow") {
			t.Errorf("%s: %v, want a word about %s and the setting", address, err, kind)
		}
	}
}

func TestPublicAddressesMayBeCalled(t *testing.T) {
	g := mustGuard(t, "none")
	for _, address := range []string{
		"8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "169.253.0.1", "2606:4700::1111",
		"2a00:1450:4001::1", "::ffff:8.8.8.8",
	} {
		if err := g.check(netip.MustParseAddr(address)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAllowOpensWhatItNamesAndNoMore(t *testing.T) {
	for _, tt := range []struct {
		allow   []string
		address string
		open    bool
	}{
		{[]string{"loopback"}, "127.0.0.1", true},
		{[]string{"loopback"}, "127.8.8.8", true},
		{[]string{"loopback"}, "::1", true},
		{[]string{"loopback"}, "::ffff:127.0.0.1", true},
		{[]string{"loopback"}, "10.0.0.1", false},
		{[]string{"loopback"}, "::7f00:1", false},
		{[]string{"loopback"}, "::2", false},
		{[]string{"loopback"}, "0.0.0.0", false},
		{[]string{"private"}, "10.0.0.1", true},
		{[]string{"private"}, "::ffff:172.20.0.1", true},
		{[]string{"private"}, "192.168.0.1", true},
		{[]string{"private"}, "fd00::1", true},
		{[]string{"private"}, "fd00::1%eth0", true},
		{[]string{"private"}, "127.0.0.1", false},
		{[]string{"private"}, "169.254.169.254", false},
		{[]string{"private"}, "fd00:ec2::254", false},
		{[]string{"private", "fd00:ec2::254"}, "fd00:ec2::254", true},
		{[]string{"private"}, "100.64.0.1", false},
		{[]string{"private"}, "64:ff9b::a00:1", false},
		{[]string{"loopback", "private"}, "127.0.0.1", true},
		{[]string{"100.64.0.0/10"}, "100.64.0.1", true},
		{[]string{"10.1.0.0/16"}, "10.1.2.3", true},
		{[]string{"10.1.2.3/16"}, "10.1.9.9", true},
		{[]string{"10.1.0.0/16"}, "10.2.0.1", false},
		{[]string{"10.1.0.1"}, "10.1.0.1", true},
		{[]string{"10.1.0.1"}, "10.1.0.2", false},
		{[]string{"::ffff:10.0.0.0/104"}, "10.9.9.9", true},
		{[]string{"::ffff:10.0.0.1"}, "10.0.0.1", true},
		{[]string{"fe80::/10"}, "fe80::1%eth0", true},
		{[]string{"64:ff9b::/96"}, "64:ff9b::808:808", true},
		{[]string{"64:ff9b::/96"}, "64:ff9b::a00:1", false},
		{[]string{"64:ff9b::/96"}, "64:ff9b::a9fe:a9fe", false},
		{[]string{"64:ff9b::/96", "private"}, "64:ff9b::a00:1", true},
		{[]string{"64:ff9b::a00:0/104"}, "64:ff9b::a00:1", true},
		{[]string{"0.0.0.0/0", "::/0"}, "127.0.0.1", true},
		{[]string{"0.0.0.0/0"}, "::1", false},
	} {
		err := mustGuard(t, tt.allow...).check(netip.MustParseAddr(tt.address))
		if (err == nil) != tt.open {
			t.Errorf("allow %q, %s: %v", tt.allow, tt.address, err)
		}
	}
}

func TestAllowThatCannotBeUnderstood(t *testing.T) {
	for _, allow := range [][]string{{"everything"}, {"none", "loopback"}, {"10.0.0.0/33"}, {""}, {"Loopback"}} {
		if _, err := New(Options{Allow: allow}); err == nil || !strings.Contains(err.Error(), "callback-allow") {
			t.Errorf("%q: error %v", allow, err)
		}
	}
}

func TestHostsThatAreJudgedWithoutResolving(t *testing.T) {
	g := mustGuard(t)
	for _, host := range []string{
		"127.0.0.1", "::1", "fe80::1%eth0", "localhost", "LOCALHOST.", "app.localhost",
		"127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "1.2.3.4.5", "host.0x", "10.0.0.1.",
	} {
		if g.checkHost(host) == nil {
			t.Errorf("%q passes", host)
		}
	}
	for _, host := range []string{"8.8.8.8", "chat.example.net", "localhost.example.net", "4chan.org", "a.b1", "xn--bcher-kva.example."} {
		if err := g.checkHost(host); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
	if err := mustGuard(t, "loopback").checkHost("localhost"); err != nil {
		t.Errorf("localhost with loopback: %v", err)
	}
}

func mustGuard(t testing.TB, allow ...string) *guard {
	t.Helper()
	g, err := newGuard(allow)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
