package apps

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/seal"
)

// Limits of an app's settings.
const (
	// MaxName is the longest name in characters.
	MaxName = 64
	// MaxAdmins is how many admins an app may have.
	MaxAdmins = 10
	// MaxBlocklistLimit is the largest blocklist limit in entries.
	MaxBlocklistLimit = 100_000
	// MaxDevicesPerPlatform is how many devices of one platform a user may be allowed.
	MaxDevicesPerPlatform = 20
	// MinKey and MaxKey bound the length of a secret key in characters.
	MinKey, MaxKey = 16, 256
)

// InvalidError says what is wrong with an app, a sentence for each problem, without quoting a secret. It is a
// relation.ErrParameter.
type InvalidError struct{ Problems []string }

// Error joins the problems.
func (e *InvalidError) Error() string { return strings.Join(e.Problems, "; ") }

// Unwrap makes it a relation.ErrParameter.
func (e *InvalidError) Unwrap() error { return relation.ErrParameter }

func invalid(format string, args ...any) error {
	return &InvalidError{Problems: []string{fmt.Sprintf(format, args...)}}
}

// Checks are the rules of other packages. Their errors must not quote what they check: people put secrets there.
type Checks struct {
	URL    func(url string) error    // of a callback URL
	Secret func(secret string) error // of a signing key; nil: no app can have any
}

// Check reports everything that is wrong with the record in one *InvalidError, or nil.
func Check(app *relation.App, checks Checks) error {
	var p problems
	p.check(app.SDKAppID != 0, "sdkappid must be 1 to %d", uint32(math.MaxUint32))
	p.label("the name", app.Name, MaxName)
	p.keys(app.Keys)
	p.admins(app.Admins)
	p.check(app.BlocklistLimit >= 0 && app.BlocklistLimit <= MaxBlocklistLimit,
		"the blocklist limit must be 1 to %d entries, or 0 for the default of %d", MaxBlocklistLimit, relation.DefaultBlocklistLimit)
	p.rates(app.Rates)
	p.check(app.DevicesPerPlatform >= 0 && app.DevicesPerPlatform <= MaxDevicesPerPlatform,
		"the devices per platform must be 1 to %d, or 0 for the default of %d", MaxDevicesPerPlatform, relation.DefaultDevicesPerPlatform)
	p.webOrigins(app.WebOrigins)
	p.callback(app.Callback, checks)
	p.tokens(app.Tokens)
	if len(p) == 0 {
		return nil
	}
	return &InvalidError{Problems: p}
}

// problems collects sentences.
type problems []string

// check adds the sentence unless ok.
func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Sprintf(format, args...))
	}
}

// label checks a text that is for people.
func (p *problems) label(what, text string, longest int) {
	ok := utf8.ValidString(text) && strings.TrimSpace(text) == text &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
	n := utf8.RuneCountInString(text)
	p.check(ok && n >= 1 && n <= longest, "%s must be 1 to %d printable characters without blanks at its ends", what, longest)
}

func (p *problems) keys(keys []relation.AppKey) {
	p.check(len(keys) >= 1, "the app needs a secret key")
	p.check(len(keys) <= MaxKeys, "an app has at most %d keys; drop old ones first", MaxKeys)
	seen := make(map[string]bool, len(keys))
	for _, key := range keys {
		n := len(key.Secret)
		p.check(n >= MinKey && n <= MaxKey && printable(key.Secret), "a secret key must be %d to %d printable ASCII characters", MinKey, MaxKey)
		p.check(!seal.Is(key.Secret), "a secret key must not begin with %s", seal.Prefix)
		p.check(!seen[key.Secret], "this secret key is one of the app's keys already")
		seen[key.Secret] = true
	}
}

func (p *problems) admins(admins []string) {
	p.check(len(admins) >= 1 && len(admins) <= MaxAdmins, "an app has 1 to %d admins, not %d", MaxAdmins, len(admins))
	for i, id := range admins {
		p.check(relation.ValidUserID(id), "admin %q is not a UserID: 1 to %d bytes of printable ASCII", id, relation.MaxUserID)
		p.check(!slices.Contains(admins[:i], id), "admin %q is named twice", id)
	}
}

func (p *problems) rates(rates relation.Rates) {
	p.rate("the app", rates.App)
	p.rate("each command", rates.Command)
	for _, command := range slices.Sorted(maps.Keys(rates.Special)) {
		p.check(command != "" && len(command) <= 64 && printable(command), "rates: %q is not the name of a command", command)
		p.rate(fmt.Sprintf("command %q", command), rates.Special[command])
	}
}

func (p *problems) rate(of string, perSecond float64) {
	ok := perSecond >= 0 && !math.IsInf(perSecond, 0) // NaN fails as well
	p.check(ok, "the rate of %s must be 0 (no limit) or more calls a second", of)
}

// printable reports whether s has only the ASCII characters from ! to ~.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
