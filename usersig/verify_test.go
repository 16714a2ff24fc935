package usersig_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/usersig"
)

func TestVerifyTicketsOfOtherSigners(t *testing.T) {
	for _, v := range readVectors(t) {
		t.Run(v.Generator, func(t *testing.T) {
			got, err := usersig.Verify(v.UserSig, v.params())
			if err != nil || !reflect.DeepEqual(got, v.ticket()) {
				t.Fatalf("Verify = %+v, %v; want %+v", got, err, v.ticket())
			}
			if doc := string(inflate(t, v.UserSig)); doc != v.SigDoc {
				t.Errorf("document = %q, want %q", doc, v.SigDoc)
			}
			p := v.params()
			p.Keys = []string{strings.ToUpper(v.Key)}
			if _, err := usersig.Verify(v.UserSig, p); !errors.Is(err, usersig.ErrSignature) {
				t.Errorf("with another key: %v, want ErrSignature", err)
			}
		})
	}
}

func TestVerifyReferenceTicket(t *testing.T) {
	got, err := usersig.Verify(refUserSig, refParams)
	if err != nil || !reflect.DeepEqual(got, refTicket) {
		t.Fatalf("Verify = %+v, %v; want %+v", got, err, refTicket)
	}
}

func TestVerifyCoversUserBuf(t *testing.T) {
	ticket := refObject(object{"TLS.userbuf": "cm9vbS00Mg==", "TLS.sig": refBufSig}).pack(t)
	got, err := usersig.Verify(ticket, refParams)
	if err != nil || string(got.UserBuf) != "room-42" {
		t.Fatalf("Verify = %+v, %v; want the buffer room-42", got, err)
	}
	for name, buf := range map[string]any{"removed": nil, "emptied": "", "changed": "cm9vbS00Mw=="} {
		forged := refObject(object{"TLS.userbuf": buf, "TLS.sig": refBufSig}).pack(t)
		if _, err := usersig.Verify(forged, refParams); !errors.Is(err, usersig.ErrSignature) {
			t.Errorf("buffer %s: %v, want ErrSignature", name, err)
		}
	}
}

// A user buffer that is there but empty has its line in the signed text.
func TestVerifyEmptyUserBuf(t *testing.T) {
	sig := macText(refKey, "TLS.identifier:ops-root\nTLS.sdkappid:1600077123\nTLS.time:1767225600\nTLS.expire:86400\nTLS.userbuf:\n")
	got, err := usersig.Verify(refObject(object{"TLS.userbuf": "", "TLS.sig": sig}).pack(t), refParams)
	if err != nil || got.UserBuf == nil || len(got.UserBuf) != 0 {
		t.Fatalf("Verify = %+v, %v; want an empty buffer that is not nil", got, err)
	}
}

// TestVerifyOrder has a case for each check, and each case is wrong in all
// later checks too: it pins the order as well as the check.
func TestVerifyOrder(t *testing.T) {
	const badSig = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	late := time.Unix(refTime+refExpire+1, 0)
	const kick = refTime + 1
	forged := refObject(object{"TLS.sig": badSig}).pack(t)
	tests := []struct {
		name   string
		ticket string
		params usersig.Params
		want   usersig.Error
	}{
		{"no keys", "", usersig.Params{Now: late, NotBefore: kick}, usersig.ErrNoKey},
		{"empty keys only", "", usersig.Params{Keys: []string{"", ""}, Now: late, NotBefore: kick}, usersig.ErrNoKey},
		{"no identifier", "", usersig.Params{Keys: []string{"k"}, Now: late, NotBefore: kick}, usersig.ErrNoIdentifier},
		{"empty ticket", "", usersig.Params{Identifier: "x", Keys: []string{"k"}, Now: late, NotBefore: kick}, usersig.ErrEmpty},
		{"malformed", "x", usersig.Params{Identifier: "x", Keys: []string{"k"}, Now: late, NotBefore: kick}, usersig.ErrMalformed},
		{"other app", forged, usersig.Params{SDKAppID: 1, Identifier: "x", Keys: []string{"k"}, Now: late, NotBefore: kick}, usersig.ErrSDKAppIDMismatch},
		{"other user", forged, usersig.Params{SDKAppID: refApp, Identifier: "x", Keys: []string{"k"}, Now: late, NotBefore: kick}, usersig.ErrIdentifierMismatch},
		{"other key", refUserSig, usersig.Params{SDKAppID: refApp, Identifier: refUser, Keys: []string{"k"}, Now: late, NotBefore: kick}, usersig.ErrSignature},
		{"forged", forged, usersig.Params{SDKAppID: refApp, Identifier: refUser, Keys: []string{refKey}, Now: late, NotBefore: kick}, usersig.ErrSignature},
		{"expired", refUserSig, usersig.Params{SDKAppID: refApp, Identifier: refUser, Keys: []string{refKey}, Now: late, NotBefore: kick}, usersig.ErrExpired},
		{"kicked", refUserSig, usersig.Params{SDKAppID: refApp, Identifier: refUser, Keys: []string{refKey}, Now: time.Unix(refTime, 0), NotBefore: kick}, usersig.ErrRevoked},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := usersig.Verify(test.ticket, test.params)
			if !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if !reflect.DeepEqual(got, usersig.Ticket{}) {
				t.Errorf("a refused ticket returned content: %+v", got)
			}
		})
	}
}

