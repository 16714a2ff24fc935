package apps

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// MaxWebOrigins is how many web origins an app may name.
const MaxWebOrigins = 100

// maxHost is the longest host name that DNS carries, in characters.
const maxHost = 253

// defaultPorts are the schemes of web origins, with the port that browsers leave out.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

func (p *problems) webOrigins(origins []string) {
	p.check(len(origins) <= MaxWebOrigins, "an app has at most %d web origins, not %d; *. in front of a host stands for all below it",
		MaxWebOrigins, len(origins))
	for i, origin := range origins {
		if strings.Contains(origin, "@") { // not quoted: a password may stand there
			p.check(false, "web origin %d must hold no user name or password", i+1)
			continue
		}
		fault := originFault(origin)
		p.check(fault == "", "web origin %q %s", origin, fault)
		p.check(!slices.Contains(origins[:i], origin), "web origin %q is named twice", origin)
	}
}

// originFault says what is wrong with a web origin, or nothing. What passes is written as browsers write the Origin header,
// so that comparing the texts decides.
func originFault(origin string) string {
	scheme, rest, _ := strings.Cut(origin, "://")
	defaultPort, known := defaultPorts[scheme]
	switch {
	case !known:
		return "must begin with http:// or https://; to allow all pages, name no origin"
	case strings.ContainsAny(rest, "/?#"):
		return "must end after host and port: remove the slash and what follows"
	case rest != strings.ToLower(rest):
		return "must be in lower case, as browsers send it"
	}
	host, port, hasPort := cutPort(rest)
	if hasPort {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
			return "must have a port of 1 to 65535, or none and no colon"
		}
		if port == defaultPort {
			return fmt.Sprintf("must leave out :%s, as browsers do for %s", port, scheme)
		}
	}
	below, wild := strings.CutPrefix(host, "*.")
	if !validHost(below) || wild && !validName(below) {
		return "must have a host name (xn--… for an international one) or an IP address, with *. at most at the beginning of a name"
	}
	return ""
}

// cutPort cuts the port off. Colons inside brackets belong to an IPv6 address.
func cutPort(hostport string) (host, port string, found bool) {
	i := strings.LastIndexByte(hostport, ':')
	if i < strings.LastIndexByte(hostport, ']') || i < 0 {
		return hostport, "", false
	}
	return hostport[:i], hostport[i+1:], true
}

func validHost(host string) bool {
	if v6, ok := strings.CutPrefix(host, "["); ok {
		v6, ok = strings.CutSuffix(v6, "]")
		ip, err := netip.ParseAddr(v6)
		return ok && err == nil && ip.Is6() && ip.Zone() == "" && ip.String() == v6
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is4() || validName(host)
}

// validName reports whether host is a name of DNS in lower case. One that ends in a number would be an IP address.
func validName(host string) bool {
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(host) <= maxHost && strings.Trim(labels[len(labels)-1], "0123456789") != ""
}
