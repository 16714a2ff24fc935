package server

import (
	"context"
	"os"

	"github.com/kithchat/kith/internal/dispatch"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/restapi"
	"github.com/kithchat/kith/internal/tracing"
)

// openTracer makes the tracer, if traces go anywhere.
func (s *Server) openTracer(ctx context.Context) (err error) {
	if s.config.TraceEndpoint == "" {
		return nil
	}
	s.tracer, err = tracing.New(ctx, tracing.Options{
		Endpoint: s.config.TraceEndpoint, Sample: s.config.TraceSample, Version: s.version, Node: s.nodeName(),
		Log: s.log, Now: s.now, Exported: s.metrics.exported,
	})
	return err
}

// nodeName is what traces and the record of attempts call this process.
func (s *Server) nodeName() string {
	if s.config.NodeName != "" {
		return s.config.NodeName
	}
	host, _ := os.Hostname() // unnamed is no reason not to start
	return host
}

// stopTracer sends what waits. It may be called twice.
func (s *Server) stopTracer(ctx context.Context) {
	if s.tracer != nil {
		s.tracer.Stop(ctx)
	}
}

// restTracer, gatewayTracer and attemptTracer return the tracer, or a nil interface, so that without it nothing is called.
func (s *Server) restTracer() restapi.Tracer {
	if s.tracer == nil {
		return nil
	}
	return s.tracer
}

func (s *Server) gatewayTracer() gateway.Tracer {
	if s.tracer == nil {
		return nil
	}
	return s.tracer
}

func (s *Server) attemptTracer() dispatch.Tracer {
	if s.tracer == nil {
		return nil
	}
	return attempts{s.tracer}
}

// attempts tells the tracer of attempts in its own words.
type attempts struct{ tracer *tracing.Tracer }

// StartAttempt implements dispatch.Tracer.
func (a attempts) StartAttempt(ctx context.Context, e *relation.Event, replay string) (context.Context, string, func(dispatch.Outcome)) {
	own, end := a.tracer.StartAttempt(e, replay)
	if end == nil {
		return ctx, "", notFollowed
	}
	return ctx, own, func(o dispatch.Outcome) { end(o.Label(), o.Status) }
}

func notFollowed(dispatch.Outcome) {}
