package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/store"
)

var (
	outboxWaiting = prometheus.NewDesc("kith_outbox_events", "Events that wait to be delivered.", []string{"sdkappid"}, nil)
	outboxAge     = prometheus.NewDesc("kith_outbox_oldest_seconds", "Age of the oldest event that waits.", []string{"sdkappid"}, nil)
	outboxDead    = prometheus.NewDesc("kith_outbox_dead_events", "Dead letters.", []string{"sdkappid"}, nil)
)

// outboxCollector reads the outbox's counters at each scrape.
type outboxCollector struct {
	outbox operator.OutboxReader
	now    func() time.Time
}

// Describe implements prometheus.Collector.
func (c outboxCollector) Describe(out chan<- *prometheus.Desc) {
	out <- outboxWaiting
	out <- outboxAge
	out <- outboxDead
}

// Collect implements prometheus.Collector.
func (c outboxCollector) Collect(out chan<- prometheus.Metric) {
	stats, err := c.outbox.OutboxStats(context.Background())
	if err != nil {
		out <- prometheus.NewInvalidMetric(outboxWaiting, err)
		return
	}
	for _, s := range stats {
		app, age := appLabel(s.SDKAppID), 0.0
		if !s.Oldest.IsZero() {
			age = max(0, c.now().Sub(s.Oldest).Seconds())
		}
		out <- prometheus.MustNewConstMetric(outboxWaiting, prometheus.GaugeValue, float64(s.Waiting), app)
		out <- prometheus.MustNewConstMetric(outboxAge, prometheus.GaugeValue, age, app)
		out <- prometheus.MustNewConstMetric(outboxDead, prometheus.GaugeValue, float64(s.Dead), app)
	}
}

// watchStore adds what is read from the store at each scrape.
func (m *metrics) watchStore(s *store.Store, now func() time.Time) {
	m.registry.MustRegister(
		outboxCollector{s, now},
		gauge("kith_store_size_bytes", "Size of the database on disk, write-ahead log included.", func() float64 {
			total, _ := s.Size()
			return float64(total)
		}),
		gauge("kith_store_wal_bytes", "Size of SQLite's write-ahead log.", func() float64 {
			_, wal := s.Size()
			return float64(wal)
		}),
		gauge("kith_store_ready", "1 while the store can commit.", func() float64 {
			if s.Ready() != nil {
				return 0
			}
			return 1
		}),
	)
}

// watchGateway adds the number of connections.
func (m *metrics) watchGateway(g *gateway.Gateway) {
	m.registry.MustRegister(gauge("kith_gateway_connections", "Gateway connections, logged in or not.", func() float64 {
		return float64(g.Connections())
	}))
}

// watchApps adds the number of apps, and drops the figures of an app when it is deleted.
func (m *metrics) watchApps(registry *apps.Registry) {
	m.registry.MustRegister(gauge("kith_apps", "Apps that exist.", func() float64 { return float64(len(registry.All())) }))
	known := make(chan map[uint32]bool, 1) // holds the apps of the last change; taken while it is compared
	known <- appSet(registry)
	registry.Watch(func() {
		before, now := <-known, appSet(registry)
		for id := range before {
			if !now[id] {
				m.attempts.DeletePartialMatch(prometheus.Labels{"sdkappid": appLabel(id)})
			}
		}
		known <- now
	})
}

func appSet(registry *apps.Registry) map[uint32]bool {
	set := make(map[uint32]bool)
	for _, app := range registry.All() {
		set[app.SDKAppID] = true
	}
	return set
}

func gauge(name, help string, value func() float64) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}
