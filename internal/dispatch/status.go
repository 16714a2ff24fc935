package dispatch

import (
	"cmp"
	"slices"

	"github.com/kithchat/kith/internal/relation"
)

// Endpoints says how each app's endpoint does, in order of SDKAppID. Before Start there is none.
func (d *Dispatcher) Endpoints() []relation.EndpointStatus {
	endpoints := *d.endpoints.Load()
	all := make([]relation.EndpointStatus, 0, len(endpoints))
	for _, e := range endpoints {
		all = append(all, e.status())
	}
	slices.SortFunc(all, func(a, b relation.EndpointStatus) int { return cmp.Compare(a.SDKAppID, b.SDKAppID) })
	return all
}

// Endpoint says how an app's endpoint does. It reports false when there is no such app.
func (d *Dispatcher) Endpoint(sdkAppID uint32) (relation.EndpointStatus, bool) {
	e := (*d.endpoints.Load())[sdkAppID]
	if e == nil {
		return relation.EndpointStatus{}, false
	}
	return e.status(), true
}

func (e *endpoint) status() relation.EndpointStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := relation.EndpointStatus{SDKAppID: e.sdkAppID, InFlight: e.workers - e.waiting}
	switch pause := e.state.pause(); {
	case e.state.settings.off():
		s.State, s.Since = relation.EndpointOff, e.state.since
	case pause != nil:
		s.State, s.Since, s.Reason = relation.EndpointPaused, pause.Since, pause.Reason
	case e.route == nil:
		s.State, s.Since, s.Reason = relation.EndpointOff, e.state.since, "the callback URL cannot be called"
	default:
		s.State, s.Since, s.Reason = e.circuit.state, e.circuit.since, e.circuit.reason
		s.Limit = e.limit.at()
	}
	if s.Since.IsZero() {
		s.Since = e.began
	}
	e.recent.report(&s, e.d.o.Now())
	if e.state.settings.listen {
		s.Listeners = e.d.hubOf(e.sdkAppID).count()
	}
	if s.State == relation.EndpointFailing {
		s.Limit, s.NextProbe = 1, e.circuit.probeAt
	}
	return s
}
