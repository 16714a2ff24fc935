package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	// Queue is how many spans wait to be sent at most.
	Queue = 4096
	// batch is how many are sent in one request at most.
	batch = 512
	// exportTimeout is the time to send a batch, repeated tries included.
	exportTimeout = 10 * time.Second
)

// stopTimeout is how long Stop tries to send what waits. Only tests change it.
var stopTimeout = 3 * time.Second

// Options says where spans go and which there are. Endpoint is required.
type Options struct {
	// Endpoint is the collector's URL. Without a path, /v1/traces is meant.
	Endpoint string
	// Sample is the share of calls that are followed, 0 to 1, of those whose caller has not decided.
	Sample float64
	// Version and Node are told as service.version and service.instance.id; empty: left out.
	Version, Node string
	Log           *slog.Logger     // nil: discard
	Now           func() time.Time // nil: time.Now
	// Linger is how long a span waits for others that are sent with it; 0: a second.
	Linger time.Duration
	// Exported is told how many spans were sent, or lost; nil: nobody is.
	Exported func(spans int, sent bool)
}

// Tracer makes spans and sends them. Make one with New.
type Tracer struct {
	sample   float64
	now      func() time.Time
	provider *sdktrace.TracerProvider
	spans    trace.Tracer
	queue    *queue
	sender   *sender
	client   *client
}

// New returns a Tracer. Whether the collector is there shows only when spans are sent.
func New(ctx context.Context, o Options) (*Tracer, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Exported == nil {
		o.Exported = func(int, bool) {}
	}
	if o.Linger <= 0 {
		o.Linger = time.Second
	}
	client, err := newClient(o.Endpoint)
	if err != nil {
		return nil, err
	}
	about, err := about(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES cannot be read; write it as name=value,name=value: %w", err)
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, err
	}
	s := &sender{SpanExporter: exporter, log: o.Log, now: o.Now, exported: o.Exported}
	q := &queue{room: Queue, exported: o.Exported}
	s.taken = q.taken
	q.SpanProcessor = sdktrace.NewBatchSpanProcessor(s,
		sdktrace.WithMaxQueueSize(Queue), sdktrace.WithMaxExportBatchSize(batch),
		sdktrace.WithBatchTimeout(o.Linger), sdktrace.WithExportTimeout(exportTimeout))
	t := &Tracer{sample: o.Sample, now: o.Now, queue: q, sender: s, client: client}
	t.provider = sdktrace.NewTracerProvider(
		sdktrace.WithResource(about), sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithSpanProcessor(q))
	t.spans = t.provider.Tracer("github.com/kithchat/kith")
	return t, nil
}

// about says what makes the spans. What the environment says goes first.
func about(ctx context.Context, o Options) (*resource.Resource, error) {
	facts := []attribute.KeyValue{attribute.String("service.name", "kith")}
	if o.Version != "" {
		facts = append(facts, attribute.String("service.version", o.Version))
	}
	if o.Node != "" {
		facts = append(facts, attribute.String("service.instance.id", o.Node))
	}
	return resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(facts...), resource.WithFromEnv())
}

// chosen decides by lot whether a call is followed whose caller has not decided.
func (t *Tracer) chosen() bool { return rand.Float64() < t.sample }

// Stop sends what waits, for a few seconds and as long as ctx lasts, and ends the Tracer. It may be called twice.
func (t *Tracer) Stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	t.client.end()
	err := t.queue.Shutdown(ctx) // not the provider's: it does nothing when ctx has ended already
	t.sender.stop(err)
	_ = t.provider.Shutdown(context.WithoutCancel(ctx)) // makes no more spans; the queue is stopped
}
