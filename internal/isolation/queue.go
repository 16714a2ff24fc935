package isolation

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"
)

// runQueue tells how many goroutines that could run waited for each processor, on average since it was last asked: what they
// waited in all, by the time that passed. One goroutine at a time may use it.
type runQueue struct {
	sample []metrics.Sample
	counts []uint64
	asked  time.Time
}

// runQueueSampled: the Go runtime measures the wait of one in eight.
const runQueueSampled = 8

func newRunQueue() *runQueue {
	return &runQueue{sample: []metrics.Sample{{Name: "/sched/latencies:seconds"}}}
}

// length is 0 when it is asked for the first time, or when the runtime does not know.
func (q *runQueue) length() float64 {
	now := time.Now()
	metrics.Read(q.sample)
	if q.sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	h := q.sample[0].Value.Float64Histogram()
	waited := 0.0
	if len(q.counts) == len(h.Counts) {
		for i, n := range h.Counts {
			if n -= q.counts[i]; n > 0 {
				waited += float64(n) * middle(h.Buckets[i], h.Buckets[i+1])
			}
		}
	}
	q.counts = append(q.counts[:0], h.Counts...)
	passed := now.Sub(q.asked).Seconds()
	first := q.asked.IsZero()
	q.asked = now
	if first || passed <= 0 {
		return 0
	}
	return runQueueSampled * waited / passed / float64(runtime.GOMAXPROCS(0))
}

// middle is what a value between two bounds is taken for.
func middle(low, high float64) float64 {
	switch {
	case math.IsInf(low, -1):
		return high
	case math.IsInf(high, 1):
		return low
	}
	return (low + high) / 2
}
