package server

import (
	"context"
	"fmt"
	"os"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/dispatch"
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
		OnCommit: s.committed, OnBatch: s.metrics.batch,
	})
	if err != nil {
		return err
	}
	s.metrics.watchStore(s.store, s.now)
	return nil
}

// committed hands events that are durable to the dispatcher. Before there is one no call is served, and what older
// events wait are found on disk.
func (s *Server) committed(events []relation.Event) {
	if d := s.offer.Load(); d != nil {
		d.Offer(events)
	}
}

func (s *Server) openRegistry(ctx context.Context) (err error) {
	s.registry, err = apps.Open(ctx, s.store, apps.Options{
		CheckURL: webhook.ValidateURL, Now: s.now,
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
	s.dispatcher = dispatch.New(dispatch.Options{
		Outbox: s.store, Apps: s.registry, Log: s.log, Now: s.now, Metrics: s.metrics,
		Budget: s.config.RetryBudget, Version: s.version,
	})
	s.offer.Store(s.dispatcher)
	s.registry.Watch(s.dispatcher.AppsChanged)
	s.metrics.watchApps(s.registry)
	s.rest = restapi.New(restapi.Options{
		Service: relation.NewService(s.store, s.now), Apps: s.registry, Kicks: s.store,
		Log: s.log, Now: s.now, Metrics: s.metrics,
		TrustedProxies: s.config.Proxies(), MaxBody: s.config.MaxBody, CallTimeout: s.config.CallTimeout,
		TicketCache: max(1, s.config.TicketCache), // there, 0 means the default; one ticket is as good as none
	})
	operators := operator.New(s.operatorOptions())
	for _, f := range s.fronts {
		if f.name == frontOperator {
			f.server = s.operatorServer(operators)
		} else {
			f.server = s.publicServer(s.rest)
		}
		if f.tls {
			f.server.TLSConfig = s.certs.config()
		}
	}
	return nil
}

func (s *Server) operatorOptions() operator.Options {
	o := operator.Options{
		Registry: s.registry, Outbox: s.store, Token: s.token,
		TestCallback: s.testCallback, KickedAt: s.store.KickedAt,
		Metrics: s.metrics.handler(), Ready: s.ready, Settings: s.config.Settings(s.origins),
		Version: s.version, Started: s.started, Now: s.now, Log: s.log,
	}
	if s.config.Store == "" {
		o.Backup = s.backup
	}
	return o
}

// testCallback sends a test and reports it in the words of the operator API.
func (s *Server) testCallback(ctx context.Context, app *relation.App) (operator.CallbackReport, error) {
	report, err := s.dispatcher.TestCallback(ctx, app)
	if err != nil {
		return operator.CallbackReport{}, err
	}
	steps := make([]operator.CallbackStep, len(report.Steps))
	for i, step := range report.Steps {
		steps[i] = operator.CallbackStep{Name: step.Name, OK: step.OK, Detail: step.Detail, DurationMS: step.TookMS}
	}
	return operator.CallbackReport{
		Delivered: report.OK, Reason: string(report.Reason), Detail: report.Detail, DurationMS: report.TookMS, Steps: steps,
	}, nil
}
