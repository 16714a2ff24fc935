package relation

import (
	"cmp"
	"slices"
	"time"
)

// App is one application: its keys, admins, settings and callback endpoint. It is the record that the store keeps; a
// value handed out by the registry is shared and must not be changed.
type App struct {
	SDKAppID uint32    `json:"sdkappid"`
	Name     string    `json:"name"`
	Disabled bool      `json:"disabled,omitempty"`
	Keys     []AppKey  `json:"keys"`   // newest first; the first signs, all verify
	Admins   []string  `json:"admins"` // UserIDs that may use the REST API
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`

	// BlocklistLimit is how many entries a blocklist holds; 0 means DefaultBlocklistLimit.
	BlocklistLimit int      `json:"blocklist_limit,omitempty"`
	Rates          Rates    `json:"rates"`
	Callback       Callback `json:"callback"`
	// Tokens are tokens of the operator API for this app alone, newest first.
	Tokens []AppToken `json:"tokens,omitempty"`

	// DevicesPerPlatform is how many devices of one platform a user can have connected; one more puts the oldest out.
	// 0 means DefaultDevicesPerPlatform.
	DevicesPerPlatform int `json:"devices_per_platform,omitempty"`
	// WebOrigins are the web origins whose pages may connect to the gateway, as scheme://host[:port]; a host that starts
	// with *. stands for every host below. Empty: all. Clients that are not browsers send no origin and are never refused.
	WebOrigins []string `json:"web_origins,omitempty"`
}

// DefaultDevicesPerPlatform is the vendor's policy: one device of each platform.
const DefaultDevicesPerPlatform = 1

// AppKey is a secret key that signs UserSigs.
type AppKey struct {
	Secret  string    `json:"secret"`
	Created time.Time `json:"created"`
}

// Rates limits how often the REST API is called, in calls a second. Zero means no limit.
type Rates struct {
	App     float64            `json:"app,omitempty"`     // all commands together
	Command float64            `json:"command,omitempty"` // each command
	Special map[string]float64 `json:"special,omitempty"` // by command name, instead of Command
}

// Callback limits and defaults.
const (
	// DefaultCallbackTimeout is how long an attempt may take, per the callback docs.
	DefaultCallbackTimeout = 2 * time.Second
	// DefaultCallbackConcurrency is how many attempts an endpoint gets at a time, all for different accounts.
	DefaultCallbackConcurrency = 128
)

// Callback is the endpoint at the app backend. Without a URL, and unless Listen is set, no event is made.
type Callback struct {
	URL string `json:"url,omitempty"`
	// Token signs each request (Sign and RequestTime); empty means unsigned.
	Token string `json:"token,omitempty"`
	// Off holds the commands that are switched off, On those that are off by themselves (EventKind.OptIn) and switched on.
	Off []EventKind `json:"off,omitempty"`
	On  []EventKind `json:"on,omitempty"`
	// TimeoutMS is the time for an attempt in milliseconds; 0 means DefaultCallbackTimeout.
	TimeoutMS int64 `json:"timeout_ms,omitempty"`
	// Retry says which failures are tried again; empty means RetryFailures.
	Retry RetryPolicy `json:"retry,omitempty"`
	// MaxAttempts is after how many attempts an event is given up; 0: only time counts.
	MaxAttempts int `json:"max_attempts,omitempty"`
	// MaxAgeMS is for how long after its first failed attempt an event is tried, in milliseconds; 0: the server's budget.
	MaxAgeMS int64 `json:"max_age_ms,omitempty"`
	// AppError says what an answer with an ErrorCode other than 0 means; empty means AppErrorRetry.
	AppError AppErrorPolicy `json:"app_error,omitempty"`
	// Concurrency is the most attempts under way; 0 means DefaultCallbackConcurrency. The dispatcher uses fewer while the
	// endpoint is slow.
	Concurrency int `json:"concurrency,omitempty"`
	// SigningKeys sign id, timestamp and body of each request (Standard Webhooks), newest first. All that have not
	// expired sign.
	SigningKeys []SigningKey `json:"signing_keys,omitempty"`
	// CA is a bundle of certificates in PEM that the endpoint's certificate is verified against, instead of the system's.
	CA string `json:"ca,omitempty"`
	// MutualTLS says that the endpoint is shown ClientCert.
	MutualTLS  bool               `json:"mutual_tls,omitempty"`
	ClientCert *ClientCertificate `json:"client_cert,omitempty"`
	// Paused holds all events back until somebody resumes the endpoint; nil: they go.
	Paused *Pause `json:"paused,omitempty"`
	// Listen sends events to whoever listens through the operator API, instead of to the URL, which must be empty.
	Listen bool `json:"listen,omitempty"`
}

// RetryPolicy says which failures are tried again.
type RetryPolicy string

// Retry policies.
const (
	RetryFailures RetryPolicy = "failures" // every failure
	RetryTimeouts RetryPolicy = "timeouts" // timeouts only; any other failure parks the event
	RetryOff      RetryPolicy = "off"      // the first failure parks the event
)

// RetryPolicies returns all retry policies.
func RetryPolicies() []RetryPolicy { return []RetryPolicy{RetryFailures, RetryTimeouts, RetryOff} }

// AppErrorPolicy says what an answer with HTTP 200 and an ErrorCode other than 0 means.
type AppErrorPolicy string

// Policies for answers with an ErrorCode other than 0.
const (
	AppErrorRetry  AppErrorPolicy = "retry"  // a failure like any other
	AppErrorAccept AppErrorPolicy = "accept" // the app backend has the event, as in the original
	AppErrorPark   AppErrorPolicy = "park"   // the event is given up at once
)

// AppErrorPolicies returns all policies for answers with an ErrorCode other than 0.
func AppErrorPolicies() []AppErrorPolicy {
	return []AppErrorPolicy{AppErrorRetry, AppErrorAccept, AppErrorPark}
}

// SigningKey signs callbacks by Standard Webhooks.
type SigningKey struct {
	ID      string    `json:"id"`
	Secret  string    `json:"secret"` // whsec_… (HMAC-SHA256) or whsk_… (Ed25519)
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
}

// InForce reports whether the key signs at a time: until it expires, and no longer.
func (k SigningKey) InForce(at time.Time) bool { return k.Expires.IsZero() || at.Before(k.Expires) }

// ClientCertificate is what Kith shows an endpoint, with its key, both in PEM.
type ClientCertificate struct {
	Cert     string    `json:"cert"`
	Key      string    `json:"key"`
	NotAfter time.Time `json:"not_after"`
}

// Pause says since when and why an endpoint is paused.
type Pause struct {
	Since  time.Time `json:"since"`
	By     string    `json:"by"`               // PausedByOperator or PausedByEndpoint
	Reason string    `json:"reason,omitempty"` // for people
}

// Who paused an endpoint.
const (
	PausedByOperator = "operator"
	PausedByEndpoint = "endpoint" // it answered 410 Gone
)

// AppToken is a token of the operator API that is good for one app only. Only its hash is kept.
type AppToken struct {
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"`
	Hash    string    `json:"hash"` // SHA-256 in hexadecimal
	Created time.Time `json:"created"`
}

