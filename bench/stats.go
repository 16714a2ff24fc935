package main

import (
	"math"
	"slices"
)

// quantiles sorts values and returns the value at each q (0 to 1): the smallest that at least that part of all values do
// not exceed. Without values all are 0.
func quantiles(values []int64, qs ...float64) []int64 {
	out := make([]int64, len(qs))
	if len(values) == 0 {
		return out
	}
	slices.Sort(values)
	for i, q := range qs {
		rank := int(math.Ceil(q*float64(len(values)))) - 1
		out[i] = values[min(max(rank, 0), len(values)-1)]
	}
	return out
}

// median returns the middle of the values, 0 without values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
