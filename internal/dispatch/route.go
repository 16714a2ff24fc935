package dispatch

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"time"

	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// maxAnswer is the longest answer body that is read, in bytes.
const maxAnswer = 64 << 10

// settings is the part of an app's record that decides how its events are sent. Other changes of the record leave
// connections alone.
type settings struct {
	url         string
	token       string
	keys        []relation.SigningKey
	listen      bool
	ca          string
	cert        relation.ClientCertificate // zero: none is shown
	timeout     time.Duration
	concurrency int
	policy      policy
	disabled    bool
}

func settingsOf(app *relation.App, budget time.Duration) settings {
	c := app.Callback
	s := settings{
		url: c.URL, token: c.Token, keys: c.SigningKeys, listen: c.Listen, ca: c.CA,
		timeout: c.Timeout(), concurrency: c.Attempts(), policy: policyOf(c, budget), disabled: app.Disabled,
	}
	if c.MutualTLS && c.ClientCert != nil {
		s.cert = *c.ClientCert
	}
	return s
}

func (s settings) equal(o settings) bool { return reflect.DeepEqual(s, o) }

// off reports whether nothing can be sent.
func (s settings) off() bool { return s.disabled || s.url == "" && !s.listen }

// listenURL stands for the URL of an app whose events go to who listens. Nothing connects to it.
const listenURL = "http://listener.invalid/"

// route is how attempts reach one endpoint under one set of settings. It is never changed: new settings make a new
// route, and attempts under way finish on the old one.
type route struct {
	settings
	sdkAppID   uint32
	userAgent  string
	target     *webhook.Target
	configured string // the query of the URL
	signing    *signing
	client     *http.Transport // nil: hub
	egress     *egress.Egress
	hub        *hub
	secrets    []string
}

// newRoute returns a route to the app's endpoint. It fails when the endpoint cannot be called.
func (d *Dispatcher) newRoute(sdkAppID uint32, s settings) (*route, error) {
	r := &route{settings: s, sdkAppID: sdkAppID, userAgent: d.userAgent, secrets: secretsOf(s, d.o.Egress.Secrets()...), egress: d.o.Egress}
	if s.listen {
		r.url, r.hub = listenURL, d.hubOf(sdkAppID)
	}
	var err error
	r.target, err = webhook.NewTarget(webhook.TargetOptions{URL: r.url, SDKAppID: sdkAppID, Token: s.token})
	if err != nil {
		return nil, err
	}
	if u, err := url.Parse(r.url); err == nil {
		r.configured = u.RawQuery
	}
	if r.signing, err = newSigning(s.keys, d.o.Now()); err != nil {
		return nil, err
	}
	if s.listen {
		return r, nil
	}
	r.client, err = d.o.Egress.Transport(egress.Endpoint{
		Timeout: s.timeout, Connections: s.concurrency, CA: s.ca, ClientCert: s.cert.Cert, ClientKey: s.cert.Key,
	})
	return r, err
}

// name is what the endpoint is called in logs and reports: the URL without its query.
func (r *route) name() string {
	if r.hub != nil {
		return "listener"
	}
	return r.target.String()
}

// close lets go of unused connections. Those in use are closed when their attempt ends.
func (r *route) close() {
	if r.client != nil {
		r.client.CloseIdleConnections()
	}
}

// send makes one request, signed for now, and reads the answer. The route's timeout covers all of it.
func (r *route) send(ctx context.Context, o outgoing) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	if r.hub != nil {
		return r.hub.ask(ctx, o)
	}
	return r.post(ctx, o)
}
