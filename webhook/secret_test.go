package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// ofBytes writes n bytes as a secret.
func ofBytes(prefix string, n int) string {
	return prefix + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n)))
}

func TestNewSecretAndKeyPair(t *testing.T) {
	seen := make(map[string]bool)
	for range 20 {
		secret := NewSecret()
		private, public := NewKeyPair()
		if seen[secret] || seen[private] {
			t.Fatal("the same secret twice")
		}
		seen[secret], seen[private] = true, true
		if err := CheckSecret(secret); err != nil {
			t.Error(err)
		}
		if err := CheckSecret(private); err != nil {
			t.Error(err)
		}
		if got, err := PublicKey(private); got != public || err != nil {
			t.Errorf("public key %q, %v, want %q", got, err, public)
		}
		for text, size := range map[string]int{secret: 32, private: ed25519.PrivateKeySize, public: 32} {
			if s, err := parseSecret(text); err != nil || len(s.key) != size {
				t.Errorf("%s: a key of %d bytes, %v", text[:6], len(s.key), err)
			}
		}
	}
}

// The seed is all that is stored of a pair.
func TestPublicKeyOfBothForms(t *testing.T) {
	var seed, long vector
	for _, v := range vectors(t) {
		switch v.Name {
		case "private key":
			seed = v
		case "private key with the public key behind it":
			long = v
		}
	}
	for _, v := range []vector{seed, long} {
		if got, err := PublicKey(v.Secrets[0]); err != nil || got != v.Verify[0] || v.Verify[0] != seed.Verify[0] {
			t.Errorf("%s: %q, %v, want %q", v.Name, got, err, v.Verify[0])
		}
	}
}

func TestCheckSecretAcceptsAndRefuses(t *testing.T) {
	private, public := NewKeyPair()
	other, _ := NewKeyPair()
	mixed := decoded(t, private)
	mixed = append(mixed, decoded(t, other)...)
	for _, row := range []struct{ name, secret, reason string }{
		{"shared, 24 bytes", ofBytes("whsec_", 24), ""},
		{"shared, 64 bytes", ofBytes("whsec_", 64), ""},
		{"private key", ofBytes("whsk_", 32), ""},
		{"empty", "", "is empty"},
		{"no prefix", strings.TrimPrefix(ofBytes("whsec_", 32), "whsec_"), "begins neither with"},
		{"prefix in upper case", "WHSEC_" + strings.TrimPrefix(ofBytes("whsec_", 32), "whsec_"), "begins neither with"},
		{"blank before", " " + ofBytes("whsec_", 32), "begins neither with"},
		{"shared, 23 bytes", ofBytes("whsec_", 23), "has 23 bytes, it must have 24 to 64"},
		{"shared, 65 bytes", ofBytes("whsec_", 65), "has 65 bytes, it must have 24 to 64"},
		{"only a prefix", "whsec_", "has 0 bytes"},
		{"newline behind", ofBytes("whsec_", 32) + "\n", "a blank or a line break"},
		{"line break inside", "whsec_" + strings.Repeat("a", 16) + "\r\n" + strings.Repeat("a", 16), "a blank or a line break"},
		{"padding lost", strings.TrimRight(ofBytes("whsec_", 32), "="), "is not base64"},
		{"URL alphabet", "whsec_" + strings.Repeat("a-_b", 10), "is not base64"},
		{"bits behind the end", strings.TrimSuffix(ofBytes("whsec_", 32), "s=") + "t=", "is not base64"},
		{"hexadecimal with a letter too many", "whsec_" + strings.Repeat("0f", 16) + "a", "is not base64"},
		{"private, 31 bytes", ofBytes("whsk_", 31), "has 31 bytes, it must have 32"},
		{"private, 63 bytes", ofBytes("whsk_", 63), "has 63 bytes, it must have 32"},
		{"private, halves of two pairs", "whsk_" + base64.StdEncoding.EncodeToString(mixed), "do not belong together"},
		{"public", public, "only verifies"},
		{"public, 33 bytes", ofBytes("whpk_", 33), "has 33 bytes"},
	} {
		err := CheckSecret(row.secret)
		if (err == nil) != (row.reason == "") || err != nil && !strings.Contains(err.Error(), row.reason) {
			t.Errorf("%s: %v, want %q", row.name, err, row.reason)
		}
		leaksNothing(t, err, row.secret)
	}
}

func decoded(t testing.TB, secret string) []byte {
	t.Helper()
	_, text, _ := strings.Cut(secret, "_")
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestPublicKeyRefuses(t *testing.T) {
	_, public := NewKeyPair()
	for name, secret := range map[string]string{"shared": NewSecret(), "public": public, "empty": "", "short": ofBytes("whsk_", 8)} {
		got, err := PublicKey(secret)
		if err == nil || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		leaksNothing(t, err, secret)
	}
}

// leaksNothing fails when an error repeats eight characters in a row of what is behind the secret's prefix.
func leaksNothing(t *testing.T, err error, secret string) {
	t.Helper()
	if err == nil {
		return
	}
	if _, behind, ok := strings.Cut(secret, "_"); ok {
		secret = behind
	}
	for i := 0; i+8 <= len(secret); i++ {
		if part := secret[i : i+8]; strings.Contains(err.Error(), part) {
			t.Errorf("the error repeats %q of the secret: %v", part, err)
		}
	}
}

// FuzzSecret takes any text as a secret: nothing panics, what signs can be verified with what belongs to it, and what is
// taken has one spelling only.
func FuzzSecret(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Secrets[0])
		f.Add(v.Verify[0])
	}
	for _, text := range []string{"", "whsec_", "whsk_=", "whpk_\n", "whsec_" + strings.Repeat("A", 44), ofBytes("whsk_", 64)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSecret(text)
		if err != nil {
			if CheckSecret(text) == nil {
				t.Error("a secret that cannot be parsed is usable")
			}
			return
		}
		if again, _ := base64Text.DecodeString(text[len(s.prefix):]); s.prefix+base64.StdEncoding.EncodeToString(again) != text {
			t.Errorf("%q has another spelling", text)
		}
		signer, err := NewSigner([]string{text})
		if (err == nil) != (CheckSecret(text) == nil) || (err == nil) != (s.prefix != prefixPublic) {
			t.Fatalf("NewSigner: %v, CheckSecret: %v", err, CheckSecret(text))
		}
		if err != nil {
			return
		}
		verify := text
		if s.prefix == prefixPrivate {
			if verify, err = PublicKey(text); err != nil {
				t.Fatal(err)
			}
		}
		at, body := time.Unix(testTime, 0), []byte("{}")
		h := signedHeader("e1", testTime, signer.Sign("e1", at, body))
		if err := Verify([]string{verify}, h, body, at, time.Second); err != nil {
			t.Errorf("own signature: %v", err)
		}
	})
}
