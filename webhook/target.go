package webhook

import (
	"encoding/hex"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/kithchat/kith/api"
)

// TargetOptions says where the callbacks of one app go.
type TargetOptions struct {
	// URL is the configured callback URL; see [ValidateURL]. It may have a query.
	URL string
	// SDKAppID is the app's id. It must not be 0.
	SDKAppID uint32
	// Token signs the requests. Empty means that Sign and RequestTime are left out.
	Token string
}

// Target is the callback endpoint of one app, prepared once for many calls. It is safe for concurrent use.
type Target struct {
	base   url.URL
	prefix string // of the query, up to the command's value
	token  string
}

// Call is what differs from one request to the next.
type Call struct {
	// Command is the callback command, such as [api.CallbackBlackListDelete].
	Command string
	// ClientIP is the address of who made the change; for a REST call, of the REST caller. IPv4 or IPv6.
	ClientIP string
	// OptPlatform is where the change was made, such as [api.PlatformREST].
	OptPlatform string
	// RequestTime is the time of this attempt, in Unix seconds. It is signed, and unused without a Token.
	RequestTime int64
}

// NewTarget prepares an endpoint. It fails when [ValidateURL] refuses the URL or the SDKAppID is 0.
func NewTarget(o TargetOptions) (*Target, error) {
	u, err := parseURL(o.URL)
	if err != nil {
		return nil, err
	}
	if o.SDKAppID == 0 {
		return nil, errors.New("SDKAppID is 0: set the id of the app whose callbacks are sent")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	prefix := u.RawQuery
	if prefix != "" && !strings.HasSuffix(prefix, "&") {
		prefix += "&"
	}
	prefix += api.QuerySdkAppid + "=" + strconv.FormatUint(uint64(o.SDKAppID), 10) + "&" + api.QueryCallbackCommand + "="
	return &Target{base: *u, prefix: prefix, token: o.Token}, nil
}

// URL returns the request URL of one attempt: the configured URL with SdkAppid, CallbackCommand, contenttype, ClientIP and
// OptPlatform appended in this order, then Sign and RequestTime when the target has a Token. Values are percent-encoded.
// The result belongs to the caller.
func (t *Target) URL(c Call) *url.URL {
	u := t.base
	u.RawQuery = t.query(c)
	return &u
}

func (t *Target) query(c Call) string {
	var buf [512]byte
	q := append(buf[:0], t.prefix...)
	q = append(q, url.QueryEscape(c.Command)...)
	q = append(q, "&"+api.QueryContentType+"=json&"+api.QueryClientIP+"="...)
	q = append(q, url.QueryEscape(c.ClientIP)...)
	q = append(q, "&"+api.QueryOptPlatform+"="...)
	q = append(q, url.QueryEscape(c.OptPlatform)...)
	if t.token != "" {
		sum := digest(t.token, c.RequestTime)
		q = append(q, "&"+api.QuerySign+"="...)
		q = hex.AppendEncode(q, sum[:])
		q = append(q, "&"+api.QueryRequestTime+"="...)
		q = strconv.AppendInt(q, c.RequestTime, 10)
	}
	return string(q)
}

// String names the endpoint for logs: scheme, host and path, without the query and the Token.
func (t *Target) String() string {
	u := t.base
	u.RawQuery, u.ForceQuery = "", false
	return u.String()
}

// GoString is String, so that %#v does not print the Token either.
func (t *Target) GoString() string { return t.String() }
