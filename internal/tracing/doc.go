// Package tracing follows calls to the attempts of their callbacks, as OpenTelemetry spans that go to a collector by OTLP over
// HTTP. What a span tells is what an operator may see: app, command, code, number of accounts, event id, outcome. Accounts,
// tickets, tokens and bodies are in none.
//
// Whether a call is followed is decided when it begins: by its caller, if the caller sent a traceparent, else by lot. What
// comes of a call that is not followed is not followed either, and costs nothing. The traceparent of one that is travels with
// its events, through the store, so that a trace goes on in whichever process makes the attempt.
//
// Spans that cannot be sent are lost, never waited for: at most Queue of them are in memory. Failures are logged once in a
// while. A Tracer works from New to Stop, and is safe for concurrent use; after Stop spans go nowhere. It sets nothing global.
//
// Of the environment, OTEL_EXPORTER_OTLP_HEADERS (say, a token that the collector wants), OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES count, and the usual variables of proxies.
package tracing
