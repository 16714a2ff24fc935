package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/isolation"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

var (
	outboxWaiting = perApp("kith_outbox_events", "Events that wait to be delivered.")
	outboxAge     = perApp("kith_outbox_oldest_seconds", "Age of the oldest event that waits, 0 when none does.")
	outboxDead    = perApp("kith_outbox_dead_events", "Dead letters.")
)

// outboxCollector reads the outbox's counters at each scrape.
type outboxCollector struct {
	apps   *appSeries
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
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	stats, err := c.outbox.OutboxStats(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(outboxWaiting, err)
		return
	}
	waits := make(map[uint32]relation.OutboxStats, len(stats))
	for _, s := range stats {
		waits[s.SDKAppID] = s
	}
	// An app of which nothing waits has figures too, so that a rise from nothing is seen as one.
	c.apps.each(func(id uint32, app string) {
		s, age := waits[id], 0.0
		if !s.Oldest.IsZero() {
			age = max(0, c.now().Sub(s.Oldest).Seconds())
		}
		out <- figure(outboxWaiting, float64(s.Waiting), app)
		out <- figure(outboxAge, age, app)
		out <- figure(outboxDead, float64(s.Dead), app)
	})
}

// watchStore adds what is read from the store at each scrape.
func (m *metrics) watchStore(s *store.Store, now func() time.Time) {
	m.registry.MustRegister(
		outboxCollector{&m.apps, s, now},
		gauge("kith_store_size_bytes", "Size of the database on disk, write-ahead log included.", func() float64 {
			total, _ := s.Size()
			return float64(total)
		}),
		gauge("kith_store_wal_bytes", "Size of SQLite's write-ahead log.", func() float64 {
			_, wal := s.Size()
			return float64(wal)
		}),
		gauge("kith_store_ready", "1 while the store can commit.", func() float64 {
			return truth(s.Ready() == nil)
		}),
	)
}

var heldBack = perApp("kith_held_back_calls", "Calls that wait because their app floods while others are at work (isolate-apps).")

// heldBackCollector asks who is held back at each scrape.
type heldBackCollector struct {
	apps      *appSeries
	isolation *isolation.Isolation
}

// Describe implements prometheus.Collector.
func (c heldBackCollector) Describe(out chan<- *prometheus.Desc) { out <- heldBack }

// Collect implements prometheus.Collector.
func (c heldBackCollector) Collect(out chan<- prometheus.Metric) {
	held := c.isolation.Held()
	c.apps.each(func(id uint32, app string) { out <- figure(heldBack, float64(held[id]), app) })
}

// watchIsolation adds what is held back.
func (m *metrics) watchIsolation(s *isolation.Isolation) {
	m.registry.MustRegister(heldBackCollector{&m.apps, s})
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
	changed := func() { m.apps.set(registry.All()) }
	changed()
	registry.Watch(changed)
}

// perApp describes a series of each app.
func perApp(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"sdkappid"}, labels...), nil)
}

// gauge is a figure that is read at each scrape.
func gauge(name, help string, value func() float64) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

// figure is the present value of something.
func figure(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
