package server

import (
	"net/http"
	"runtime"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
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

	apps           appSeries
	attempts       *prometheus.CounterVec   // sdkappid, command, outcome
	reused         *prometheus.CounterVec   // sdkappid
	retries        *prometheus.CounterVec   // sdkappid, command
	deaths         *prometheus.CounterVec   // sdkappid, command, reason
	attemptSeconds *prometheus.HistogramVec // command
	firstByte      *prometheus.HistogramVec // sdkappid
	settleSeconds  prometheus.Histogram

	forgottenRecords *prometheus.CounterVec // cause

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
		reused:             counters("kith_callback_reused_attempts_total", "Callback attempts over a connection that was there already, by app.", "sdkappid"),
		retries:            counters("kith_callback_retries_total", "Failed attempts after which the event is tried again, by app and command.", "sdkappid", "command"),
		deaths:             counters("kith_callback_dead_total", "Events given up, by app, command and reason of the last attempt.", "sdkappid", "command", "reason"),
		attemptSeconds:     histograms("kith_callback_attempt_seconds", "Time of a callback attempt.", "command"),
		firstByte:          histograms("kith_callback_latency_seconds", "Time from commit to the first attempt's first byte, by app.", "sdkappid"),
		settleSeconds:      histogram("kith_callback_settle_seconds", "Time to make a batch of verdicts about events durable.", latencies),
		forgottenRecords:   counters("kith_record_forgotten_total", "Delivered events removed from the record, by cause: age (record-retention) or size (record-size).", "cause"),
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
		m.reused, m.retries, m.deaths, m.settleSeconds,
		m.forgottenRecords, m.traceSpans, m.commits, m.commitSeconds, m.commitCalls, m.commitVerdicts, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	for _, result := range []string{"ok", "failed"} {
		m.commits.WithLabelValues(result)
	}
	for _, cause := range []string{"age", "size"} {
		m.forgottenRecords.WithLabelValues(cause)
	}
	for _, result := range []string{"sent", "lost"} {
		m.traceSpans.WithLabelValues(result)
	}
	m.apps.of = []seriesOfApps{m.attempts, m.reused, m.retries, m.deaths, m.firstByte}
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

// handler answers /metrics. Figures that cannot be read are left out, and counted: the others are wanted most when the
// database is not there.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Registry: m.registry})
}

func appLabel(sdkAppID uint32) string { return strconv.FormatUint(uint64(sdkAppID), 10) }
