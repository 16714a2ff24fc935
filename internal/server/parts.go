package server

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/clientip"
	"github.com/kithchat/kith/internal/dispatch"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/isolation"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/restapi"
	"github.com/kithchat/kith/internal/store"
	"github.com/kithchat/kith/webhook"
)

// openStore makes the data directory and opens the database.
func (s *Server) openStore(ctx context.Context) (err error) {
	if err := os.MkdirAll(s.config.Data, 0o700); err != nil {
		return fmt.Errorf("cannot make the data directory: %w; check the path and its permissions", err)
	}
	s.metrics = newMetrics(s.version)
	s.store, err = store.Open(ctx, store.Options{
		Dir: s.config.Data, URL: s.config.Store, Now: s.now, Log: s.log,
		Retention: s.config.RecordRetention, RecordSize: s.config.RecordSize,
		OnCommit: s.committed, OnBatch: s.metrics.batch, OnForget: s.metrics.forgotten,
	})
	if err != nil {
		return err
	}
	s.metrics.watchStore(s.store, s.now)
	s.metrics.watchRecords(s.store, s.config.RecordSize)
	s.metrics.watchReplays(s.store)
	return nil
}

// committed hands what is durable to who tells of it: events to the dispatcher, list changes to the gateway. Before they are
// there no call is served, and what older events wait are found on disk.
func (s *Server) committed(c relation.Commit) {
	t := s.tellers.Load()
	if t == nil {
		return
	}
	t.dispatcher.Offer(c.Events)
	if t.gateway != nil {
		t.gateway.Committed(c)
	}
}

// tellers are the parts that hear of commits.
type tellers struct {
	dispatcher *dispatch.Dispatcher
	gateway    *gateway.Gateway // nil when it is switched off
}

func (s *Server) openRegistry(ctx context.Context) error {
	stored, err := s.appStore(ctx)
	if err != nil {
		return err
	}
	s.registry, err = apps.Open(ctx, stored, apps.Options{
		CheckURL: s.checkURL, Now: s.now, Log: s.log,
		Signing: apps.Signing{Check: webhook.CheckSecret, NewSecret: webhook.NewSecret, NewKeyPair: webhook.NewKeyPair},
		Issue:   s.issue, RenewAt: s.renewAt,
		CallbackTimeout: s.config.CallbackTimeout, CallbackConcurrency: s.config.CallbackConcurrency,
	})
	if err != nil {
		return err
	}
	s.token, err = operator.EnsureToken(s.config.Data, s.config.OperatorToken)
	return err
}

// join makes the parts that serve and connects them. The listeners are there already.
func (s *Server) join(context.Context) error {
	if s.config.IsolateApps {
		s.isolation = isolation.New()
		s.metrics.watchIsolation(s.isolation)
	}
	s.dispatcher = dispatch.New(dispatch.Options{
		Outbox: timedOutbox{s.store, s.metrics.settleSeconds}, Apps: s.registry, Log: s.log, Now: s.now, Metrics: s.metrics,
		Budget: s.config.RetryBudget, Version: s.version, Egress: s.egress, Pause: s.pause, Tracer: s.attemptTracer(),
		Node: s.nodeName(), Replays: s.store, Isolation: s.isolation,
	})
	service := relation.NewService(s.store, s.now)
	verifier := auth.New(auth.Options{Apps: s.registry, Now: s.now})
	rest := restapi.Options{
		Service: service, Apps: s.registry, Kicks: s.store, Auth: verifier,
		Log: s.log, Now: s.now, Metrics: s.metrics, Tracer: s.restTracer(),
		TrustedProxies: s.config.Proxies(), MaxBody: s.config.MaxBody, CallTimeout: s.config.CallTimeout, Isolation: s.isolation,
		TicketCache: max(1, s.config.TicketCache), // there, 0 means the default; one ticket is as good as none
	}
	if s.config.Gateway {
		s.gateway = gateway.New(s.gatewayOptions(service, verifier))
		s.registry.Watch(s.gateway.AppsChanged)
		s.metrics.watchGateway(s.gateway)
		rest.Presence = s.gateway
	}
	s.metrics.watchApps(s.registry) // before the dispatcher hears of new apps, so that their first attempts count
	s.metrics.watchDispatcher(s.dispatcher)
	s.metrics.watchCertificates(s.registry, s.certs)
	s.tellers.Store(&tellers{s.dispatcher, s.gateway})
	s.registry.Watch(s.dispatcher.AppsChanged)
	s.rest = restapi.New(rest)
	operators := operator.New(s.operatorOptions())
	for _, f := range s.fronts {
		if f.name == frontOperator {
			f.server = s.operatorServer(operators)
		} else {
			f.server = s.publicServer(s.public())
		}
		if f.tls {
			f.server.TLSConfig = s.certs.config()
		}
	}
	return nil
}

// public is what the public listeners serve.
func (s *Server) public() http.Handler {
	if s.gateway == nil {
		return s.rest
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == api.GatewayPath {
			s.gateway.ServeHTTP(w, r)
			return
		}
		s.rest.ServeHTTP(w, r)
	})
}

func (s *Server) gatewayOptions(service *relation.Service, verifier *auth.Verifier) gateway.Options {
	c := s.config
	return gateway.Options{
		Service: service, Apps: s.registry, Auth: verifier, Store: s.store, Proxies: clientip.New(c.Proxies()),
		Log: s.log, Now: s.now, Metrics: s.metrics, Tracer: s.gatewayTracer(), Isolation: s.isolation,
		MaxFrame: c.GatewayMaxFrame, MaxQueue: c.GatewayQueue, Rate: float64(c.GatewayRate),
		MaxSessions: c.GatewayMaxSessions, MaxAddress: c.GatewayMaxAddress, LoginTimeout: c.GatewayLoginTimeout,
		Heartbeat: c.GatewayHeartbeat, Grace: c.GatewayGrace, Spread: c.GatewaySpread, CallTimeout: c.CallTimeout,
		History: max(1, c.GatewayHistory), Compress: c.GatewayCompression,
	}
}

func (s *Server) operatorOptions() operator.Options {
	o := operator.Options{
		Registry: s.registry, Outbox: s.store, Token: s.token,
		TestCallback: s.testCallback, CA: s.ca.CertPEM, KickedAt: s.store.KickedAt,
		Metrics: s.metrics.handler(), Ready: s.ready, Settings: s.config.Settings(s.origins),
		Version: s.version, Started: s.started, Now: s.now, Log: s.log, BodyTimeout: s.config.ReadTimeout,
	}
	if s.config.Store == "" {
		o.Backup = s.backup
	}
	s.addTools(&o)
	return o
}

// testCallback sends a test and reports it in the words of the operator API.
func (s *Server) testCallback(ctx context.Context, app *relation.App) (operator.CallbackReport, error) {
	report, err := s.dispatcher.TestCallback(ctx, app)
	if err != nil {
		return operator.CallbackReport{}, err
	}
	return showReport(report), nil
}
