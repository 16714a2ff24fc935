package operator

import (
	"net/url"
	"regexp"
	"strings"
)

// hidden stands for what is not shown.
const hidden = "***"

// redactURL hides the values in the query of a callback URL, where people put secrets. A URL that is configured has neither
// user nor password.
func redactURL(raw string) string {
	base, query, ok := strings.Cut(raw, "?")
	if !ok {
		return raw
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		if name, _, ok := strings.Cut(pair, "="); ok {
			pairs[i] = name + "=" + hidden
		} else if pair != "" {
			pairs[i] = hidden // a name alone may be the secret
		}
	}
	return base + "?" + strings.Join(pairs, "&")
}

// checkRedacted refuses a URL that was shown and is sent back: the hidden values would be lost.
func checkRedacted(raw string) error {
	if _, query, _ := strings.Cut(raw, "?"); strings.Contains(query, hidden) {
		return badRequest("the callback URL has %s in its query, which stands for what is not shown; give the value itself, or leave url out to keep it", hidden)
	}
	return nil
}

// showable are the parts of a path that are no secret: words of the API, numbers, fingerprints, UUIDs.
var showable = regexp.MustCompile(`^([a-z][a-z0-9.-]{0,14}|[0-9]{1,10}|[0-9a-f]{12}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$`)

// redactPath hides the parts of a path that may be a secret, given by mistake where an id belongs. A secret key has at least
// apps.MinKey characters, and all other secrets have more.
func redactPath(u *url.URL) string {
	parts := strings.Split(u.EscapedPath(), "/")
	for i, part := range parts {
		if !showable.MatchString(part) {
			parts[i] = hidden
		}
	}
	return strings.Join(parts, "/")
}
