package dispatch

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/internal/relation"
)

// Defaults of Options.
const (
	// DefaultBudget is how long an event is tried, counted from its first failed attempt.
	DefaultBudget = 24 * time.Hour
	// DefaultMaxLanes is how many owners of one app can have events in memory.
	DefaultMaxLanes = 1024
	// DefaultMaxBytes is how many bytes of events one app can have in memory.
	DefaultMaxBytes = 8 << 20
)

// Apps is the view of the registry that the dispatcher needs. A returned App is shared and not changed.
type Apps interface {
	// All returns every app.
	All() []*relation.App
}

// Metrics receives figures. Its methods are called from many goroutines and must be quick.
type Metrics interface {
	// Attempt reports an attempt that ended. Outcome is "delivered" or the text of a Reason; reused says that it went over a
	// connection that was there already.
	Attempt(sdkAppID uint32, kind relation.EventKind, outcome string, took time.Duration, reused bool)
	// Retried reports that an event failed and is tried again, Dead that it was given up.
	Retried(sdkAppID uint32, kind relation.EventKind)
	Dead(sdkAppID uint32, kind relation.EventKind, reason Reason)
	// FirstByte reports the time from an event's commit to the moment when its first attempt had a connection and began
	// to write.
	FirstByte(sdkAppID uint32, after time.Duration)
}

// Options says what a Dispatcher works with. Outbox and Apps are required.
type Options struct {
	Outbox relation.Outbox
	Apps   Apps
	Log    *slog.Logger // nil: discard
	// Now is the clock; nil: time.Now. Timers always use the process's own clock.
	Now     func() time.Time
	Metrics Metrics // nil: none
	// Budget is how long after its first failed attempt an event is still retried, unless its app says otherwise; 0 means
	// DefaultBudget.
	Budget time.Duration
	// Pause writes into the app's record that its endpoint answered 410; nil: it is paused until its settings change or
	// Kith is restarted. It is called until it succeeds, and its success makes Apps.All return the new record. seen is App.Updated
	// of the record under which the endpoint was called. A record that was written since is left as it is, which counts as
	// success: it may be another URL's, or somebody has resumed the endpoint.
	Pause func(ctx context.Context, sdkAppID uint32, seen time.Time, pause relation.Pause) error
	// Node names this node in the record of attempts.
	Node string
	// Version goes into the User-Agent, as Kith/<Version>; empty means dev.
	Version string
	// MaxLanes bounds the owners of one app in memory; 0 means DefaultMaxLanes.
	MaxLanes int
	// MaxBytes bounds the events of one app in memory, in bytes; 0 means DefaultMaxBytes. One event always fits.
	MaxBytes int
	// Egress is how callbacks leave the machine; nil: to public addresses, without a proxy.
	Egress *egress.Egress
	// Replays are carried out while they run; nil: none are.
	Replays relation.Replays
	// Tracer follows attempts; nil: none.
	Tracer Tracer
	// Isolation says how soon an app may be told something, besides what its endpoint takes; nil: at once.
	Isolation Isolation
	// Random returns numbers in [0,1) for the jitter; nil: math/rand/v2.
	Random func() float64
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	if o.Budget <= 0 {
		o.Budget = DefaultBudget
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.MaxLanes <= 0 {
		o.MaxLanes = DefaultMaxLanes
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Egress == nil {
		o.Egress, _ = egress.New(egress.Options{}) // which cannot fail
	}
	if o.Isolation == nil {
		o.Isolation = noIsolation{}
	}
	if o.Tracer == nil {
		o.Tracer = noTracer{}
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return o
}

// Isolation keeps what goes out to one app from slowing down what is done for others.
type Isolation interface {
	// Attempt returns how long one more attempt has to wait before it begins. It reports false when enough of the app's wait already.
	// It is called with locks held and must be quick.
	Attempt(sdkAppID uint32) (wait time.Duration, ok bool)
}

type noIsolation struct{}

func (noIsolation) Attempt(uint32) (time.Duration, bool) { return 0, true }

type noMetrics struct{}

func (noMetrics) Attempt(uint32, relation.EventKind, string, time.Duration, bool) {}

func (noMetrics) Retried(uint32, relation.EventKind) {}

func (noMetrics) Dead(uint32, relation.EventKind, Reason) {}

func (noMetrics) FirstByte(uint32, time.Duration) {}