func TestVerifyIdentifierIsExact(t *testing.T) {
	for _, other := range []string{"Ops-root", "ops-roo", "ops-root ", "ops-root\x00"} {
		p := refParams
		p.Identifier = other
		if _, err := usersig.Verify(refUserSig, p); !errors.Is(err, usersig.ErrIdentifierMismatch) {
			t.Errorf("%q: %v, want ErrIdentifierMismatch", other, err)
		}
	}
}

func TestVerifyKeyRotation(t *testing.T) {
	for _, keys := range [][]string{{refKey, "new"}, {"new", refKey}, {"", "new", refKey, "old"}} {
		p := refParams
		p.Keys = keys
		if _, err := usersig.Verify(refUserSig, p); err != nil {
			t.Errorf("the key among %d: %v", len(keys), err)
		}
	}
}

// An empty key in a list must not let in a ticket that anybody can make.
func TestVerifyEmptyKeyNeverMatches(t *testing.T) {
	ticket := refObject(object{"TLS.sig": macFields("", refUser, refApp, refTime, refExpire)}).pack(t)
	p := refParams
	p.Keys = []string{"", refKey, ""}
	if _, err := usersig.Verify(ticket, p); !errors.Is(err, usersig.ErrSignature) {
		t.Errorf("signed with the empty key: %v, want ErrSignature", err)
	}
}

func TestVerifyTimes(t *testing.T) {
	last := time.Unix(refTime+refExpire, 0)
	tests := []struct {
		name      string
		now       time.Time
		notBefore int64
		want      error
	}{
		{"last second", last, 0, nil},
		{"within the last second", last.Add(time.Second - 1), 0, nil},
		{"one second later", last.Add(time.Second), 0, usersig.ErrExpired},
		{"issued in the future", time.Unix(refTime-7200, 0), 0, nil},
		{"kicked in an earlier second", last, refTime - 1, nil},
		{"kicked in the same second", last, refTime, nil},
		{"kicked in a later second", last, refTime + 1, usersig.ErrRevoked},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := refParams
			p.Now, p.NotBefore = test.now, test.notBefore
			if _, err := usersig.Verify(refUserSig, p); !errors.Is(err, test.want) {
				t.Errorf("Verify = %v, want %v", err, test.want)
			}
			if err := refTicket.CheckTime(test.now, test.notBefore); !errors.Is(err, test.want) {
				t.Errorf("CheckTime = %v, want %v", err, test.want)
			}
		})
	}
}

// A forgotten clock must not make old tickets valid for ever.
func TestVerifyZeroNowIsThePresent(t *testing.T) {
	old := usersig.Ticket{SDKAppID: 1, Identifier: "u", Issued: 1, Expire: 1}
	fresh := usersig.Ticket{SDKAppID: 1, Identifier: "u", Issued: time.Now().Unix(), Expire: 3600}
	for want, ticket := range map[error]usersig.Ticket{usersig.ErrExpired: old, nil: fresh} {
		text, err := usersig.Sign("k", ticket)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := usersig.Verify(text, usersig.Params{SDKAppID: 1, Identifier: "u", Keys: []string{"k"}}); !errors.Is(err, want) {
			t.Errorf("issued %d: %v, want %v", ticket.Issued, err, want)
		}
	}
}

