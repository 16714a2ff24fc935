package apps_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/apps"
)

func TestWebOriginsAccepted(t *testing.T) {
	app := valid()
	app.WebOrigins = []string{
		"https://chat.example.net", "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]", "https://[2001:db8::7]:8443",
		"https://*.example.net", "https://*.example.net:8443", "https://xn--bcher-kva.example", "https://my_app.internal",
		"https://chat.example.net:80", "http://chat.example.net:443", // not the ports that browsers leave out
		"https://" + strings.Repeat("a", 63) + ".example",
	}
	if err := apps.Check(app, checks); err != nil {
		t.Error(err)
	}
}

func TestWebOriginsRefused(t *testing.T) {
	const begin, end, lower = "must begin with http:// or https://", "must end after host and port", "must be in lower case"
	const port, leaveOut, host = "must have a port of 1 to 65535", "must leave out :", "must have a host name"
	for origin, want := range map[string]string{
		"":                                    begin,
		"*":                                   begin,
		"null":                                begin,
		"chat.example.net":                    begin,
		"wss://chat.example.net":              begin,
		"HTTPS://chat.example.net":            begin,
		" https://chat.example.net":           begin,
		"https://chat.example.net/":           end,
		"https://chat.example.net/app":        end,
		"https://chat.example.net?x=1":        end,
		"https://chat.example.net#x":          end,
		"https:///":                           end,
		"https://Chat.example.net":            lower,
		"https://chat.example.net:":           port,
		"https://chat.example.net:0":          port,
		"https://chat.example.net:65536":      port,
		"https://chat.example.net:08443":      port,
		"https://chat.example.net:+1":         port,
		"https://::1":                         host,
		"https://chat.example.net:443":        leaveOut + "443",
		"http://chat.example.net:80":          leaveOut + "80",
		"https://":                            host,
		"https://*":                           host,
		"https://*.":                          host,
		"https://*chat.example.net":           host,
		"https://chat.*.net":                  host,
		"https://*.*.net":                     host,
		"https://*.127.0.0.1":                 host,
		"https://*.[::1]":                     host,
		"https://256.0.0.1":                   host,
		"https://127.1":                       host,
		"https://[::1":                        host,
		"https://[fe80::1%eth0]":              host,
		"https://[0:0::1]":                    host,
		"https://[127.0.0.1]":                 host,
		"https://chat..net":                   host,
		"https://chat.example.net.":           host,
		"https://-chat.example.net":           host,
		"https://chat example.net":            host,
		"https://bücher.example":              host,
		"https://a,https:":                    port,
		"https://" + long(64) + ".net":        host,
		"https://" + long(60, 60, 60, 60, 20): host,
	} {
		app := valid()
		app.WebOrigins = []string{origin}
		var invalid *apps.InvalidError
		err := apps.Check(app, checks)
		if !errors.As(err, &invalid) || len(invalid.Problems) != 1 || !strings.Contains(invalid.Problems[0], want) {
			t.Errorf("%q: %v, want one problem: %s", origin, err, want)
		}
	}
}

// long is a host name with labels of these lengths.
func long(labels ...int) string {
	parts := make([]string, len(labels))
	for i, n := range labels {
		parts[i] = strings.Repeat("a", n)
	}
	return strings.Join(parts, ".")
}
