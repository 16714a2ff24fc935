package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Defaults of RESTOptions.
const (
	DefaultAdmin          = "administrator"
	DefaultTicketLifetime = 24 * time.Hour
	DefaultTimeout        = 10 * time.Second
	DefaultRetries        = 3
)

// RESTOptions say which server to call, and as whom. URL, SDKAppID and Key are required.
type RESTOptions struct {
	// URL is the server's, such as https://chat.example.com; a path is put before /v4.
	URL string
	// SDKAppID is the app's number, Key its secret key, Admin one of its admins (DefaultAdmin when empty).
	SDKAppID uint32
	Key      string
	Admin    string
	// HTTPClient makes the requests; a pooling one of its own when nil. Redirects are not followed unless it says how: they
	// would take the UserSig elsewhere.
	HTTPClient *http.Client
	// TicketLifetime is that of the UserSigs that are made; each is used for half of it. 0: DefaultTicketLifetime.
	TicketLifetime time.Duration
	// Timeout is for one try; 0: DefaultTimeout. The server may take 3 seconds. A call's context bounds all of its tries.
	Timeout time.Duration
	// Retries is how often a failed call is tried again; 0: DefaultRetries, negative: never.
	Retries int
	// Now is the clock that tickets are made by; time.Now when nil.
	Now func() time.Time
}

// REST calls the v4 REST API as an admin of an app. Make one with NewREST. It is safe for concurrent use and starts no
// goroutines beyond those of its HTTP client.
type REST struct {
	base    string
	o       RESTOptions
	http    *http.Client
	own     bool // the HTTP client was made here
	tickets tickets
	backoff backoff
}

// NewREST returns a REST. It makes no call; the error names the option to correct.
func NewREST(o RESTOptions) (*REST, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.User != nil:
		return nil, errors.New("client: RESTOptions.URL must be http(s)://host[:port][/path]")
	case o.SDKAppID == 0:
		return nil, errors.New("client: RESTOptions.SDKAppID is 0; set the app's number")
	case o.Key == "":
		return nil, errors.New("client: RESTOptions.Key is empty; set the app's secret key")
	case o.TicketLifetime < 0 || o.TicketLifetime > 0 && o.TicketLifetime < 2*time.Second:
		return nil, errors.New("client: RESTOptions.TicketLifetime must be at least 2 seconds")
	case o.Timeout < 0:
		return nil, errors.New("client: RESTOptions.Timeout is negative")
	}
	o = o.withDefaults()
	r := &REST{
		base: strings.TrimSuffix(u.String(), "/"), o: o, http: o.HTTPClient,
		backoff: backoff{first: 200 * time.Millisecond, most: 5 * time.Second},
		tickets: tickets{key: o.Key, sdkAppID: o.SDKAppID, userID: o.Admin, lifetime: o.TicketLifetime, now: o.Now},
	}
	r.http, r.own = httpClient(o.HTTPClient)
	if _, err := r.tickets.get(); err != nil {
		return nil, fmt.Errorf("client: RESTOptions: %w", err)
	}
	return r, nil
}

func (o RESTOptions) withDefaults() RESTOptions {
	if o.Admin == "" {
		o.Admin = DefaultAdmin
	}
	if o.TicketLifetime == 0 {
		o.TicketLifetime = DefaultTicketLifetime
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Retries == 0 {
		o.Retries = DefaultRetries
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// idleConnections is how many connections are kept for the next calls.
const idleConnections = 64

// httpClient returns the client to use, and whether it was made here.
func httpClient(given *http.Client) (c *http.Client, own bool) {
	c = new(http.Client)
	if given != nil {
		*c = *given
	} else {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = idleConnections
		c.Transport = t
	}
	if c.CheckRedirect == nil {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return c, given == nil
}

// Close closes idle connections. An HTTPClient that was given is left alone.
func (r *REST) Close() {
	if r.own {
		r.http.CloseIdleConnections()
	}
}
