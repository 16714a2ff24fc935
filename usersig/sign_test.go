package usersig_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kithchat/kith/usersig"
)

func TestSignReferenceTicket(t *testing.T) {
	withBuf := refTicket
	withBuf.UserBuf = []byte("room-42")
	tests := map[string]struct {
		ticket usersig.Ticket
		change object
	}{
		"plain":       {refTicket, nil},
		"user buffer": {withBuf, object{"TLS.userbuf": "cm9vbS00Mg==", "TLS.sig": refBufSig}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text, err := usersig.Sign(refKey, test.ticket)
			if err != nil {
				t.Fatal(err)
			}
			want, err := json.Marshal(refObject(test.change))
			if err != nil {
				t.Fatal(err)
			}
			if got := inflate(t, text); !reflect.DeepEqual(parse(t, got), parse(t, want)) {
				t.Errorf("document = %s, want %s", got, want)
			}
		})
	}
}

// parse decodes JSON for a comparison in which key order is free.
func parse(tb testing.TB, text []byte) (v any) {
	tb.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		tb.Fatal(err)
	}
	return v
}

func TestSignRefuses(t *testing.T) {
	tests := []struct {
		name   string
		key    string
		change func(*usersig.Ticket)
		want   error // nil: any error outside the set
	}{
		{"no key", "", func(*usersig.Ticket) {}, usersig.ErrNoKey},
		{"no identifier", refKey, func(t *usersig.Ticket) { t.Identifier = "" }, usersig.ErrNoIdentifier},
		{"line feed", refKey, func(t *usersig.Ticket) { t.Identifier = "a\nTLS.sdkappid:1" }, nil},
		{"not UTF-8", refKey, func(t *usersig.Ticket) { t.Identifier = "\xff" }, nil},
		{"no app", refKey, func(t *usersig.Ticket) { t.SDKAppID = 0 }, nil},
		{"no time", refKey, func(t *usersig.Ticket) { t.Issued = 0 }, nil},
		{"negative time", refKey, func(t *usersig.Ticket) { t.Issued = -1 }, nil},
		{"no lifetime", refKey, func(t *usersig.Ticket) { t.Expire = 0 }, nil},
		{"negative lifetime", refKey, func(t *usersig.Ticket) { t.Expire = math.MinInt64 }, nil},
		{"over 50 years", refKey, func(t *usersig.Ticket) { t.Expire = 50*365*86400 + 1 }, nil},
		{"too large", refKey, func(t *usersig.Ticket) { t.UserBuf = make([]byte, 8<<10) }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ticket := refTicket
			test.change(&ticket)
			text, err := usersig.Sign(test.key, ticket)
			if err == nil || text != "" {
				t.Fatalf("Sign = %q, %v; want an error and no ticket", text, err)
			}
			var reason usersig.Error
			if inSet := errors.As(err, &reason); test.want != nil && !errors.Is(err, test.want) || test.want == nil && inSet {
				t.Errorf("error = %v, want %v", err, test.want)
			}
		})
	}
}

// urlSafe are the characters that need no escape in a query.
var urlSafe = regexp.MustCompile(`^[A-Za-z0-9*_-]+$`)

func TestSignVerifyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := usersig.Ticket{
			SDKAppID: rapid.Uint32Range(1, math.MaxUint32).Draw(t, "app"),
			Identifier: rapid.String().Filter(func(s string) bool {
				return s != "" && !strings.Contains(s, "\n")
			}).Draw(t, "user"),
			Issued: rapid.Int64Range(1, math.MaxInt64).Draw(t, "issued"),
			Expire: rapid.Int64Range(1, 50*365*86400).Draw(t, "expire"),
		}
		if rapid.Bool().Draw(t, "has buffer") {
			want.UserBuf = rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "buffer")
		}
		key := rapid.StringN(1, -1, -1).Draw(t, "key")
		text, err := usersig.Sign(key, want)
		if err != nil {
			t.Fatal(err)
		}
		if !urlSafe.MatchString(text) {
			t.Fatalf("ticket %q needs an escape in a URL", text)
		}
		p := usersig.Params{SDKAppID: want.SDKAppID, Identifier: want.Identifier, Keys: []string{key}, Now: time.Unix(want.Issued, 0)}
		got, err := usersig.Verify(text, p)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("Verify = %+v, %v; want %+v", got, err, want)
		}
		p.Keys = []string{key + "x"}
		if _, err := usersig.Verify(text, p); !errors.Is(err, usersig.ErrSignature) {
			t.Fatalf("with another key: %v, want ErrSignature", err)
		}
	})
}
