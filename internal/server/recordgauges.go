package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kithchat/kith/internal/relation"
)

// recordReader says how much of each app is kept. The store does.
type recordReader interface {
	RecordStats(ctx context.Context) ([]relation.RecordStats, error)
}

// replayReader lists the replays of all apps for 0. The store does.
type replayReader interface {
	Replays(ctx context.Context, sdkAppID uint32) ([]relation.Replay, error)
}

// readTimeout is how long a scrape waits for the store.
const readTimeout = 3 * time.Second

var (
	recordEvents = perApp("kith_record_events", "Delivered events that are kept.")
	recordBytes  = perApp("kith_record_bytes", "Size of the delivered events that are kept, about.")
	replayJobs   = perApp("kith_replays", "Replays that have not ended.", "state")
	replayEvents = perApp("kith_replay_events", "Events of replays that have not ended: delivered, failed, or left to do.", "result")
)

// recordCollector reads the record's counters at each scrape.
type recordCollector struct {
	apps    *appSeries
	records recordReader
}

// Describe implements prometheus.Collector.
func (c recordCollector) Describe(out chan<- *prometheus.Desc) {
	out <- recordEvents
	out <- recordBytes
}

// Collect implements prometheus.Collector.
func (c recordCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	stats, err := c.records.RecordStats(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(recordEvents, err)
		return
	}
	for _, s := range stats {
		if c.apps.has(s.SDKAppID) {
			out <- figure(recordEvents, float64(s.Events), appLabel(s.SDKAppID))
			out <- figure(recordBytes, float64(s.Bytes), appLabel(s.SDKAppID))
		}
	}
}

// replayCollector reads the replays at each scrape.
type replayCollector struct {
	apps    *appSeries
	replays replayReader
}

// Describe implements prometheus.Collector.
func (c replayCollector) Describe(out chan<- *prometheus.Desc) {
	out <- replayJobs
	out <- replayEvents
}

// replaySum is what an app's open replays have done and have to do.
type replaySum struct{ running, paused, delivered, failed, left int64 }

// Collect implements prometheus.Collector.
func (c replayCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	all, err := c.replays.Replays(ctx, 0)
	if err != nil {
		out <- prometheus.NewInvalidMetric(replayJobs, err)
		return
	}
	sums := make(map[uint32]replaySum)
	for _, r := range all {
		if !r.State.Open() || !c.apps.has(r.SDKAppID) {
			continue
		}
		s := sums[r.SDKAppID]
		if r.State == relation.ReplayPaused {
			s.paused++
		} else {
			s.running++
		}
		s.delivered, s.failed = s.delivered+r.Delivered, s.failed+r.Failed
		s.left += max(0, r.Total-r.Delivered-r.Failed)
		sums[r.SDKAppID] = s
	}
	for id, s := range sums {
		app := appLabel(id)
		out <- figure(replayJobs, float64(s.running), app, string(relation.ReplayRunning))
		out <- figure(replayJobs, float64(s.paused), app, string(relation.ReplayPaused))
		out <- figure(replayEvents, float64(s.delivered), app, "delivered")
		out <- figure(replayEvents, float64(s.failed), app, "failed")
		out <- figure(replayEvents, float64(s.left), app, "left")
	}
}

// watchRecords adds what is kept of delivered events.
func (m *metrics) watchRecords(r recordReader, limit int64) {
	m.registry.MustRegister(
		recordCollector{&m.apps, r},
		gauge("kith_record_limit_bytes", "Most that the record of delivered events may take (record-size).", func() float64 {
			return float64(limit)
		}),
	)
}

// watchReplays adds how replays go on.
func (m *metrics) watchReplays(r replayReader) { m.registry.MustRegister(replayCollector{&m.apps, r}) }
