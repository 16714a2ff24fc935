package webhook

import (
	"strings"
	"testing"
)

func TestSignReferenceVectors(t *testing.T) {
	for _, row := range []struct {
		token string
		time  int64
		want  string
	}{
		{"xxxxyyyy", 1669872112, "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"},
		{"xxxyyy", 1669872112, "e78a85473bed2cdc8d6fa8c4d5a4ba4735fd64156e15a99516b9890293e135de"},
		{"wh-token-7", 1767225660, "3e9d55a4f3e3f4851cad7db3b9dfcb2b0ba87a4b4fbc02ef3bb48150e9c88dff"},
	} {
		if got := Sign(row.token, row.time); got != row.want {
			t.Errorf("Sign(%q, %d) = %s, want %s", row.token, row.time, got, row.want)
		}
	}
}

func TestSignedByAny(t *testing.T) {
	const time = 1767225660
	good := Sign("new", time)
	for _, row := range []struct {
		name   string
		tokens []string
		sign   string
		want   bool
	}{
		{"only token", []string{"new"}, good, true},
		{"first of two", []string{"new", "old"}, good, true},
		{"second of two", []string{"old", "new"}, good, true},
		{"the same token twice", []string{"new", "new"}, good, true},
		{"upper case", []string{"new"}, strings.ToUpper(good), true},
		{"other token", []string{"old"}, good, false},
		{"no token", nil, good, false},
		{"other time", []string{"new"}, Sign("new", time+1), false},
		{"cut", []string{"new"}, good[:62], false},
		{"longer", []string{"new"}, good + "00", false},
		{"not hexadecimal", []string{"new"}, "zz" + good[2:], false},
		{"empty", []string{"new"}, "", false},
	} {
		if got := signedByAny(row.tokens, time, row.sign); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}
