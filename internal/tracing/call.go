package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/kithchat/kith/api"
)

// Names of what spans tell, besides those of OpenTelemetry's conventions.
const (
	keyAPI      = attribute.Key("kith.api") // rest or gateway
	keySDKAppID = attribute.Key("kith.sdkappid")
	keyCommand  = attribute.Key("kith.command")
	keyCode     = attribute.Key("kith.error_code")
	keyAccounts = attribute.Key("kith.accounts")
	keyEvent    = attribute.Key("kith.event")
	keyAttempt  = attribute.Key("kith.attempt")
	keyOutcome  = attribute.Key("kith.outcome")
	keyReplay   = attribute.Key("kith.replay")
	keyStatus   = attribute.Key("http.response.status_code")
)

// StartRequest implements restapi.Tracer.
func (t *Tracer) StartRequest(command, caller string) (own string, end func(sdkAppID uint32, code api.Code, accounts int)) {
	return t.startCall("rest", command, caller)
}

// StartCall implements gateway.Tracer. Clients of the gateway decide nothing about traces.
func (t *Tracer) StartCall(method string) (own string, end func(sdkAppID uint32, code api.Code, accounts int)) {
	return t.startCall("gateway", method, "")
}

func (t *Tracer) startCall(which, command, caller string) (own string, end func(sdkAppID uint32, code api.Code, accounts int)) {
	ctx := context.Background()
	if parent := parentOf(caller); parent.IsValid() {
		if !parent.IsSampled() {
			return "", nil
		}
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	} else if !t.chosen() {
		return "", nil
	}
	_, span := t.spans.Start(ctx, command, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(keyAPI.String(which), keyCommand.String(command)))
	return traceparent(span), func(sdkAppID uint32, code api.Code, accounts int) {
		span.SetAttributes(keyCode.Int(int(code)))
		if sdkAppID != 0 {
			span.SetAttributes(keySDKAppID.Int64(int64(sdkAppID)))
		}
		if accounts > 0 {
			span.SetAttributes(keyAccounts.Int(accounts))
		}
		if fault(code) {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// fault reports whether a code says that the server failed, not the caller.
func fault(code api.Code) bool {
	switch code {
	case api.CodeAccountInternal, api.CodeSnsInternal, api.CodeOpenimInternal, api.CodeServiceTimeout:
		return true
	}
	return false
}
