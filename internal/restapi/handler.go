package restapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/clientip"
	"github.com/kithchat/kith/internal/relation"
)

// Defaults of Options.
const (
	// DefaultMaxBody is the largest body in bytes: 1 MiB.
	DefaultMaxBody = 1 << 20
	// DefaultCallTimeout is the server's time limit for a call, per the v4 REST docs.
	DefaultCallTimeout = 3 * time.Second
	// DefaultTicketCache is how many verified tickets are remembered.
	DefaultTicketCache = 10_000
)

// Kicks tells when an account was last kicked, in Unix seconds, 0 for never. relation.Store has it.
type Kicks interface {
	KickedAt(ctx context.Context, sdkAppID uint32, userID string) (int64, error)
}

// Presence tells which devices are connected now. It is asked once for each account of a call and must be quick.
type Presence interface {
	// Platforms returns the OptPlatform words of an account's devices; none: it is offline.
	Platforms(sdkAppID uint32, userID string) []string
}

// Metrics counts answers. command is the name alone, such as black_list_delete, or "unknown".
type Metrics interface {
	Observe(command string, code api.Code, took time.Duration)
}

// Options are the parts and settings of a Handler. Service, Apps and Kicks are required.
type Options struct {
	Service *relation.Service
	// Apps also tells by a new record that keys or admins changed, which voids remembered tickets.
	Apps  auth.Apps
	Kicks Kicks
	// Auth verifies tickets, of the same Apps; a Verifier of this Handler alone when nil. Share one with the gateway, so
	// that refused tickets count together.
	Auth *auth.Verifier
	// Presence knows who is online; everybody is offline when nil.
	Presence Presence
	// Log receives failures of the server; slog.Default() when nil.
	Log *slog.Logger
	// Now is the clock for tickets, rates and durations; time.Now when nil.
	Now func() time.Time
	// Metrics is told of each answer; nil means nobody is.
	Metrics Metrics
	// Tracer follows calls; nil: none are followed.
	Tracer Tracer
	// TrustedProxies are the peers whose X-Forwarded-For counts; none when empty.
	TrustedProxies []netip.Prefix
	// MaxBody is the largest body in bytes; 0 means DefaultMaxBody.
	MaxBody int64
	// CallTimeout is the time limit for carrying out a call; 0 means DefaultCallTimeout.
	CallTimeout time.Duration
	// Isolation says when a call may begin; at once when nil.
	Isolation Isolation
	// TicketCache is how many verified tickets are remembered; 0 means DefaultTicketCache.
	TicketCache int
}

// Handler serves the v4 REST API. Make one with New.
type Handler struct {
	service     *relation.Service
	apps        auth.Apps
	kicks       Kicks
	auth        *auth.Verifier
	presence    Presence
	log         *slog.Logger
	now         func() time.Time
	metrics     Metrics
	tracer      Tracer
	proxies     clientip.Resolver
	maxBody     int64
	callTimeout time.Duration

	commands  map[string]*command // by path
	tickets   *tickets
	rates     rates
	isolation Isolation
	calls     sync.WaitGroup
}

// New returns a Handler that serves all commands.
func New(o Options) *Handler {
	h := &Handler{
		service:     o.Service,
		apps:        o.Apps,
		kicks:       o.Kicks,
		auth:        o.Auth,
		presence:    o.Presence,
		log:         o.Log,
		now:         o.Now,
		metrics:     o.Metrics,
		tracer:      o.Tracer,
		proxies:     clientip.New(o.TrustedProxies),
		maxBody:     orDefault(o.MaxBody, DefaultMaxBody),
		callTimeout: orDefault(o.CallTimeout, DefaultCallTimeout),
		tickets:     newTickets(orDefault(o.TicketCache, DefaultTicketCache)),
	}
	if h.log == nil {
		h.log = slog.Default()
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.auth == nil {
		h.auth = auth.New(auth.Options{Apps: h.apps, Now: h.now})
	}
	if h.isolation = o.Isolation; h.isolation == nil {
		h.isolation = noIsolation{}
	}
	h.commands = byPath(h.table())
	return h
}

// orDefault returns v, or def for a v that was left out or makes no sense.
func orDefault[T int | int64 | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// Wait blocks until the calls that outlived their answer (60008) have ended. Call it after http.Server.Shutdown and
// before the store is closed.
func (h *Handler) Wait() { h.calls.Wait() }

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		setCORS(w.Header())
		w.WriteHeader(http.StatusNoContent)
		return
	}
	start := h.now()
	cmd := h.commands[r.URL.Path]
	if cmd == nil {
		cmd = unknownCommand
	}
	f := h.follow(cmd, r)
	answer, err := h.serve(cmd, r, &f)
	code := api.OK
	if err != nil {
		fail := h.explain(cmd, err)
		if code = fail.Code; answer == nil {
			answer = cmd.service.envelope(fail)
		}
	}
	h.respond(w, cmd, answer)
	f.ended(code)
	if h.metrics != nil {
		h.metrics.Observe(cmd.name, code, h.now().Sub(start))
	}
}

// serve takes a request through all steps and returns the answer of a success. A failure may have an answer, too; see job.
func (h *Handler) serve(cmd *command, r *http.Request, f *followed) (answer any, err error) {
	defer recoverTo(&err)
	if cmd == unknownCommand {
		return nil, failure{api.CodeUnknownPath, "there is no such command; check the path, which is case-sensitive"}
	}
	if r.Method != http.MethodPost {
		return nil, failure{api.CodeUnknownPath, "send this command with POST"}
	}
	app, err := h.authenticate(r.Context(), cmd, r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	f.sdkAppID = app.SDKAppID
	if err := h.rates.allow(app, cmd.name, h.now()); err != nil {
		return nil, err
	}
	job, accounts, err := h.readJob(cmd, r)
	if err != nil {
		return nil, err
	}
	f.accounts = accounts
	return h.run(r.Context(), cmd, h.ifAllowed(cmd, job, r.URL.RawQuery), call{app: app, origin: h.origin(r, f.traceparent)})
}
