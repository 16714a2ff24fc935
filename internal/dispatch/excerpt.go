package dispatch

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/kithchat/kith/internal/relation"
)

// excerpt is the first bytes of an answer, as text that any store takes. Receivers echo what they were sent; secrets are
// what must not be kept of that.
func excerpt(a *answer, secrets []string) string {
	const looked = 8 * relation.MaxAnswerKept
	if a == nil {
		return ""
	}
	text := strings.ToValidUTF8(string(a.body[:min(len(a.body), looked)]), "\uFFFD")
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

// secretsOf lists what must not be kept of an echo: the Token and what the configured URL has besides its place.
func secretsOf(s settings) []string {
	var found []string
	add := func(texts ...string) {
		const short = 4 // too short to be a secret, and likely to be part of any text
		for _, text := range texts {
			if len(text) >= short {
				found = append(found, text, url.QueryEscape(text))
			}
		}
	}
	add(s.token)
	for _, k := range s.keys {
		add(k.Secret, strings.TrimPrefix(strings.TrimPrefix(k.Secret, "whsec_"), "whsk_"))
	}
	if u, err := url.Parse(s.url); err == nil {
		add(u.RawQuery)
		for _, values := range u.Query() {
			add(values...)
		}
		if u.User != nil {
			password, _ := u.User.Password()
			add(password, u.User.Username())
		}
	}
	return found
}
