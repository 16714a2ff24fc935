package dispatch

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// trial is an attempt that ended.
type trial struct {
	outcome      Outcome
	began, ended time.Time
	random       float64       // in [0,1), for the jitter
	ownWait      time.Duration // how long to wait after a fault of our own
	record       relation.Attempt
	sent         outgoing
}

// took is how long the attempt took; a clock that was set back made it take no time.
func (t trial) took() time.Duration { return max(0, t.ended.Sub(t.began)) }

// attempt sends a message of an event once and says what came of it, with what the record keeps. It reports false when ctx
// ended first: then nothing is known of the endpoint.
func (d *Dispatcher) attempt(ctx context.Context, r *route, e *queued, m message) (trial, bool) {
	var reused atomic.Bool // the transport may get a connection after the attempt has ended
	t := trial{began: d.o.Now()}
	ctx, traceparent, end := d.o.Tracer.StartAttempt(ctx, &e.Event, m.replay)
	m.traceparent = traceparent
	trace := httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		reused.Store(i.Reused)
		if e.Attempts == 0 && m.replay == "" {
			d.o.Metrics.FirstByte(r.sdkAppID, max(0, d.o.Now().Sub(e.committed())))
		}
	}}
	t.sent = r.compose(m, t.began)
	a, err := r.send(httptrace.WithClientTrace(ctx, &trace), t.sent)
	if ctx.Err() != nil {
		end(Outcome{Reason: ReasonLocal, Detail: "broken off", Ours: true})
		return trial{}, false
	}
	t.ended, t.random = d.o.Now(), d.o.Random()
	t.outcome = r.policy.accept(classify(a, err, t.ended))
	end(t.outcome)
	d.o.Metrics.Attempt(r.sdkAppID, e.Kind, t.outcome.Label(), t.took(), reused.Load())
	t.record = d.recordOf(r, m, t, a)
	return t, true
}

// recordOf is what the record keeps of an attempt.
func (d *Dispatcher) recordOf(r *route, m message, t trial, a *answer) relation.Attempt {
	o := t.outcome
	return relation.Attempt{
		Number: m.attempt, At: t.began.Truncate(time.Microsecond), Took: t.took(), Status: o.Status,
		Reason: string(o.Reason), Detail: o.Detail, Answer: excerpt(a, r.secrets), Node: d.o.Node,
		Replay: m.replay, Fault: o.Ours,
	}
}

// tell tells whoever watches of an attempt and what was decided.
func (d *Dispatcher) tell(r *route, e *relation.Event, t trial, v relation.Verdict, due time.Time) {
	d.watches.tell(relation.Activity{
		Event: *e, Attempt: t.record, Verdict: v, Due: due, Endpoint: r.name(),
	}, t.sent)
}

// committed returns when the event was committed. The moment when the commit was reported is finer than Created.
func (q *queued) committed() time.Time {
	if q.offered.IsZero() {
		return q.Created
	}
	return q.offered
}

// Tracer follows attempts. Its methods are called from many goroutines and must be quick.
type Tracer interface {
	// StartAttempt begins an attempt. replay is the id of the replay that makes it, empty when none does. The context is
	// what the attempt runs under, traceparent what the app backend is sent as that header (empty: nothing), and end is
	// called once, with what came of it.
	StartAttempt(ctx context.Context, e *relation.Event, replay string) (_ context.Context, traceparent string, end func(Outcome))
}

type noTracer struct{}

func (noTracer) StartAttempt(ctx context.Context, _ *relation.Event, _ string) (context.Context, string, func(Outcome)) {
	return ctx, "", func(Outcome) {}
}
