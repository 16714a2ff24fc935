package operator

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/relation"
)

// OutboxReader is the view of relation.Outbox that the handler needs.
type OutboxReader interface {
	// OutboxStats describes the outbox of each app that has anything in it.
	OutboxStats(context.Context) ([]relation.OutboxStats, error)
}

// Options says what the handler works with. Registry, Outbox and Token are required.
type Options struct {
	Registry *apps.Registry
	Outbox   OutboxReader
	// Records, Replays, Exporter and Delivery are what is known and can be done about events. What is nil is answered as
	// unsupported.
	Records  relation.Records
	Replays  relation.Replays
	Exporter relation.Exporter
	Delivery Delivery
	// Token is what callers must present. While it is empty, every call that needs it is refused.
	Token string
	// TestCallback sends a test to the app's endpoint and reports what came of it. An error means that no attempt could
	// be made. Nil: tests are answered as unsupported.
	TestCallback func(context.Context, *relation.App) (CallbackReport, error)
	// Trigger sends a marked test callback to the app's endpoint, or whoever listens instead, and reports what came of it.
	// Errors and nil as for TestCallback.
	Trigger func(context.Context, *relation.App, relation.Trigger) (CallbackReport, error)
	// Heartbeat is how often a stream on which nothing happens shows that it is there; 0: DefaultHeartbeat.
	Heartbeat time.Duration
	// LineTimeout is how long the reader of a stream may take for a line. One that takes longer is cut off, so that it holds
	// up nothing; 0: DefaultLineTimeout.
	LineTimeout time.Duration
	// BodyTimeout is how long the body of a request may take to arrive; 0: DefaultBodyTimeout.
	BodyTimeout time.Duration
	// MaxStreams is how many streams can be open at a time; 0: DefaultMaxStreams. The tokens of one app get a fifth of them, and
	// those of all apps four fifths.
	MaxStreams int
	// CA returns the certificate of the CA that issues client certificates, in PEM. Nil: this server has none.
	CA func() string
	// KickedAt returns when the account was last kicked in Unix seconds, 0 for never. Nil: checks of UserSigs do not
	// look at kicks.
	KickedAt func(ctx context.Context, sdkAppID uint32, userID string) (int64, error)
	// Backup writes a consistent copy of the database. Nil: the engine has tools of its own for it.
	Backup func(context.Context, io.Writer) error
	// Metrics answers /metrics; nil: there are none.
	Metrics http.Handler
	// Ready returns why the server cannot serve now, or nil. A nil Ready is always ready.
	Ready func() error
	// Settings is the effective configuration, secrets replaced.
	Settings []config.Setting
	Version  string
	// Started is when the server started, for the status.
	Started time.Time
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	Log *slog.Logger // nil: discard
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = DefaultHeartbeat
	}
	if o.LineTimeout <= 0 {
		o.LineTimeout = DefaultLineTimeout
	}
	if o.BodyTimeout <= 0 {
		o.BodyTimeout = DefaultBodyTimeout
	}
	if o.MaxStreams <= 0 {
		o.MaxStreams = DefaultMaxStreams
	}
	return o
}
