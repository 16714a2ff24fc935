package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
	"time"
)

// dialer opens connections to one endpoint and marks each error. The transport lets a dial outlive the request that asked
// for it, so the dialer has a time limit of its own.
type dialer struct {
	egress    *Egress
	tls       *tls.Config
	timeout   time.Duration
	showsCert bool
}

// dialPlain connects for plain HTTP: to the endpoint, or to the proxy, when proxyFor has checked the endpoint.
func (d *dialer) dialPlain(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if p := d.egress.proxy; p != nil {
		return p.connect(ctx)
	}
	return d.egress.connect(ctx, network, address)
}

func (d *dialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var plain net.Conn
	var err error
	if d.egress.proxy != nil {
		plain, err = d.egress.tunnel(ctx, address)
	} else {
		plain, err = d.egress.connect(ctx, network, address)
	}
	if err != nil {
		return nil, err
	}
	enter(ctx, PhaseTLS, false)
	host, _, _ := net.SplitHostPort(address)
	config, asked := asking(d.tls, host)
	conn := tls.Client(plain, config)
	if err := handshake(ctx, conn); err != nil {
		_ = plain.Close()
		return nil, tlsError(err, identity{asked: asked(), shows: d.showsCert})
	}
	return newSecureConn(conn, identity{asked: asked(), shows: d.showsCert}, d.timeout), nil
}

// handshake tells the trace of it too, which only net/http's own handshake does by itself.
func handshake(ctx context.Context, conn *tls.Conn) error {
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	err := conn.HandshakeContext(ctx)
	if trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(conn.ConnectionState(), err)
	}
	return err
}

// connect opens a connection to an endpoint, at the first of its addresses that is allowed and accepts.
func (e *Egress) connect(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, connectError(err)
	}
	if err := e.guard.checkHost(host); err != nil {
		return nil, connectError(err)
	}
	if e.dial != nil {
		enter(ctx, PhaseConnect, false)
		conn, err := e.dial(ctx, network, address)
		if err != nil {
			return nil, connectError(err)
		}
		return conn, nil
	}
	var seen tries
	enter(ctx, PhaseConnect, false)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { enter(ctx, PhaseResolve, true) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			if i.Err == nil {
				enter(ctx, PhaseConnect, false)
			}
		},
		ConnectDone: func(_, _ string, err error) { seen.add(err) },
	})
	d := net.Dialer{Resolver: e.resolver, Control: e.guard.control}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, connectError(e.confirmMissing(ctx, host, seen.telling(err)))
	}
	return conn, nil
}

// tries collects what became of each address of a name. A net.Dialer returns the error of the first, which need not say
// most: it can be an address that is refused, or of a family that this machine has not.
type tries struct {
	mu       sync.Mutex
	receiver error // an address was dialled and the network or the endpoint refused
	ours     error // this machine could not
}

func (t *tries) add(err error) {
	var blocked *blockedError
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil || errors.As(err, &blocked):
	case localFault(err):
		t.ours = err
	case t.receiver == nil || isTimeout(t.receiver):
		t.receiver = err
	}
}

// telling returns the error that says most of the endpoint.
func (t *tries) telling(last error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.receiver != nil:
		return t.receiver
	case t.ours != nil:
		return t.ours
	}
	return last
}
