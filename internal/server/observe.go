package server

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/dispatch"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// Observe implements restapi.Metrics.
func (m *metrics) Observe(command string, code api.Code, took time.Duration) {
	m.requests.WithLabelValues(command, strconv.Itoa(int(code))).Inc()
	m.requestSeconds.WithLabelValues(command).Observe(took.Seconds())
}

// Call implements gateway.Metrics.
func (m *metrics) Call(method string, code api.Code, took time.Duration) {
	m.gatewayCalls.WithLabelValues(method, strconv.Itoa(int(code))).Inc()
	m.gatewayCallSeconds.WithLabelValues(method).Observe(took.Seconds())
}

// Ended implements gateway.Metrics.
func (m *metrics) Ended(why api.Refusal) { m.gatewayEnds.WithLabelValues(strconv.Itoa(int(why))).Inc() }

// Pushed implements gateway.Metrics.
func (m *metrics) Pushed() { m.gatewayPushes.Inc() }

// Attempt implements dispatch.Metrics.
func (m *metrics) Attempt(sdkAppID uint32, kind relation.EventKind, outcome string, took time.Duration, reused bool) {
	m.apps.with(sdkAppID, func(app string) {
		m.attempts.WithLabelValues(app, string(kind), outcome).Inc()
		if reused {
			m.reused.WithLabelValues(app).Inc()
		}
	})
	m.attemptSeconds.WithLabelValues(string(kind)).Observe(took.Seconds())
}

// Retried implements dispatch.Metrics.
func (m *metrics) Retried(sdkAppID uint32, kind relation.EventKind) {
	m.apps.with(sdkAppID, func(app string) { m.retries.WithLabelValues(app, string(kind)).Inc() })
}

// Dead implements dispatch.Metrics.
func (m *metrics) Dead(sdkAppID uint32, kind relation.EventKind, reason dispatch.Reason) {
	m.apps.with(sdkAppID, func(app string) { m.deaths.WithLabelValues(app, string(kind), string(reason)).Inc() })
}

// FirstByte implements dispatch.Metrics.
func (m *metrics) FirstByte(sdkAppID uint32, after time.Duration) {
	m.apps.with(sdkAppID, func(app string) { m.firstByte.WithLabelValues(app).Observe(after.Seconds()) })
}

// batch takes note of a group commit.
func (m *metrics) batch(b store.Batch) {
	if b.Err != nil {
		m.commits.WithLabelValues("failed").Inc()
		return
	}
	m.commits.WithLabelValues("ok").Inc()
	m.commitSeconds.Observe(b.Took.Seconds())
	if b.Calls > 0 {
		m.commitCalls.Observe(float64(b.Calls))
	}
	if b.Verdicts > 0 {
		m.commitVerdicts.Observe(float64(b.Verdicts))
	}
}

// exported takes note of spans that were sent or lost.
func (m *metrics) exported(spans int, sent bool) {
	result := "sent"
	if !sent {
		result = "lost"
	}
	m.traceSpans.WithLabelValues(result).Add(float64(spans))
}

// forgotten takes note of delivered events that the record keeps no longer: they were too old, or had no room.
func (m *metrics) forgotten(events int, crowded bool) {
	cause := "age"
	if crowded {
		cause = "size"
	}
	m.forgottenRecords.WithLabelValues(cause).Add(float64(events))
}

// timedOutbox measures how long verdicts take to become durable.
type timedOutbox struct {
	relation.Outbox
	seconds prometheus.Observer
}

// Settle implements relation.Outbox.
func (o timedOutbox) Settle(ctx context.Context, settlements []relation.Settlement) ([]relation.EventKey, error) {
	start := time.Now()
	next, err := o.Outbox.Settle(ctx, settlements)
	if err == nil {
		o.seconds.Observe(time.Since(start).Seconds())
	}
	return next, err
}
