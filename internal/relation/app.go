package relation

import (
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

// Callback is the endpoint at the app backend. No URL means that no event is made.
type Callback struct {
	URL string `json:"url,omitempty"`
	// Token signs each request (Sign and RequestTime); empty means unsigned.
	Token string `json:"token,omitempty"`
	// Off holds the commands that are switched off, On those that are off by themselves (EventKind.OptIn) and switched on.
	Off []EventKind `json:"off,omitempty"`
	On  []EventKind `json:"on,omitempty"`
	// TimeoutMS is the time for an attempt in milliseconds; 0 means DefaultCallbackTimeout.
	TimeoutMS int64 `json:"timeout_ms,omitempty"`
	// NoRetry parks an event after its first failed attempt.
	NoRetry bool `json:"no_retry,omitempty"`
	// Concurrency is the most attempts under way; 0 means DefaultCallbackConcurrency.
	Concurrency int `json:"concurrency,omitempty"`
}

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
	return a.Callback.URL != "" && a.Callback.Sends(kind)
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
