package usersig_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/kithchat/kith/usersig"
)

// addSeeds gives the fuzzer tickets of all signers and some broken ones.
func addSeeds(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.UserSig)
	}
	f.Add("")
	f.Add(refUserSig)
	f.Add(refUserSig[:40])
	f.Add(refObject(object{"TLS.userbuf": "cm9vbS00Mg==", "TLS.sig": refBufSig}).pack(f))
	f.Add(refObject(object{"TLS.sdkappid": "1600077123"}).pack(f))
	f.Add(refObject(object{"TLS.expire": nil}).pack(f))
}

// FuzzVerify looks for a text that verifies with content nobody signed.
func FuzzVerify(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := usersig.Verify(text, refParams)
		var reason usersig.Error
		switch {
		case err != nil && !errors.As(err, &reason):
			t.Errorf("error %v is not an Error", err)
		case err == nil && len(got.UserBuf) == 0 && !reflect.DeepEqual(got, refTicket):
			t.Errorf("verified as %+v, which nobody signed", got)
		case err == nil && got.UserBuf != nil && string(got.UserBuf) != "room-42":
			t.Errorf("verified with the user buffer %q, which nobody signed", got.UserBuf)
		}
	})
}

// FuzzDecode checks that what decodes can be signed, and comes back the same.
func FuzzDecode(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		ticket, err := usersig.Decode(text)
		if err != nil {
			var reason usersig.Error
			if !errors.As(err, &reason) || !reflect.DeepEqual(ticket, usersig.Ticket{}) {
				t.Errorf("Decode = %+v, %v", ticket, err)
			}
			return
		}
		again, err := usersig.Sign("k", ticket)
		if err != nil {
			return // Sign is stricter: it wants an app, a time and a lifetime within limits
		}
		if got, err := usersig.Decode(again); err != nil || !reflect.DeepEqual(got, ticket) {
			t.Errorf("signed again: %+v, %v; want %+v", got, err, ticket)
		}
	})
}
