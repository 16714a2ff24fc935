package apps

import (
	"slices"
	"strings"

	"github.com/kithchat/kith/internal/relation"
)

// Limits of a callback endpoint.
const (
	// MinCallbackTimeoutMS and MaxCallbackTimeoutMS bound the time for an attempt in milliseconds.
	MinCallbackTimeoutMS, MaxCallbackTimeoutMS = 100, 60_000
	// MaxCallbackConcurrency is the most attempts under way at a time.
	MaxCallbackConcurrency = 1024
	// MaxCallbackToken is the longest Token in characters.
	MaxCallbackToken = 256
)

func (p *problems) callback(c relation.Callback, checkURL func(string) error) {
	if c.URL != "" {
		if err := checkURL(c.URL); err != nil {
			*p = append(*p, err.Error())
		}
	}
	p.check(len(c.Token) <= MaxCallbackToken && printable(c.Token),
		"the callback token must be at most %d printable ASCII characters without blanks", MaxCallbackToken)
	p.check(c.TimeoutMS == 0 || c.TimeoutMS >= MinCallbackTimeoutMS && c.TimeoutMS <= MaxCallbackTimeoutMS,
		"the callback timeout must be %d to %d milliseconds, or 0 for the default", MinCallbackTimeoutMS, MaxCallbackTimeoutMS)
	p.check(c.Concurrency >= 0 && c.Concurrency <= MaxCallbackConcurrency,
		"the callback concurrency must be 1 to %d, or 0 for the default", MaxCallbackConcurrency)
	p.kinds(c)
}

// kinds checks the commands that differ from what they are by themselves.
func (p *problems) kinds(c relation.Callback) {
	for _, kind := range slices.Concat(c.Off, c.On) {
		p.check(slices.Contains(relation.EventKinds(), kind),
			"there is no callback command %q; the commands are %s", kind, kindNames())
	}
	for _, kind := range c.Off {
		p.check(!kind.OptIn(), "callback command %q is off by itself: name it under on to send it, and nowhere to not send it", kind)
	}
	for _, kind := range c.On {
		p.check(kind.OptIn() || !slices.Contains(relation.EventKinds(), kind),
			"callback command %q is on by itself: name it under off to not send it, and nowhere to send it", kind)
	}
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
