package server

import (
	"context"
	"os"

	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/restapi"
	"github.com/kithchat/kith/internal/tracing"
)

// openTracer makes the tracer, if traces go anywhere.
func (s *Server) openTracer(ctx context.Context) (err error) {
	if s.config.TraceEndpoint == "" {
		return nil
	}
	node := s.config.NodeName
	if node == "" {
		node, _ = os.Hostname() // unnamed is no reason not to start
	}
	s.tracer, err = tracing.New(ctx, tracing.Options{
		Endpoint: s.config.TraceEndpoint, Sample: s.config.TraceSample, Version: s.version, Node: node,
		Log: s.log, Now: s.now, Exported: s.metrics.exported,
	})
	return err
}

// stopTracer sends what waits. It may be called twice.
func (s *Server) stopTracer(ctx context.Context) {
	if s.tracer != nil {
		s.tracer.Stop(ctx)
	}
}

// restTracer and gatewayTracer return the tracer, or a nil interface, so that without it nothing is called.
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
