package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config is the configuration of one server. The tags are the reference that `kith config doc` prints: name is the
// flag and the YAML key, unit is what a number or text means, secret values are never printed.
type Config struct {
	Data      string `group:"Data" name:"data" default:"data" unit:"directory" doc:"Holds the database, the operator token and the self-signed certificate. Made when missing."`
	Store     string `group:"Data" name:"store" unit:"URL" secret:"url" doc:"Database to use, as postgres://user@host/name?sslmode=verify-full&sslrootcert=FILE; without sslmode its certificate is not verified. Empty: SQLite in the data directory."`
	MasterKey string `group:"Data" name:"master-key" unit:"key" secret:"all" doc:"Encrypts secrets in the database: 32 bytes in base64, as 'openssl rand -base64 32' makes them. A second one after a comma only decrypts, for a change of key. Empty: secrets are in clear. Rather use the variable than the flag, which other users of the machine can see."`
	FirstApp  bool   `group:"Data" name:"first-app" default:"true" doc:"Create an app at the first start and print how to use it."`
	ReadyFile string `group:"Data" name:"ready-file" unit:"file" doc:"Written with the addresses once the server is ready, removed when it stops. Empty: none."`

	Listen         string        `group:"REST API" name:"listen" default:"127.0.0.1:8443" unit:"host:port" doc:"HTTPS address. Empty: no HTTPS."`
	ListenHTTP     string        `group:"REST API" name:"listen-http" default:"127.0.0.1:8080" unit:"host:port" doc:"Plain HTTP address. Empty: no plain HTTP."`
	AllowPlain     bool          `group:"REST API" name:"allow-plain" default:"false" doc:"Allow listen-http beyond loopback, for a TLS proxy in front. Without such a proxy, tickets cross the network in clear."`
	TLSCert        string        `group:"REST API" name:"tls-cert" unit:"file" doc:"Certificate chain in PEM. Empty, with tls-key empty: a self-signed one, made at the first start in the data directory under tls/."`
	TLSKey         string        `group:"REST API" name:"tls-key" unit:"file" doc:"Private key of tls-cert in PEM."`
	TrustedProxies []string      `group:"REST API" name:"trusted-proxies" unit:"addresses or CIDRs" doc:"Proxies whose X-Forwarded-For is believed. Empty: none; the peer is the client."`
	MaxBody        int64         `group:"REST API" name:"max-body" default:"1048576" unit:"bytes" doc:"Largest request body."`
	CallTimeout    time.Duration `group:"REST API" name:"call-timeout" default:"3s" unit:"duration" doc:"Time for one call; after it the answer is 60008."`
	IsolateApps    bool          `group:"REST API" name:"isolate-apps" default:"true" doc:"While several apps are at work and the processors are busy, hold back the calls of one that floods, and a backlog that goes out, so that the callbacks of others stay quick. Off: more a second in all."`
	HeaderTimeout  time.Duration `group:"REST API" name:"header-timeout" default:"10s" unit:"duration" doc:"Time to receive the headers of a request."`
	ReadTimeout    time.Duration `group:"REST API" name:"read-timeout" default:"30s" unit:"duration" doc:"Time to receive a request with its body."`
	IdleTimeout    time.Duration `group:"REST API" name:"idle-timeout" default:"2m" unit:"duration" doc:"How long an idle connection is kept."`
	TicketCache    int           `group:"REST API" name:"ticket-cache" default:"100000" unit:"tickets" doc:"Verified UserSigs to remember. 0: none."`

	Gateway             bool          `group:"Gateway" name:"gateway" default:"true" doc:"Serve phones and browsers at /v4/ws, on the addresses of the REST API."`
	GatewayMaxFrame     int64         `group:"Gateway" name:"gateway-max-frame" default:"131072" unit:"bytes" doc:"Largest frame that a client may send. A call for 1000 accounts has up to 40 KiB."`
	GatewayQueue        int           `group:"Gateway" name:"gateway-queue" default:"262144" unit:"bytes" doc:"Most that waits to be written to one client. A client that falls further behind is cut off and resumes."`
	GatewayRate         int           `group:"Gateway" name:"gateway-rate" default:"20" unit:"calls a second" doc:"Calls a second of one connection, with bursts of twice as many."`
	GatewayMaxSessions  int           `group:"Gateway" name:"gateway-max-sessions" default:"20" unit:"connections" doc:"Connections of one account, over all platforms. One more puts the oldest out."`
	GatewayMaxAddress   int           `group:"Gateway" name:"gateway-max-address" default:"2000" unit:"connections" doc:"Connections from one address, a /64 for IPv6. Behind a proxy set trusted-proxies, or all come from one. -1: no limit."`
	GatewayLoginTimeout time.Duration `group:"Gateway" name:"gateway-login-timeout" default:"10s" unit:"duration" doc:"Time from connecting to login."`
	GatewayHeartbeat    time.Duration `group:"Gateway" name:"gateway-heartbeat" default:"25s" unit:"duration" doc:"How often a client sends something at least. One that is silent for two and a half times as long is cut off."`
	GatewayGrace        time.Duration `group:"Gateway" name:"gateway-grace" default:"10s" unit:"duration" doc:"How long a device may take to come back before State.StateChange tells that it disconnected."`
	GatewaySpread       time.Duration `group:"Gateway" name:"gateway-spread" default:"30s" unit:"duration" doc:"Over how long clients are asked to come back at most when the server stops. After a start gateway-grace is longer by it."`
	GatewayHistory      int64         `group:"Gateway" name:"gateway-history" default:"67108864" unit:"bytes" doc:"Memory for recent list changes, from which devices that come back catch up. Who missed more reads the list anew."`
	GatewayCompression  bool          `group:"Gateway" name:"gateway-compression" default:"false" doc:"Compress frames for clients that ask for it. It costs memory and time for each connection, and saves little on small frames."`

	OperatorListen string `group:"Operator API" name:"operator-listen" default:"127.0.0.1:8081" unit:"host:port" doc:"Address of the operator API, health, metrics and profiles. Beyond loopback it is served over TLS, with the certificate of the REST API."`
	OperatorToken  string `group:"Operator API" name:"operator-token" unit:"token" secret:"all" doc:"Token of the operator API, at least 16 characters. Empty: made at the first start, in the data directory. Rather use the variable than the flag, which other users of the machine can see."`

	RetryBudget         time.Duration `group:"Callbacks" name:"retry-budget" default:"24h" unit:"duration" doc:"How long after its first failed attempt an event is retried before it is parked as a dead letter, for an app without a budget of its own."`
	CallbackTimeout     time.Duration `group:"Callbacks" name:"callback-timeout" default:"2s" unit:"duration" doc:"Time for an attempt, for an endpoint that is set without its own."`
	CallbackConcurrency int           `group:"Callbacks" name:"callback-concurrency" default:"128" unit:"attempts" doc:"Attempts under way at a time, for an endpoint that is set without its own."`

	CallbackAllow   []string      `group:"Callbacks" name:"callback-allow" default:"loopback" unit:"ranges" doc:"Which addresses that are not public callbacks may go to: loopback, private, or CIDRs such as 10.1.0.0/16. The default is for development; set none in production."`
	CallbackProxy   string        `group:"Callbacks" name:"callback-proxy" unit:"URL" secret:"url" doc:"HTTP proxy that callbacks go through, as http://user:password@host:port. Empty: none."`
	CallbackCACert  string        `group:"Callbacks" name:"callback-ca-cert" unit:"file" doc:"Certificate in PEM of the CA that issues client certificates. Empty, with callback-ca-key empty: a CA of Kith's own, made in the data directory under ca/."`
	CallbackCAKey   string        `group:"Callbacks" name:"callback-ca-key" unit:"file" doc:"Private key of callback-ca-cert in PEM."`
	RecordRetention time.Duration `group:"Callbacks" name:"record-retention" default:"168h" unit:"duration" doc:"How long delivered events and their attempts can be looked up and replayed, counted from their commit. 0: not at all."`
	RecordSize      int64         `group:"Callbacks" name:"record-size" default:"1073741824" unit:"bytes" doc:"Most that the record of delivered events may take, about. Beyond it the oldest go first, of the app that has most."`
	NodeName        string        `group:"Callbacks" name:"node-name" unit:"name" doc:"What the record of attempts calls this process. Empty: the host's name."`

	TraceEndpoint string  `group:"Tracing" name:"trace-endpoint" unit:"URL" doc:"OTLP endpoint that traces go to over HTTP, as http://127.0.0.1:4318; without a path /v1/traces is meant. Empty: none."`
	TraceSample   float64 `group:"Tracing" name:"trace-sample" default:"0.01" unit:"share" doc:"Share of calls that are traced, 0 to 1, when the caller has not decided. A caller's traceparent is followed."`

	LogFormat       string        `group:"Process" name:"log-format" default:"text" unit:"text or json" doc:"Format of the log on standard error: text or json."`
	LogLevel        string        `group:"Process" name:"log-level" default:"info" unit:"debug, info, warn or error" doc:"Least level that is logged: debug, info, warn or error."`
	ShutdownTimeout time.Duration `group:"Process" name:"shutdown-timeout" default:"15s" unit:"duration" doc:"Time for requests and callbacks under way to finish when the server stops."`
}

// Words of CallbackAllow besides CIDRs.
const (
	AllowLoopback = "loopback"
	AllowPrivate  = "private"
	AllowNone     = "none"
)

// Proxies returns TrustedProxies parsed. Of a Config that passed Validate, nothing is left out.
func (c Config) Proxies() []netip.Prefix {
	prefixes := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, text := range c.TrustedProxies {
		if prefix, err := parseProxy(text); err == nil {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}

// Level returns LogLevel for slog, Info if it is none of the known ones.
func (c Config) Level() slog.Level { return levels[c.LogLevel] }

// OperatorTLS reports whether the operator API is served over TLS: beyond loopback it always is.
func (c Config) OperatorTLS() bool { return !loopback(c.OperatorListen) }

var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}
