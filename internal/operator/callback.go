package operator

import (
	"net/http"
	"slices"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// Callback is an app's endpoint as it may be shown: without its secrets, with the values in force.
type Callback struct {
	// URL is where callbacks go, with *** for the values in its query. Empty: nowhere, unless Listen is set.
	URL         string                  `json:"url"`
	TokenSet    bool                    `json:"token_set"`
	Enabled     []relation.EventKind    `json:"enabled"`
	Disabled    []relation.EventKind    `json:"disabled"`
	TimeoutMS   int64                   `json:"timeout_ms"`
	Retry       relation.RetryPolicy    `json:"retry"`
	MaxAttempts int                     `json:"max_attempts"` // 0: only time counts
	MaxAgeMS    int64                   `json:"max_age_ms"`   // milliseconds; 0: the server's retry-budget
	AppError    relation.AppErrorPolicy `json:"app_error"`
	Concurrency int                     `json:"concurrency"`
	// Listen says that callbacks go to whoever listens through this API, instead of to a URL.
	Listen bool `json:"listen"`
	// SigningKeys are those in force, which sign each callback (Standard Webhooks), newest first; empty: none does.
	SigningKeys []SigningKey `json:"signing_keys"`
	// CA are the certificates that the endpoint's is verified against; empty: the system's.
	CA        []Certificate `json:"ca"`
	MutualTLS bool          `json:"mutual_tls"`
	// ClientCert is what the endpoint is shown; left out without mutual TLS.
	ClientCert *Certificate `json:"client_cert,omitempty"`
	// Paused says since when and why all callbacks are held back; left out: they go.
	Paused *relation.Pause `json:"paused,omitempty"`
	// Endpoint says how the endpoint does now; in the answer to GET, when it is known.
	Endpoint *EndpointStatus `json:"endpoint,omitempty"`
}

// SetCallback changes what is not nil. An empty URL switches callbacks off, an empty Token makes them unsigned. Commands that
// are named neither in Enable nor in Disable stay as they are; relation.EventKind.OptIn tells which are off at first.
type SetCallback struct {
	URL         *string                  `json:"url,omitempty"`
	Token       *string                  `json:"token,omitempty"`
	Enable      []relation.EventKind     `json:"enable,omitempty"`
	Disable     []relation.EventKind     `json:"disable,omitempty"`
	TimeoutMS   *int64                   `json:"timeout_ms,omitempty"` // milliseconds, 0: the default
	Retry       *relation.RetryPolicy    `json:"retry,omitempty"`
	MaxAttempts *int                     `json:"max_attempts,omitempty"` // 0: only time counts
	MaxAgeMS    *int64                   `json:"max_age_ms,omitempty"`   // milliseconds, 0: the server's retry-budget
	AppError    *relation.AppErrorPolicy `json:"app_error,omitempty"`
	Concurrency *int                     `json:"concurrency,omitempty"` // 0: the default
	Listen      *bool                    `json:"listen,omitempty"`
	CA          *string                  `json:"ca,omitempty"` // certificates in PEM; empty: the system's
	MutualTLS   *bool                    `json:"mutual_tls,omitempty"`
}

// CallbackReport is what came of a test.
type CallbackReport struct {
	Delivered  bool           `json:"delivered"`
	Reason     string         `json:"reason,omitempty"` // why not, as in metrics and dead letters
	Detail     string         `json:"detail,omitempty"` // more about it, such as the status
	Answer     string         `json:"answer,omitempty"` // of a failure: the beginning of the answer's body
	DurationMS int64          `json:"duration_ms"`      // milliseconds the attempt took
	Steps      []CallbackStep `json:"steps"`            // those that were reached, in order
}

// CallbackStep is one step of a test: name resolution, connect, TLS, request, answer.
type CallbackStep struct {
	Name       string `json:"name"`
	OK         bool   `json:"ok"`
	Detail     string `json:"detail,omitempty"`
	DurationMS int64  `json:"duration_ms"` // milliseconds
}

func (h *handler) showCallback(_ http.ResponseWriter, r *http.Request) (any, error) {
	app, err := h.app(r)
	if err != nil {
		return nil, err
	}
	shown := showCallback(app, h.Now())
	shown.Endpoint = h.endpointStatus(app.SDKAppID)
	return shown, nil
}

func (h *handler) setCallback(_ http.ResponseWriter, r *http.Request) (any, error) {
	var req SetCallback
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	app, err := h.change(r, func(app *relation.App) error { return req.apply(&app.Callback) })
	if err != nil {
		return nil, err
	}
	return app.Callback, nil
}

func (req SetCallback) apply(c *relation.Callback) error {
	if req.URL != nil {
		if err := checkRedacted(*req.URL); err != nil {
			return err
		}
	}
	if req.Retry != nil && *req.Retry == "" || req.AppError != nil && *req.AppError == "" {
		return badRequest("a policy must be named: retry is one of %q, app_error one of %q", relation.RetryPolicies(), relation.AppErrorPolicies())
	}
	set(&c.URL, req.URL)
	set(&c.Token, req.Token)
	set(&c.TimeoutMS, req.TimeoutMS)
	set(&c.Concurrency, req.Concurrency)
	set(&c.Retry, req.Retry)
	set(&c.MaxAttempts, req.MaxAttempts)
	set(&c.MaxAgeMS, req.MaxAgeMS)
	set(&c.AppError, req.AppError)
	set(&c.Listen, req.Listen)
	set(&c.CA, req.CA)
	set(&c.MutualTLS, req.MutualTLS)
	for _, kind := range req.Disable {
		if slices.Contains(req.Enable, kind) {
			return badRequest("callback command %q is both enabled and disabled; choose one", kind)
		}
		if err := switchKind(c, kind, false); err != nil {
			return err
		}
	}
	for _, kind := range req.Enable {
		if err := switchKind(c, kind, true); err != nil {
			return err
		}
	}
	return nil
}

// switchKind notes a command where it differs from what it is by itself, and nowhere when it does not.
func switchKind(c *relation.Callback, kind relation.EventKind, on bool) error {
	if !slices.Contains(relation.EventKinds(), kind) {
		return badRequest("there is no callback command %q; the commands are %q", kind, relation.EventKinds())
	}
	list := &c.Off
	if kind.OptIn() {
		list = &c.On
	}
	*list = slices.DeleteFunc(*list, func(k relation.EventKind) bool { return k == kind })
	if on == kind.OptIn() {
		*list = append(*list, kind)
	}
	return nil
}

func (h *handler) testCallback(_ http.ResponseWriter, r *http.Request) (any, error) {
	app, err := h.app(r)
	switch {
	case err != nil:
		return nil, err
	case app.Callback.URL == "":
		return nil, badRequest("app %d has no callback URL; set one with `kith app callback set`", app.SDKAppID)
	case h.TestCallback == nil:
		return nil, unsupported("this server cannot test callbacks")
	}
	end, err := h.beginTest(r)
	if err != nil {
		return nil, err
	}
	defer end()
	report, err := h.TestCallback(r.Context(), app)
	if err != nil {
		return nil, err
	}
	return report, nil
}

func showCallback(app *relation.App, now time.Time) Callback {
	c := app.Callback
	shown := Callback{
		URL: redactURL(c.URL), TokenSet: c.Token != "", TimeoutMS: c.Timeout().Milliseconds(), Concurrency: c.Attempts(), Listen: c.Listen,
		Retry: c.RetryPolicy(), MaxAttempts: c.MaxAttempts, MaxAgeMS: c.MaxAgeMS, AppError: c.AppErrorPolicy(),
		SigningKeys: showSigningKeys(c.SigningKeys, now), CA: showBundle(c.CA), MutualTLS: c.MutualTLS, Paused: c.Paused,
		Enabled: []relation.EventKind{}, Disabled: []relation.EventKind{},
	}
	if c.ClientCert != nil {
		shown.ClientCert = showLeaf(c.ClientCert.Cert)
	}
	for _, kind := range relation.EventKinds() {
		if c.Sends(kind) {
			shown.Enabled = append(shown.Enabled, kind)
		} else {
			shown.Disabled = append(shown.Disabled, kind)
		}
	}
	return shown
}
