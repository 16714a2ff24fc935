package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/kithchat/kith/api"
)

// MaxURL is the longest callback URL that can be configured, in bytes.
const MaxURL = 2048

// reserved are the parameters that a sender appends. A configured URL with one of them would carry it twice, and
// receivers differ in which of two they read.
var reserved = [...]string{
	api.QuerySdkAppid, api.QueryCallbackCommand, api.QueryContentType, api.QueryClientIP,
	api.QueryOptPlatform, api.QuerySign, api.QueryRequestTime,
}

// ValidateURL says whether raw can be configured as a callback URL. It must be an absolute http or https URL in ASCII, at
// most [MaxURL] bytes, with a host. Path and query are free, except that the query must not hold a parameter that the
// sender appends. A user name, a password and a fragment are refused. Whether the address may be called at all (loopback,
// private networks) is the sender's decision when it connects.
//
// An error says what to change. It never repeats the URL, because a query may hold a secret.
func ValidateURL(raw string) error {
	_, err := parseURL(raw)
	return err
}

func parseURL(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, errors.New("callback URL is empty: write it as http://host/path or https://host/path")
	}
	if len(raw) > MaxURL {
		return nil, fmt.Errorf("callback URL has %d bytes, the limit is %d: use a shorter one", len(raw), MaxURL)
	}
	for i := range len(raw) {
		if raw[i] <= ' ' || raw[i] >= 0x7f {
			return nil, fmt.Errorf("callback URL has a blank, control or non-ASCII character at byte %d: "+
				"percent-encode it, and write an international host name as xn--", i+1)
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The parser's own text quotes parts of the URL.
		return nil, errors.New("callback URL is malformed: write it as http://host:port/path?query, " +
			"with a numeric port and other characters percent-encoded")
	}
	if err := checkParts(u, raw); err != nil {
		return nil, err
	}
	return u, nil
}

func checkParts(u *url.URL, raw string) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("callback URL must start with http:// or https://")
	case u.Hostname() == "":
		return errors.New("callback URL has no host: write it as http://host/path or https://host/path")
	case u.User != nil:
		return errors.New("callback URL must not hold a user name or password: remove it and set a Token instead")
	case strings.Contains(raw, "#"):
		return errors.New("callback URL must not hold a fragment: remove the # and what follows, it is never sent")
	}
	if err := checkHost(u); err != nil {
		return err
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("the query of the callback URL is malformed: join parameters with & and percent-encode the rest")
	}
	for _, name := range reserved {
		if query.Has(name) {
			return fmt.Errorf("callback URL already holds the parameter %s: remove it, it is added to every request", name)
		}
	}
	return nil
}

func checkHost(u *url.URL) error {
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("the port of the callback URL must be 1 to 65535: correct it, or leave the colon out")
		}
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, label := range labels {
		if !validLabel(label) {
			return errors.New("the host of the callback URL is not a name or an IP address: " +
				"its parts must be 1 to 63 letters, digits, - or _, and neither begin nor end with -")
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return errors.New("the host of the callback URL ends in a number but is not an IP address: correct it")
	}
	return nil
}

// validLabel allows the underscore too: names inside container networks have it.
func validLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		c := label[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
