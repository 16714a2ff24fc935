package tracing

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// quiet is how long after a log line about a collector that fails there is no other.
const quiet = 5 * time.Minute

// queue bounds the spans in memory: those that wait and those that are being sent. What finds no room is lost, and counted.
type queue struct {
	sdktrace.SpanProcessor
	room     int64
	held     atomic.Int64
	exported func(int, bool)
}

// OnEnd implements sdktrace.SpanProcessor.
func (q *queue) OnEnd(s sdktrace.ReadOnlySpan) {
	if q.held.Add(1) > q.room {
		q.held.Add(-1)
		q.exported(1, false)
		return
	}
	q.SpanProcessor.OnEnd(s)
}

// taken makes room for spans that were sent or lost.
func (q *queue) taken(spans int) { q.held.Add(-int64(spans)) }

// sender sends spans, and tells of failures instead of returning them: the library would print each.
type sender struct {
	sdktrace.SpanExporter
	log      *slog.Logger
	now      func() time.Time
	exported func(int, bool)
	taken    func(int)
	stopped  atomic.Bool

	mu     sync.Mutex
	failed time.Time // when a failure was logged last; zero while spans arrive
	lost   int       // since then
}

// ExportSpans implements sdktrace.SpanExporter.
func (s *sender) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := context.Canceled
	if !s.stopped.Load() {
		err = s.SpanExporter.ExportSpans(ctx, spans)
	}
	s.taken(len(spans))
	s.exported(len(spans), err == nil)
	s.tell(len(spans), err)
	return nil
}

// tell logs when sending fails, now and then while it does, and when it works again.
func (s *sender) tell(spans int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		if !s.failed.IsZero() {
			s.log.Info("traces are sent again", "lost", s.lost)
		}
		s.failed, s.lost = time.Time{}, 0
		return
	}
	s.lost += spans
	now := s.now()
	if s.stopped.Load() || !s.failed.IsZero() && now.Sub(s.failed) < quiet {
		return
	}
	s.failed = now
	s.log.Warn("traces cannot be sent and are lost; check trace-endpoint and the collector", "lost", s.lost, "error", err)
}

// stop cuts off what is still being sent after an unfinished Stop.
func (s *sender) stop(unfinished error) {
	s.stopped.Store(true)
	if unfinished == nil {
		return
	}
	_ = s.SpanExporter.Shutdown(context.Background()) // cuts off what is being sent; it returns no error
	s.log.Warn("traces that waited at the stop are lost")
}
