package egress

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
)

// Options says what callbacks may reach and how. The zero Options allows public addresses only and uses no proxy.
type Options struct {
	// Allow lists what may be called besides public addresses: "loopback" (127.0.0.0/8 and ::1), "private" (RFC 1918 and
	// fc00::/7, without the metadata addresses in it), CIDRs and addresses. "none", alone, is the same as an empty list.
	Allow []string
	// Proxy is the URL of an HTTP proxy that all callbacks go through, http or https, with user and password if it wants
	// them. Empty: none.
	Proxy string
	// ProxyTLS is the base of the TLS configuration towards an https proxy; nil: system roots.
	ProxyTLS *tls.Config
	// Resolver resolves names; nil: the system's.
	Resolver *net.Resolver
	// Dial replaces resolving and connecting, for tests. What a name resolves to is then not checked.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Egress makes transports that keep to one set of Options.
type Egress struct {
	guard    *guard
	proxy    *proxy // nil: none
	allow    []string
	resolver *net.Resolver
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// New returns an Egress. It fails when Allow or Proxy cannot be understood, with a sentence that does not repeat Proxy.
func New(o Options) (*Egress, error) {
	g, err := newGuard(o.Allow)
	if err != nil {
		return nil, err
	}
	e := &Egress{guard: g, allow: o.Allow, resolver: o.Resolver, dial: o.Dial}
	if o.Proxy != "" {
		if e.proxy, err = newProxy(o.Proxy, o.ProxyTLS); err != nil {
			return nil, err
		}
		e.proxy.dial = o.Dial
		if o.Dial == nil {
			e.proxy.dial = (&net.Dialer{Resolver: o.Resolver}).DialContext
		}
	}
	return e, nil
}

// Secrets returns what the proxy is sent that nobody else may see, in the form in which it is sent, too: a proxy that passes it
// on, or a page of it that repeats what it was asked, must not bring it into a record.
func (e *Egress) Secrets() []string {
	if e.proxy == nil || e.proxy.auth == "" {
		return nil
	}
	secrets := []string{strings.TrimPrefix(e.proxy.auth, basic)}
	if password, _ := e.proxy.forward.User.Password(); password != "" {
		secrets = append(secrets, password)
	}
	return secrets
}

// Warnings returns what an operator should know at the start, in sentences. There are none for the strictest settings.
func (e *Egress) Warnings() []string {
	var warnings []string
	if e.guard.check(loopback4) == nil {
		warnings = append(warnings, "callbacks may go to this machine itself (callback-allow is "+
			strings.Join(e.allow, ",")+"), which is for development: set callback-allow to none in production")
	}
	if open := e.guard.openMetadata(); len(open) > 0 {
		warnings = append(warnings, fmt.Sprintf("callbacks may go to the cloud metadata address %s, which gives out "+
			"credentials of this machine: make the ranges of callback-allow smaller", open[0]))
	}
	if e.proxy != nil {
		warnings = append(warnings, "callbacks go through callback-proxy, which resolves names itself, so Kith cannot check "+
			"their addresses: let the proxy refuse loopback, private and metadata addresses")
	}
	return warnings
}
