package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// firstByteMetric is Kith's own histogram of seconds from an event's commit to its first byte on the way.
const firstByteMetric = "kith_callback_latency_seconds"

// histogram counts values up to each bound.
type histogram map[float64]float64

// firstBytes reads Kith's own histogram of the time from commit to first byte.
func (k *kith) firstBytes(ctx context.Context) (histogram, error) {
	text, err := k.metrics(ctx)
	if err != nil {
		return nil, err
	}
	return parseHistogram(text, firstByteMetric)
}

// parseHistogram adds up all series of a histogram in Prometheus' text format.
func parseHistogram(text, name string) (histogram, error) {
	h := histogram{}
	for line := range strings.Lines(text) {
		labels, ok := strings.CutPrefix(line, name+"_bucket{")
		if !ok {
			continue
		}
		labels, value, _ := strings.Cut(labels, "} ")
		_, le, ok := strings.Cut(labels, `le="`)
		if !ok {
			return nil, fmt.Errorf("%q has no bound", line)
		}
		le, _, _ = strings.Cut(le, `"`)
		bound, err := strconv.ParseFloat(le, 64)
		if err != nil {
			return nil, err
		}
		count, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return nil, err
		}
		h[bound] += count
	}
	return h, nil
}

// since returns what was counted after before.
func (h histogram) since(before histogram) histogram {
	d := maps.Clone(h)
	for bound, n := range before {
		d[bound] -= n
	}
	return d
}

// quantile returns the value at q, in a straight line between the bounds around it.
func (h histogram) quantile(q float64) float64 {
	bounds := slices.Sorted(maps.Keys(h))
	if len(bounds) == 0 || h[bounds[len(bounds)-1]] == 0 {
		return 0
	}
	rank := q * h[bounds[len(bounds)-1]]
	low, below := 0.0, 0.0
	for _, bound := range bounds {
		if h[bound] >= rank {
			if math.IsInf(bound, 1) {
				return low
			}
			return low + (bound-low)*(rank-below)/(h[bound]-below)
		}
		low, below = bound, h[bound]
	}
	return low
}
