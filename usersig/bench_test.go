package usersig_test

import (
	"testing"

	"github.com/kithchat/kith/usersig"
)

func BenchmarkVerify(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := usersig.Verify(refUserSig, refParams); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckTime(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := refTicket.CheckTime(refParams.Now, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := usersig.Sign(refKey, refTicket); err != nil {
			b.Fatal(err)
		}
	}
}
