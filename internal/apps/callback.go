package apps

import (
	"slices"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/seal"
)

// Limits of a callback endpoint.
const (
	// MinCallbackTimeoutMS and MaxCallbackTimeoutMS bound the time for an attempt in milliseconds.
	MinCallbackTimeoutMS, MaxCallbackTimeoutMS = 100, 60_000
	// MaxCallbackConcurrency is the most attempts under way at a time.
	MaxCallbackConcurrency = 1024
	// MaxCallbackToken is the longest Token in characters.
	MaxCallbackToken = 256
	// MaxCallbackAttempts is the largest budget in attempts.
	MaxCallbackAttempts = 1000
	// MinCallbackAge and MaxCallbackAge bound the budget in time.
	MinCallbackAge, MaxCallbackAge = time.Second, 30 * 24 * time.Hour
	// MaxPauseReason is the longest reason of a pause in characters.
	MaxPauseReason = 200
)

func (p *problems) callback(c relation.Callback, checks Checks) {
	if c.URL != "" {
		if err := checks.URL(c.URL); err != nil {
			*p = append(*p, err.Error())
		}
	}
	p.check(len(c.Token) <= MaxCallbackToken && printable(c.Token),
		"the callback token must be at most %d printable ASCII characters without blanks", MaxCallbackToken)
	p.check(!seal.Is(c.Token), "the callback token must not begin with %s", seal.Prefix)
	p.check(c.TimeoutMS == 0 || c.TimeoutMS >= MinCallbackTimeoutMS && c.TimeoutMS <= MaxCallbackTimeoutMS,
		"the callback timeout must be %d to %d milliseconds, or 0 for the default", MinCallbackTimeoutMS, MaxCallbackTimeoutMS)
	p.check(c.Concurrency >= 0 && c.Concurrency <= MaxCallbackConcurrency,
		"the callback concurrency must be 1 to %d, or 0 for the default", MaxCallbackConcurrency)
	p.check(!c.Listen || c.URL == "", "callbacks go either to a URL or to who listens: clear the callback URL (`--url ''`) to listen, or end listening (`--listen=false`)")
	p.kinds(c)
	p.policy(c)
	p.signingKeys(c.SigningKeys, checks.Secret)
	p.trust(c)
	p.pause(c.Paused)
}

// policy checks what is done about failures.
func (p *problems) policy(c relation.Callback) {
	p.check(slices.Contains(relation.RetryPolicies(), c.RetryPolicy()),
		"the retry policy must be %s, %s or %s", relation.RetryFailures, relation.RetryTimeouts, relation.RetryOff)
	p.check(slices.Contains(relation.AppErrorPolicies(), c.AppErrorPolicy()),
		"the app error policy must be %s, %s or %s", relation.AppErrorRetry, relation.AppErrorAccept, relation.AppErrorPark)
	p.check(c.MaxAttempts >= 0 && c.MaxAttempts <= MaxCallbackAttempts,
		"the most attempts must be 1 to %d, or 0 for no limit but time", MaxCallbackAttempts)
	p.check(c.MaxAgeMS == 0 || c.MaxAgeMS >= MinCallbackAge.Milliseconds() && c.MaxAgeMS <= MaxCallbackAge.Milliseconds(),
		"the time for retries must be %d to %d milliseconds (a second to 30 days), or 0 for the server's",
		MinCallbackAge.Milliseconds(), MaxCallbackAge.Milliseconds())
}

// trust checks whom the endpoint and Kith show themselves as.
func (p *problems) trust(c relation.Callback) {
	plain := strings.HasPrefix(strings.ToLower(c.URL), "http://")
	p.check(!c.MutualTLS || !plain, "mutual TLS needs a callback URL that begins with https://; `--mutual-tls=false` ends it")
	if c.CA == "" {
		return
	}
	p.check(!plain, "a CA bundle needs a callback URL that begins with https://; nothing is verified without TLS, and `--ca ''` takes the bundle away")
	if err := CheckBundle(c.CA); err != nil {
		*p = append(*p, err.Error())
	}
}

func (p *problems) pause(pause *relation.Pause) {
	if pause == nil {
		return
	}
	p.check(pause.By == relation.PausedByOperator || pause.By == relation.PausedByEndpoint, "a pause is by %s or %s",
		relation.PausedByOperator, relation.PausedByEndpoint)
	if pause.Reason != "" {
		p.label("the reason of a pause", pause.Reason, MaxPauseReason)
	}
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
