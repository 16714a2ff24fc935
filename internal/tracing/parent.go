package tracing

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// header is the name of the one header of W3C Trace Context that Kith reads and sends. What tracestate says is for the tracing
// system of who wrote it; it is not kept with events.
const header = "traceparent"

// parentOf reads a traceparent. What is none is not valid.
func parentOf(text string) trace.SpanContext {
	if text == "" {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{header: text})
	return trace.SpanContextFromContext(ctx)
}

// traceparent writes the traceparent of a span.
func traceparent(s trace.Span) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpan(context.Background(), s), carrier)
	return carrier[header]
}
