package dispatch

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"reflect"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

const (
	// maxAnswer is the longest answer body that is read, in bytes.
	maxAnswer = 64 << 10
	// maxAnswerHeader is the longest answer header that is read, in bytes.
	maxAnswerHeader = 64 << 10
	// idleConnection is how long an unused connection is kept. Common servers close theirs after 60 seconds or more.
	idleConnection = 30 * time.Second
)

// settings is the part of an app's record that decides how its events are sent. Other changes of the record leave
// connections alone.
type settings struct {
	url         string
	token       string
	timeout     time.Duration
	concurrency int
	policy      policy
	disabled    bool
}

func (s settings) equal(o settings) bool { return reflect.DeepEqual(s, o) }

// off reports whether nothing can be sent.
func (s settings) off() bool { return s.disabled || s.url == "" }

func settingsOf(app *relation.App, budget time.Duration) settings {
	c := app.Callback
	return settings{
		url: c.URL, token: c.Token, timeout: c.Timeout(), concurrency: c.Attempts(), policy: policyOf(c, budget),
		disabled: app.Disabled,
	}
}

// route is how attempts reach one endpoint under one set of settings. It is never changed: new settings make a new
// route, and attempts under way finish on the old one.
type route struct {
	settings
	sdkAppID uint32
	target   *webhook.Target
	client   *http.Transport
	secrets  []string
}

// newRoute returns a route to the app's endpoint. It fails when the URL cannot be called.
func newRoute(sdkAppID uint32, s settings, o *Options) (*route, error) {
	target, err := webhook.NewTarget(webhook.TargetOptions{URL: s.url, SDKAppID: sdkAppID, Token: s.token})
	if err != nil {
		return nil, err
	}
	return &route{settings: s, sdkAppID: sdkAppID, target: target, client: newTransport(s, o), secrets: secretsOf(s)}, nil
}

// newTransport returns a connection pool of its own for an endpoint. It speaks HTTP/1.1 only: there, a connection that hangs
// holds up one attempt, and under HTTP/2 it would hold up all. It uses no proxy and follows no redirect.
func newTransport(s settings, o *Options) *http.Transport {
	d := dialer{dial: o.Dial, tls: &tls.Config{MinVersion: tls.VersionTLS12}, timeout: s.timeout}
	if d.dial == nil {
		d.dial = new(net.Dialer).DialContext
	}
	if o.TLS != nil {
		d.tls = o.TLS.Clone()
	}
	if d.tls.ClientSessionCache == nil {
		d.tls.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            d.dialPlain,
		DialTLSContext:         d.dialTLS,
		DisableCompression:     true,
		MaxIdleConns:           s.concurrency,
		MaxIdleConnsPerHost:    s.concurrency,
		IdleConnTimeout:        idleConnection,
		MaxResponseHeaderBytes: maxAnswerHeader,
		Protocols:              protocols,
	}
}

// dialer opens connections and marks each error with the phase that failed. The transport lets a dial outlive the attempt
// that asked for it, so the dialer has a time limit of its own.
type dialer struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	tls     *tls.Config
	timeout time.Duration
}

func (d *dialer) dialPlain(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, &phaseError{ReasonConnect, err}
	}
	return conn, nil
}

func (d *dialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	plain, err := d.dialPlain(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := d.tls.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	conn := tls.Client(plain, config)
	trace := httptrace.ContextClientTrace(ctx)
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	err = conn.HandshakeContext(ctx)
	if trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(conn.ConnectionState(), err)
	}
	if err != nil {
		_ = plain.Close()
		return nil, &phaseError{ReasonTLS, err}
	}
	return conn, nil
}

// close lets go of unused connections. Those in use are closed when their attempt ends.
func (r *route) close() { r.client.CloseIdleConnections() }
