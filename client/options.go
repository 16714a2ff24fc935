package client

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/kithchat/kith/api"
)

const (
	// DefaultBacklog is how many updates wait for a reader; each entry of a change counts as one more.
	DefaultBacklog = 4096
	// sdkVersion is what a Session calls itself.
	sdkVersion = "kith-go/0.1.0"
)

// Options say where to connect, and as whom. URL, SDKAppID, UserID and UserSig are required.
type Options struct {
	// URL is wss://host[:port], or the gateway's whole URL when it is not at /v4/ws. ws, http and https are taken too.
	URL      string
	SDKAppID uint32
	UserID   string
	// UserSig returns a new ticket of UserID, usually from the app's backend. It is called for the first login, when the ticket
	// is about to expire or was refused, and never twice at once. It must end with its context, which ends with the Session,
	// and must not call Close. An error is tried again like a lost connection, but for ErrNoTicket, which ends the session: the
	// answer of an app backend that lets the user in no more.
	UserSig func(context.Context) (string, error)
	// Platform is one of api.Platforms; the app backend is told of it. Empty: Unknown.
	Platform string
	// DeviceID names this device: 1 to 64 bytes of printable ASCII, kept from one run to the next. A Session with the DeviceID
	// of another takes its place. Empty: a random one for this Session.
	DeviceID string
	// Version is what the server logs of the program: up to 64 bytes of printable ASCII. Empty: the SDK's.
	Version string
	// Blocklist is the copy that an earlier Session left behind; only what changed since is read. nil: all is read.
	Blocklist *Blocklist
	// HTTPClient makes the handshake: TLS and proxies are its affair. nil: one of its own.
	HTTPClient *http.Client
	// Timeout is for a handshake, a login, and each answer; a server that takes longer is taken for dead. 0: DefaultTimeout.
	Timeout time.Duration
	// Backlog bounds what waits for a reader of Updates. 0: DefaultBacklog.
	Backlog int
}

// check fills in what may be left out. The error names the option to correct.
func (o Options) check() (Options, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "wss" && u.Scheme != "ws" && u.Scheme != "https" && u.Scheme != "http":
		return o, errors.New("client: Options.URL must be ws(s)://host[:port][/path]")
	case o.SDKAppID == 0:
		return o, errors.New("client: Options.SDKAppID is 0; set the app's number")
	case o.UserID == "":
		return o, errors.New("client: Options.UserID is empty; name the user")
	case o.UserSig == nil:
		return o, errors.New("client: Options.UserSig is nil; return a ticket of the user from it")
	case o.Timeout < 0 || o.Backlog < 0:
		return o, errors.New("client: Options.Timeout and Options.Backlog must not be negative")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = api.GatewayPath
	}
	o.URL = u.String()
	return o.withDefaults(), nil
}

func (o Options) withDefaults() Options {
	if o.DeviceID == "" {
		o.DeviceID = rand.Text()
	}
	if o.Version == "" {
		o.Version = sdkVersion
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Backlog == 0 {
		o.Backlog = DefaultBacklog
	}
	return o
}