func TestExpiresAtDoesNotOverflow(t *testing.T) {
	tests := []struct{ issued, expire, want int64 }{
		{refTime, refExpire, refTime + refExpire},
		{1, math.MaxInt64, math.MaxInt64},
		{math.MaxInt64, math.MaxInt64, math.MaxInt64},
		{math.MaxInt64, -1, math.MaxInt64 - 1},
		{math.MinInt64, -1, math.MinInt64},
		{0, math.MaxInt64, math.MaxInt64},
	}
	for _, test := range tests {
		if got := (usersig.Ticket{Issued: test.issued, Expire: test.expire}).ExpiresAt(); got != test.want {
			t.Errorf("ExpiresAt of %d + %d = %d, want %d", test.issued, test.expire, got, test.want)
		}
	}
}

// One signature must not fit two tickets: with a line feed in the identifier,
// or with free text as user buffer, the signed lines could be cut differently.
func TestVerifyRefusesAmbiguousLines(t *testing.T) {
	victim := "victim\nTLS.sdkappid:1600077123\nTLS.time:1767225600\nTLS.expire:86400\nTLS.userbuf:"
	sig := macFields(refKey, victim, refApp, refTime, refExpire)
	p := refParams
	p.Identifier = victim
	signed := refObject(object{"TLS.identifier": victim, "TLS.sig": sig})
	if _, err := usersig.Verify(signed.pack(t), p); !errors.Is(err, usersig.ErrMalformed) {
		t.Errorf("line feed in the identifier: %v, want ErrMalformed", err)
	}
	p.Identifier = "victim"
	recut := refObject(object{
		"TLS.identifier": "victim", "TLS.sig": sig,
		"TLS.userbuf": "\nTLS.sdkappid:1600077123\nTLS.time:1767225600\nTLS.expire:86400",
	})
	if _, err := usersig.Verify(recut.pack(t), p); !errors.Is(err, usersig.ErrMalformed) {
		t.Errorf("lines in the user buffer: %v, want ErrMalformed", err)
	}
}

// Each bit of the ticket, and each bit of the JSON inside it, is flipped. Such a
// ticket is refused or, where the bit carries nothing, has the same content.
func TestVerifyEveryBitFlip(t *testing.T) {
	check := func(where string, i int, ticket string) {
		got, err := usersig.Verify(ticket, refParams)
		if err == nil && !reflect.DeepEqual(got, refTicket) {
			t.Errorf("%s, bit %d flipped: verified as %+v", where, i, got)
		}
		var reason usersig.Error
		if err != nil && !errors.As(err, &reason) {
			t.Errorf("%s, bit %d flipped: %v is not an Error", where, i, err)
		}
	}
	flip := func(b []byte, i int) []byte {
		b = append([]byte(nil), b...)
		b[i/8] ^= 1 << (i % 8)
		return b
	}
	for i := range len(refUserSig) * 8 {
		check("text", i, string(flip([]byte(refUserSig), i)))
	}
	packed := unpackBytes(t, refUserSig)
	for i := range len(packed) * 8 {
		check("zlib", i, packBytes(flip(packed, i)))
	}
	plain := inflate(t, refUserSig)
	if _, err := usersig.Verify(packStored(plain), refParams); err != nil {
		t.Fatalf("no bit flipped: %v", err)
	}
	for i := range len(plain) * 8 {
		check("JSON", i, packStored(flip(plain, i)))
	}
}

// Compressors are shared between calls; content must not be.
func TestSignAndVerifyConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	for app := uint32(1); app <= 8; app++ {
		wg.Go(func() {
			want := usersig.Ticket{SDKAppID: app, Identifier: strings.Repeat("u", int(app)), Issued: 1, Expire: 1}
			p := usersig.Params{SDKAppID: app, Identifier: want.Identifier, Keys: []string{"k"}, Now: time.Unix(1, 0)}
			for range 50 {
				text, err := usersig.Sign("k", want)
				if err != nil {
					t.Error(err)
				}
				if got, err := usersig.Verify(text, p); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("Verify = %+v, %v; want %+v", got, err, want)
				}
				if _, err := usersig.Verify(text[:len(text)/2], p); !errors.Is(err, usersig.ErrMalformed) {
					t.Errorf("half a ticket: %v, want ErrMalformed", err)
				}
			}
		})
	}
	wg.Wait()
}
