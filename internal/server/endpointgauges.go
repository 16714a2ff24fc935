package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kithchat/kith/internal/relation"
)

// endpointReader says how each app's endpoint does. The dispatcher does.
type endpointReader interface {
	Endpoints() []relation.EndpointStatus
}

var (
	endpointState     = perApp("kith_endpoint_state", "1 for the state that an app's callback endpoint is in, 0 for the others.", "state")
	endpointSince     = perApp("kith_endpoint_state_since_timestamp_seconds", "When an app's callback endpoint came into its state, in Unix seconds; the start of the process if it has always been in it.")
	endpointLimit     = perApp("kith_endpoint_limit", "Attempts that may be under way at an app's callback endpoint now, by its health.")
	endpointInFlight  = perApp("kith_endpoint_in_flight", "Attempts under way at an app's callback endpoint.")
	endpointListeners = perApp("kith_endpoint_listeners", "Listeners that receive an app's callbacks through the operator API.")
)

// endpointStates are all states, in the order of their names.
var endpointStates = []relation.EndpointState{
	relation.EndpointFailing, relation.EndpointHealthy, relation.EndpointOff, relation.EndpointPaused, relation.EndpointRecovering,
}

// endpointCollector reads the endpoints' states at each scrape.
type endpointCollector struct {
	apps      *appSeries
	endpoints endpointReader
}

// Describe implements prometheus.Collector.
func (c endpointCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{endpointState, endpointSince, endpointLimit, endpointInFlight, endpointListeners} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c endpointCollector) Collect(out chan<- prometheus.Metric) {
	for _, s := range c.endpoints.Endpoints() {
		if !c.apps.has(s.SDKAppID) {
			continue
		}
		app := appLabel(s.SDKAppID)
		for _, state := range endpointStates {
			out <- figure(endpointState, truth(state == s.State), app, string(state))
		}
		out <- figure(endpointSince, float64(s.Since.Unix()), app)
		out <- figure(endpointLimit, float64(s.Limit), app)
		out <- figure(endpointInFlight, float64(s.InFlight), app)
		out <- figure(endpointListeners, float64(s.Listeners), app)
	}
}

// watcherReader counts who watches attempts. The dispatcher does.
type watcherReader interface {
	// Watchers returns how many watch now, and how many activities were not told since the start because one fell behind.
	Watchers() (now int, lost int64)
}

// watchDispatcher adds what the dispatcher says of endpoints and watchers.
func (m *metrics) watchDispatcher(d interface {
	endpointReader
	watcherReader
},
) {
	m.registry.MustRegister(
		endpointCollector{&m.apps, d},
		gauge("kith_watchers", "Operators who watch attempts.", func() float64 {
			now, _ := d.Watchers()
			return float64(now)
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "kith_watch_lost_total", Help: "Attempts that were not told to a watcher because it fell behind.",
		}, func() float64 {
			_, lost := d.Watchers()
			return float64(lost)
		}),
	)
}