// RetryPolicy returns the policy in force.
func (c Callback) RetryPolicy() RetryPolicy { return cmp.Or(c.Retry, RetryFailures) }

// AppErrorPolicy returns the policy in force.
func (c Callback) AppErrorPolicy() AppErrorPolicy { return cmp.Or(c.AppError, AppErrorRetry) }

// Timeout returns the time for an attempt.
func (c Callback) Timeout() time.Duration {
	if c.TimeoutMS <= 0 {
		return DefaultCallbackTimeout
	}
	return time.Duration(c.TimeoutMS) * time.Millisecond
}

// Attempts returns how many attempts may be under way at a time.
func (c Callback) Attempts() int {
	if c.Concurrency <= 0 {
		return DefaultCallbackConcurrency
	}
	return c.Concurrency
}

// Emits reports whether events of this kind are made for the app.
func (a *App) Emits(kind EventKind) bool {
	return (a.Callback.URL != "" || a.Callback.Listen) && a.Callback.Sends(kind)
}

// Sends reports whether the command is switched on.
func (c Callback) Sends(kind EventKind) bool {
	if kind.OptIn() {
		return slices.Contains(c.On, kind)
	}
	return !slices.Contains(c.Off, kind)
}

// Devices returns how many devices of one platform a user can have connected.
func (a *App) Devices() int {
	if a.DevicesPerPlatform <= 0 {
		return DefaultDevicesPerPlatform
	}
	return a.DevicesPerPlatform
}

// Admin reports whether userID is an admin of the app.
func (a *App) Admin(userID string) bool { return slices.Contains(a.Admins, userID) }

// BlocklistRoom returns how many entries fit on a list that holds n, never less than zero.
func (a *App) BlocklistRoom(n int) int {
	limit := a.BlocklistLimit
	if limit <= 0 {
		limit = DefaultBlocklistLimit
	}
	return max(0, limit-n)
}
