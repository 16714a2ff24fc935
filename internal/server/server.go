package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/dispatch"
	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/isolation"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/pki"
	"github.com/kithchat/kith/internal/restapi"
	"github.com/kithchat/kith/internal/seal"
	"github.com/kithchat/kith/internal/store"
	"github.com/kithchat/kith/internal/tracing"
)

// Options says what to serve. Config is required and must have passed Validate.
type Options struct {
	Config config.Config
	// Origins says where each value of Config came from, as config.Load returned it; the operator API shows it.
	Origins config.Origins
	// Log hears of starts, stops and failures; nil: discard.
	Log *slog.Logger
	// Version is shown to operators and sent to app backends; empty: dev.
	Version string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Server is one Kith process. Make one with New.
type Server struct {
	config  config.Config
	origins config.Origins
	log     *slog.Logger
	version string
	now     func() time.Time
	started time.Time

	metrics    *metrics
	tracer     *tracing.Tracer // nil when nothing is traced
	box        *seal.Box       // nil without a master key
	store      *store.Store
	egress     *egress.Egress
	ca         *pki.CA
	registry   *apps.Registry
	dispatcher *dispatch.Dispatcher
	gateway    *gateway.Gateway        // nil when it is switched off
	tellers    atomic.Pointer[tellers] // who hears of commits, once they are there
	rest       *restapi.Handler
	isolation  *isolation.Isolation // nil: no app is held back
	token      string
	certs      *certificates
	fronts     []*front

	firstApp  *FirstApp
	announced bool // the files that point to the server were written
	stopping  atomic.Bool
	serving   sync.WaitGroup
	renewing  sync.WaitGroup // of client certificates
	noRenewal context.CancelFunc
	failed    chan error // a listener that ended by itself

	stopOnce sync.Once
	stopErr  error
}

// New opens the store, takes the addresses and puts everything together. Nothing is served before Start. An error is a
// sentence for the operator, and leaves nothing open. Call Stop to release what New took.
func New(ctx context.Context, o Options) (_ *Server, err error) {
	s := &Server{
		config: o.Config, origins: o.Origins, log: o.Log, version: o.Version, now: o.Now,
		failed: make(chan error, 1),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.version == "" {
		s.version = "dev"
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.started = s.now()
	if s.config.Data, err = filepath.Abs(o.Config.Data); err != nil {
		return nil, fmt.Errorf("the data directory has no absolute path: %w", err)
	}
	for _, build := range []func(context.Context) error{
		s.checkReadyFile, s.openBox, s.openEgress, s.openStore, s.openTracer, s.openRegistry, s.openCA, s.openListeners, s.join,
	} {
		if err := build(ctx); err != nil {
			return nil, errors.Join(err, s.release())
		}
	}
	return s, nil
}

// Start creates the first app where there is none, begins to serve, and writes the files that point to the server. ctx
// bounds the start only. When it fails, everything is stopped.
func (s *Server) Start(ctx context.Context) error {
	if err := s.createFirstApp(ctx); err != nil {
		return errors.Join(err, s.Stop(ctx))
	}
	if s.gateway != nil {
		if err := s.gateway.Start(ctx); err != nil {
			return errors.Join(fmt.Errorf("read who was online: %w", err), s.Stop(ctx))
		}
	}
	s.dispatcher.Start()
	s.renew()
	for _, f := range s.fronts {
		s.serving.Go(func() { s.serve(f) })
		s.log.Info("listening", "for", f.name, "url", f.url())
	}
	if err := s.announce(); err != nil {
		return errors.Join(err, s.Stop(ctx))
	}
	return nil
}

// renew keeps client certificates from expiring until the server stops.
func (s *Server) renew() {
	ctx, cancel := context.WithCancel(context.Background())
	s.noRenewal = cancel
	s.renewing.Go(func() { s.registry.Renew(ctx) })
}

// Run starts the server, calls started (which may be nil), and serves until ctx ends or a listener fails. Then it stops
// within Config.ShutdownTimeout. It returns nil when ctx ended and everything was closed well.
func (s *Server) Run(ctx context.Context, started func(Info)) error {
	if err := s.Start(ctx); err != nil {
		return err
	}
	if started != nil {
		started(s.Info())
	}
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-s.failed:
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.ShutdownTimeout)
	defer cancel()
	return errors.Join(failure, s.Stop(grace))
}

// Stop stops the server; see the package comment for the order. When ctx ends first, what is left is cut off, which the
// log says. The error is that of closing the store or removing files.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() { s.stopErr = s.stop(ctx) })
	return s.stopErr
}

func (s *Server) stop(ctx context.Context) error {
	s.stopping.Store(true)
	s.log.Info("stopping")
	err := s.withdraw()
	if s.gateway != nil {
		s.gateway.Stop(ctx)
	}
	s.shutdown(ctx, frontHTTPS, frontHTTP)
	calls := make(chan struct{})
	go func() {
		s.rest.Wait()
		close(calls)
	}()
	select {
	case <-calls:
	case <-ctx.Done():
	}
	if cut := s.dispatcher.Stop(ctx); cut != nil {
		s.log.Warn("callbacks under way were cut off; they are repeated after the next start", "error", cut)
	}
	s.stopTracer(ctx)
	s.shutdown(ctx, frontOperator)
	s.serving.Wait()
	if s.noRenewal != nil {
		s.noRenewal()
	}
	s.renewing.Wait()
	err = errors.Join(err, s.release())
	<-calls // a call that was cut off ends with its store
	s.log.Info("stopped")
	return err
}

// release closes what New opened. Parts that are not there are left out.
func (s *Server) release() error {
	for _, f := range s.fronts {
		_ = f.listener.Close() // closed already, unless the server never served
	}
	s.stopTracer(context.Background()) // did so already, unless the server never served
	if s.store == nil {
		return nil
	}
	if err := s.store.Close(); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// ready returns why the server cannot serve, or nil.
func (s *Server) ready() error {
	if s.stopping.Load() {
		return errors.New("the server is stopping")
	}
	return s.store.Ready()
}

// announce writes the files by which others find the server.
func (s *Server) announce() error {
	s.announced = true
	endpoint := operator.Endpoint{URL: s.front(frontOperator).url()}
	if s.front(frontOperator).tls {
		endpoint.Cert = s.certs.certFile
	}
	if err := operator.WriteEndpoint(s.config.Data, endpoint); err != nil {
		return err
	}
	return s.writeReadyFile()
}

// withdraw removes the files that announce wrote.
func (s *Server) withdraw() error {
	if !s.announced {
		return nil
	}
	err := operator.RemoveEndpoint(s.config.Data)
	if s.config.ReadyFile == "" {
		return err
	}
	if gone := os.Remove(s.config.ReadyFile); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, fmt.Errorf("remove the ready file: %w", gone))
	}
	return err
}
