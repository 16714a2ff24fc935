package server

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kithchat/kith/internal/relation"
)

// appSeries keeps the series of apps: an app has some only while it exists, also when an attempt of it ends after its deletion.
type appSeries struct {
	of []seriesOfApps // not changed later

	mu     sync.RWMutex
	labels map[uint32]string
}

// seriesOfApps have the label sdkappid.
type seriesOfApps interface {
	prometheus.Collector
	DeletePartialMatch(labels prometheus.Labels) int
}

// set says which apps exist, and drops the series of others.
func (s *appSeries) set(all []*relation.App) {
	labels := make(map[uint32]string, len(all))
	for _, app := range all {
		labels[app.SDKAppID] = appLabel(app.SDKAppID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, label := range s.labels {
		if _, exists := labels[id]; exists {
			continue
		}
		for _, series := range s.of {
			series.DeletePartialMatch(prometheus.Labels{"sdkappid": label})
		}
	}
	s.labels = labels
}

// with calls count with the app's label, if the app exists.
func (s *appSeries) with(sdkAppID uint32, count func(label string)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if label, exists := s.labels[sdkAppID]; exists {
		count(label)
	}
}

// has reports whether the app exists.
func (s *appSeries) has(sdkAppID uint32) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, exists := s.labels[sdkAppID]
	return exists
}

// each calls f with each app that exists, and its label.
func (s *appSeries) each(f func(sdkAppID uint32, label string)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for id, label := range s.labels {
		f(id, label)
	}
}
