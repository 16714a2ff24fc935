package gateway

import (
	"context"
	"log/slog"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/clientip"
	"github.com/kithchat/kith/internal/relation"
)

// Defaults of Options.
const (
	DefaultMaxFrame     = 128 << 10 // a call with 1000 targets has 40 KiB
	DefaultMaxQueue     = 256 << 10
	DefaultRate         = 20
	DefaultMaxSessions  = 20
	DefaultMaxAddress   = 2000
	DefaultLoginTimeout = 10 * time.Second
	DefaultHeartbeat    = 25 * time.Second
	DefaultGrace        = 10 * time.Second
	DefaultSpread       = 30 * time.Second
	DefaultCallTimeout  = 3 * time.Second
	DefaultHistory      = 64 << 20
)

// Apps finds the record of an app. A record is shared and never changed; a changed app has a new one.
type Apps interface {
	App(sdkAppID uint32) (*relation.App, bool)
}

// Store is what the gateway reads besides what Service does.
type Store interface {
	// Online calls each with every recorded device; relation.Store has it.
	Online(ctx context.Context, each func(relation.OnlineDevice)) error
	// OnlineOf returns the recorded devices of one account.
	OnlineOf(ctx context.Context, key relation.AccountKey) ([]relation.Device, error)
}

// Metrics counts. method is one of api's methods, "login" included, or "unknown".
type Metrics interface {
	// Call reports a call that was answered, with code 0 for success.
	Call(method string, code api.Code, took time.Duration)
	// Ended reports the end of a connection. why is the refusal, or 0 when the client closed it or it was lost.
	Ended(why api.Refusal)
	// Pushed reports one frame that was queued for a device without being asked for.
	Pushed()
}

// Options are the parts and settings of a Gateway. Service, Apps, Auth and Store are required; of the numbers, 0 means the
// default.
type Options struct {
	Service *relation.Service
	Apps    Apps
	Auth    *auth.Verifier
	Store   Store
	// Proxies finds the address of a client; its zero value trusts no proxy.
	Proxies clientip.Resolver
	Log     *slog.Logger     // nil: discard
	Now     func() time.Time // nil: time.Now. Timers use the process's own clock.
	Metrics Metrics          // nil: none
	Tracer  Tracer           // nil: no call is followed
	// Isolation says when a call of a session may begin; at once when nil.
	Isolation Isolation

	MaxFrame     int64         // largest frame that is read, in bytes
	MaxQueue     int           // most bytes that wait to be written on one connection
	Rate         float64       // calls a second on one connection, with bursts of twice as many
	MaxSessions  int           // connected devices of one user
	MaxAddress   int           // connections from one address; negative: no limit
	LoginTimeout time.Duration // from connection to login
	Heartbeat    time.Duration // a client sends something at least this often; the server waits two and a half times as long
	Grace        time.Duration // how long a lost device may take to come back before its Disconnect is told
	Spread       time.Duration // over how long clients come back after a stop at most; after a start Grace is longer by it
	CallTimeout  time.Duration // for one call
	History      int64         // bytes of list changes that are kept for devices that resume
	Compress     bool          // offer permessage-deflate to clients
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
	if o.Isolation == nil {
		o.Isolation = noIsolation{}
	}
	setDefault(&o.MaxFrame, DefaultMaxFrame)
	setDefault(&o.MaxQueue, DefaultMaxQueue)
	setDefault(&o.Rate, DefaultRate)
	setDefault(&o.MaxSessions, DefaultMaxSessions)
	setDefault(&o.MaxAddress, DefaultMaxAddress)
	setDefault(&o.LoginTimeout, DefaultLoginTimeout)
	setDefault(&o.Heartbeat, DefaultHeartbeat)
	setDefault(&o.Grace, DefaultGrace)
	setDefault(&o.Spread, DefaultSpread)
	setDefault(&o.CallTimeout, DefaultCallTimeout)
	setDefault(&o.History, DefaultHistory)
	return o
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

type noMetrics struct{}

func (noMetrics) Call(string, api.Code, time.Duration) {}
func (noMetrics) Ended(api.Refusal)                    {}
func (noMetrics) Pushed()                              {}

// Isolation says when a call of an app may begin, so that one app's flood does not slow others down.
type Isolation interface {
	// Enter waits until it may, and fails with the error of ctx when that ends first. After a nil, Leave is called.
	Enter(ctx context.Context, sdkAppID uint32) error
	Leave(sdkAppID uint32)
}

type noIsolation struct{}

func (noIsolation) Enter(context.Context, uint32) error { return nil }

func (noIsolation) Leave(uint32) {}
