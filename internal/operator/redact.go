package operator

import "strings"

// hidden stands for what is not shown.
const hidden = "***"

// redactURL hides the values in the query of a callback URL, where people put secrets. A URL that is configured has neither
// user nor password.
func redactURL(url string) string {
	base, query, ok := strings.Cut(url, "?")
	if !ok {
		return url
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
func checkRedacted(url string) error {
	if _, query, _ := strings.Cut(url, "?"); strings.Contains(query, hidden) {
		return badRequest("the callback URL has %s in its query, which stands for what is not shown; give the value itself, or leave url out to keep it", hidden)
	}
	return nil
}
