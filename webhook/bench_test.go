package webhook

import (
	"testing"
	"time"
)

// benchmarkBody is one unblock, as Kith sends it.
const benchmarkBody = `{"CallbackCommand":"Sns.CallbackBlackListDelete","PairList":[{"From_Account":"mira.k","To_Account":"troll_77"}]}`

const benchmarkID = "019b7a5c-0000-7000-8000-000000000001"

func BenchmarkSigner(b *testing.B) {
	private, _ := NewKeyPair()
	at, body := time.Unix(testTime, 0), []byte(benchmarkBody)
	for _, row := range []struct {
		name    string
		secrets []string
	}{
		{"HMAC", []string{NewSecret()}},
		{"Ed25519", []string{private}},
		{"two HMAC", []string{NewSecret(), NewSecret()}},
	} {
		b.Run(row.name, func(b *testing.B) {
			s := newSigner(b, row.secrets...)
			b.ReportAllocs()
			for b.Loop() {
				s.Sign(benchmarkID, at, body)
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	private, public := NewKeyPair()
	shared := NewSecret()
	at, body := time.Unix(testTime, 0), []byte(benchmarkBody)
	for _, row := range []struct{ name, signs, verifies string }{
		{"HMAC", shared, shared},
		{"Ed25519", private, public},
	} {
		b.Run(row.name, func(b *testing.B) {
			h := signedHeader(benchmarkID, testTime, newSigner(b, row.signs).Sign(benchmarkID, at, body))
			secrets := []string{row.verifies}
			b.ReportAllocs()
			for b.Loop() {
				if err := Verify(secrets, h, body, at, time.Minute); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
