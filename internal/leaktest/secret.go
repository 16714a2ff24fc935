package leaktest

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// Secrets of every kind that Kith keeps, for tests to work with. Each is valid where it belongs.
const (
	AppKey        = "leaktest-app-key-5a1c93e07b"
	CallbackToken = "leaktest-callback-token-f04b7d"
	SigningKey    = "whsec_bGVha3Rlc3QtaG1hYy1zaWduaW5nLWtleS0wMDE3NDM="
	SigningPair   = "whsk_bGVha3Rlc3QtZWQyNTUxOS1zZWVkLTM5MDE3NzYyOTHjjzQ+lPDrpnRR/hdC8hMe3bKu1Ilj3cGuHhib5bleew=="
	MasterKey     = "bGVha3Rlc3QtbWFzdGVyLWtleS1vZi0zMi1ieXRlcyE="
	OperatorToken = "leaktest-operator-token-c2268e"
	AppToken      = "kat_1600077123_bGVha3Rlc3QtYXBwLXRva2VuLTMyLWJ5dGVzLWxvbmc"
	URLSecret     = "leaktest-url-secret-77/+d1"
	ProxyPassword = "leaktest:proxy-password-90@1e"
)

// Known returns the secrets above by name.
func Known() map[string]string {
	return map[string]string{
		"app key": AppKey, "callback token": CallbackToken, "signing key": SigningKey, "signing pair": SigningPair,
		"master key": MasterKey, "operator token": OperatorToken, "app token": AppToken,
		"URL secret": URLSecret, "proxy password": ProxyPassword,
	}
}

// forms returns the texts by which a secret can show: as it is, without its prefix, in hexadecimal, escaped for a URL, as
// Go and JSON quote it, and in base64 at any place within a longer text, as in an Authorization header.
func forms(secret string) []string {
	bare := []string{secret}
	for _, prefix := range []string{"whsec_", "whsk_", "kat_"} {
		rest, ok := strings.CutPrefix(secret, prefix)
		if prefix == "kat_" {
			_, rest, ok = strings.Cut(rest, "_")
		}
		if ok {
			bare = append(bare, rest)
		}
	}
	if raw, err := base64.StdEncoding.DecodeString(bare[len(bare)-1]); err == nil && len(raw) >= 16 {
		bare = append(bare, string(raw[:min(len(raw), 32)])) // of a key pair its private half
	}
	var all []string
	for _, text := range bare {
		all = append(all, text, strings.TrimRight(text, "="), hex.EncodeToString([]byte(text)),
			strings.ToUpper(hex.EncodeToString([]byte(text))), url.QueryEscape(text), url.PathEscape(text),
			url.UserPassword("", text).String()[1:])
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all = append(all, within(encoding, text)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// within returns what stands in the base64 of any text that has the secret in it. A byte shares characters with its
// neighbours, so those at the ends are left out.
func within(encoding *base64.Encoding, secret string) []string {
	var texts []string
	for before := range 3 {
		text := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
		first := (before*8 + 5) / 6 // characters that the bytes before have a part in
		last := (before + len(secret)) * 8 / 6
		texts = append(texts, text[first:last])
	}
	return texts
}
