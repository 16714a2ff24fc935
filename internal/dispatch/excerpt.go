package dispatch

import (
	"cmp"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kithchat/kith/internal/relation"
)

// excerpt is the first bytes of an answer, as text that any store takes. Receivers echo what they were sent; secrets are
// what must not be kept of that.
func excerpt(a *answer, secrets []string) string {
	if a == nil {
		return ""
	}
	// All of it is looked at, so that what is kept does not end in a part of a secret that goes on behind.
	text := strings.ToValidUTF8(string(a.body), "\uFFFD")
	text = strings.ReplaceAll(text, "\x00", "\uFFFD")
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, "[secret]")
	}
	if len(text) <= relation.MaxAnswerKept {
		return text
	}
	end := relation.MaxAnswerKept
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// secretsOf lists what must not be kept of an echo: the Token, the signing keys, what the configured URL has besides its place,
// and more, each as it is and as receivers write it into their answers. Longer ones come first, since one can begin another.
func secretsOf(s settings, more ...string) []string {
	var found []string
	add := func(texts ...string) {
		const short = 4 // too short to be a secret, and likely to be part of any text
		for _, text := range texts {
			if len(text) >= short {
				found = append(found, spellings(text)...)
			}
		}
	}
	add(s.token)
	add(more...)
	for _, k := range s.keys {
		add(k.Secret, strings.TrimPrefix(strings.TrimPrefix(k.Secret, "whsec_"), "whsk_"))
	}
	if u, err := url.Parse(s.url); err == nil {
		add(u.RawQuery)
		for pair := range strings.SplitSeq(u.RawQuery, "&") {
			_, value, _ := strings.Cut(pair, "=")
			add(value)
		}
		for _, values := range u.Query() {
			add(values...)
		}
		if u.User != nil {
			password, _ := u.User.Password()
			add(password, u.User.Username())
		}
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return slices.Compact(found)
}

// spellings are a text in clear, in a query, in a path, in HTML, and in JSON with and without care for HTML.
func spellings(text string) []string {
	all := []string{text, url.QueryEscape(text), url.PathEscape(text), html.EscapeString(text)}
	var b strings.Builder
	for _, careful := range []bool{true, false} {
		b.Reset()
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(careful)
		_ = encoder.Encode(text) // a string cannot fail
		quoted := strings.TrimSpace(b.String())
		all = append(all, quoted[1:len(quoted)-1])
	}
	return all
}
