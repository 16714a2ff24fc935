package operator

import (
	"net/url"
	"strings"
	"testing"
)

// What the log shows of a path: all of it, unless something stands where an id belongs.
func TestRedactPath(t *testing.T) {
	fill := strings.NewReplacer("{id}", "4294967295", "{fingerprint}", "0123456789ab", "{token}", "0123456789ab", "{key}", "0123456789ab",
		"{event}", "01980000-7c1e-7b52-9d3f-0c8f6f4f6b1a", "{replay}", "01980000-7c1e-7b52-9d3f-0c8f6f4f6b1a", "{exchange}", "01980000-7c1e-7b52-9d3f-0c8f6f4f6b1a")
	for _, e := range (&handler{}).endpoints() {
		path := prefix + fill.Replace(e.path)
		if got := redactPath(&url.URL{Path: path}); got != path {
			t.Errorf("%s is shown as %s", path, got)
		}
	}
	for _, secret := range []string{"abcdefghijklmnop", "0123456789abcdef", "whsk_x", "kat_7_x", "a%2Fb", "A", "..%2f"} {
		u, err := url.Parse("/operator/v1/apps/" + secret)
		if err != nil {
			t.Fatal(err)
		}
		if got := redactPath(u); got != "/operator/v1/apps/***" {
			t.Errorf("%s is shown as %s", secret, got)
		}
	}
}

func TestRedactURL(t *testing.T) {
	for raw, want := range map[string]string{
		"": "", "https://h/p": "https://h/p", "https://h/p?": "https://h/p?", "https://h/?a=b": "https://h/?a=***", "https://h/?a=&&b=c=d": "https://h/?a=***&&b=***",
		"https://h/?token": "https://h/?***", "https://h/?=x": "https://h/?=***",
	} {
		if got := redactURL(raw); got != want {
			t.Errorf("%q is shown as %q, want %q", raw, got, want)
		}
		if shown := want != raw; (checkRedacted(want) != nil) != shown {
			t.Errorf("%q sent back: %v", want, checkRedacted(want))
		}
	}
}
