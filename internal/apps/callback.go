package apps

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kithchat/kith/internal/relation"
)

// Limits of a callback endpoint.
const (
	// MinCallbackTimeoutMS and MaxCallbackTimeoutMS bound the time for an attempt in milliseconds.
	MinCallbackTimeoutMS, MaxCallbackTimeoutMS = 100, 60_000
	// MaxCallbackConcurrency is the most attempts under way at a time.
	MaxCallbackConcurrency = 1024
	// MaxCallbackURL is the longest URL in bytes.
	MaxCallbackURL = 2048
	// MaxCallbackToken is the longest Token in characters.
	MaxCallbackToken = 256
)

func (p *problems) callback(c relation.Callback) {
	if c.URL != "" {
		why := checkURL(c.URL)
		p.check(why == "", "the callback URL %s", why)
	}
	p.check(len(c.Token) <= MaxCallbackToken && printable(c.Token),
		"the callback token must be at most %d printable ASCII characters without blanks", MaxCallbackToken)
	p.check(c.TimeoutMS == 0 || c.TimeoutMS >= MinCallbackTimeoutMS && c.TimeoutMS <= MaxCallbackTimeoutMS,
		"the callback timeout must be %d to %d milliseconds, or 0 for the default", MinCallbackTimeoutMS, MaxCallbackTimeoutMS)
	p.check(c.Concurrency >= 0 && c.Concurrency <= MaxCallbackConcurrency,
		"the callback concurrency must be 1 to %d, or 0 for the default", MaxCallbackConcurrency)
	for _, kind := range c.Off {
		p.check(slices.Contains(relation.EventKinds(), kind),
			"there is no callback command %q; the commands are %s", kind, kindNames())
	}
}

// checkURL returns what is wrong with a callback URL, or nothing. It never quotes the URL: people put secrets there.
func checkURL(text string) string {
	if len(text) > MaxCallbackURL {
		return "must be at most " + strconv.Itoa(MaxCallbackURL) + " bytes long"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || !printable(text):
		return "is not a URL; blanks and characters beyond ASCII must be percent-encoded"
	case u.Scheme != "http" && u.Scheme != "https":
		return "must begin with http:// or https://"
	case u.Hostname() == "":
		return "must name a host"
	case u.User != nil:
		return "must not hold a user name or password; set a token instead"
	case strings.Contains(text, "#"):
		return "must not have a fragment (#)"
	case !validPort(u.Port()):
		return "must have a port of 1 to 65535"
	}
	return ""
}

func validPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// kindNames lists the known callback commands for a sentence.
func kindNames() string {
	kinds := relation.EventKinds()
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = string(kind)
	}
	return strings.Join(names, ", ")
}
