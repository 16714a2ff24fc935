package server

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/dispatch"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// latencies are the buckets of histograms of seconds: from a tenth of a millisecond to ten seconds.
var latencies = []float64{.0001, .0002, .0003, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}

// metrics is what /metrics shows, in a registry of its own. Every label has a bounded set of values: names of commands
// and codes are those of the wire contract, apps are those that exist.
type metrics struct {
	registry *prometheus.Registry

	requests       *prometheus.CounterVec   // command, code
	requestSeconds *prometheus.HistogramVec // command

	gatewayCalls       *prometheus.CounterVec   // method, code
	gatewayCallSeconds *prometheus.HistogramVec // method
	gatewayEnds        *prometheus.CounterVec   // refusal
	gatewayPushes      prometheus.Counter

	attempts       *prometheus.CounterVec   // sdkappid, command, outcome
	attemptSeconds *prometheus.HistogramVec // command
	firstByte      *prometheus.HistogramVec // command

	traceSpans *prometheus.CounterVec // result

	commits        *prometheus.CounterVec // result
	commitSeconds  prometheus.Histogram
	commitCalls    prometheus.Histogram
	commitVerdicts prometheus.Histogram
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry:           prometheus.NewRegistry(),
		requests:           counters("kith_rest_requests_total", "REST API calls answered, by command and ErrorCode.", "command", "code"),
		requestSeconds:     histograms("kith_rest_request_seconds", "Time to answer a REST API call.", "command"),
		gatewayCalls:       counters("kith_gateway_calls_total", "Gateway calls answered, by method and code.", "method", "code"),
		gatewayCallSeconds: histograms("kith_gateway_call_seconds", "Time to answer a gateway call.", "method"),
		gatewayEnds:        counters("kith_gateway_ended_total", "Gateway connections that ended, by refusal; 0 when the client closed it or it was lost.", "refusal"),
		gatewayPushes:      prometheus.NewCounter(prometheus.CounterOpts{Name: "kith_gateway_pushes_total", Help: "List changes told to devices."}),
		attempts:           counters("kith_callback_attempts_total", "Callback attempts, by app, command and outcome: delivered, or the reason of the failure.", "sdkappid", "command", "outcome"),
		attemptSeconds:     histograms("kith_callback_attempt_seconds", "Time of a callback attempt.", "command"),
		firstByte:          histograms("kith_callback_latency_seconds", "Time from commit to the first attempt's first byte.", "command"),
		traceSpans:         counters("kith_trace_spans_total", "Spans of traces, by result: sent to the collector, or lost.", "result"),
		commits:            counters("kith_store_commits_total", "Group commits, by result: ok or failed.", "result"),
		commitSeconds:      histogram("kith_store_commit_seconds", "Time of a group commit.", latencies),
		commitCalls:        histogram("kith_store_commit_calls", "Calls merged into one commit.", prometheus.ExponentialBuckets(1, 2, 10)),
		commitVerdicts:     histogram("kith_store_commit_verdicts", "Callback verdicts merged into one commit.", prometheus.ExponentialBuckets(1, 2, 10)),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "kith_build_info", Help: "1, with the version as labels.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(
		m.gatewayCalls, m.gatewayCallSeconds, m.gatewayEnds, m.gatewayPushes,
		m.requests, m.requestSeconds, m.attempts, m.attemptSeconds, m.firstByte,
		m.traceSpans, m.commits, m.commitSeconds, m.commitCalls, m.commitVerdicts, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histograms(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: latencies}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

// handler answers /metrics.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

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
func (m *metrics) Attempt(sdkAppID uint32, kind relation.EventKind, outcome string, took time.Duration, _ bool) {
	m.attempts.WithLabelValues(appLabel(sdkAppID), string(kind), outcome).Inc()
	m.attemptSeconds.WithLabelValues(string(kind)).Observe(took.Seconds())
}

// Retried implements dispatch.Metrics.
func (m *metrics) Retried(uint32, relation.EventKind) {}

// Dead implements dispatch.Metrics.
func (m *metrics) Dead(uint32, relation.EventKind, dispatch.Reason) {}

// FirstByte implements dispatch.Metrics.
func (m *metrics) FirstByte(_ uint32, kind relation.EventKind, after time.Duration) {
	m.firstByte.WithLabelValues(string(kind)).Observe(after.Seconds())
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

func appLabel(sdkAppID uint32) string { return strconv.FormatUint(uint64(sdkAppID), 10) }
