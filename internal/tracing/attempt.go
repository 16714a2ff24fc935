package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/kithchat/kith/internal/relation"
)

// detached is how long after its event's commit an attempt gets a trace of its own, linked to the call's. Most systems take
// a trace to be over after a minute or so, and one that goes on for a day can be read by nobody.
const detached = time.Minute

// StartAttempt implements dispatch.Tracer. An event whose call was not followed has attempts that are not.
func (t *Tracer) StartAttempt(e *relation.Event, replay string) (own string, end func(outcome string, status int)) {
	call := parentOf(e.Origin.Trace)
	if !call.IsSampled() {
		return "", nil
	}
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			keySDKAppID.Int64(int64(e.SDKAppID)), keyCommand.String(string(e.Kind)),
			keyEvent.String(e.ID), keyAttempt.Int(e.Attempts+1),
		),
	}
	ctx := context.Background()
	if replay == "" && t.now().Sub(e.Created) < detached {
		ctx = trace.ContextWithRemoteSpanContext(ctx, call)
	} else {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: call}))
	}
	if replay != "" {
		options = append(options, trace.WithAttributes(keyReplay.String(replay)))
	}
	_, span := t.spans.Start(ctx, string(e.Kind), options...)
	return traceparent(span), func(outcome string, status int) {
		span.SetAttributes(keyOutcome.String(outcome))
		if status != 0 {
			span.SetAttributes(keyStatus.Int(status))
		}
		if outcome != outcomeDelivered {
			span.SetStatus(codes.Error, outcome)
		}
		span.End()
	}
}

// outcomeDelivered is the dispatcher's word for success.
const outcomeDelivered = "delivered"
