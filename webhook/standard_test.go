package webhook

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The official library knows shared secrets only, and looks at the real clock, with five minutes of tolerance.
func official(t *testing.T, secret string) *standardwebhooks.Webhook {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return wh
}

// anyBody makes a body of any bytes, short or long.
func anyBody(random *rand.Rand) []byte {
	body := make([]byte, random.IntN(1<<random.IntN(14)))
	for i := range body {
		body[i] = byte(random.Uint32())
	}
	return body
}

func TestOfficialLibraryVerifiesSigner(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 7))
	private, _ := NewKeyPair()
	for size := minHMAC; size <= maxHMAC; size++ {
		secret, at, body := ofBytes(prefixHMAC, size), time.Now(), anyBody(random)
		// Among other signatures too, as during a rotation.
		for _, secrets := range [][]string{{secret}, {NewSecret(), private, secret}} {
			h := signedHeader("e1", at.Unix(), newSigner(t, secrets...).Sign("e1", at, body))
			if err := official(t, secret).Verify(body, h); err != nil {
				t.Errorf("secret of %d bytes, %d signatures: %v", size, len(secrets), err)
			}
			if err := official(t, secret).Verify(append(body, ' '), h); err == nil {
				t.Errorf("secret of %d bytes: another body was accepted", size)
			}
		}
	}
}

func TestVerifyTakesOfficialLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 7))
	for size := minHMAC; size <= maxHMAC; size++ {
		secret, body := ofBytes(prefixHMAC, size), anyBody(random)
		at := time.Unix(random.Int64N(1<<33), 0)
		signature, err := official(t, secret).Sign("e1", at, body)
		if err != nil {
			t.Fatal(err)
		}
		old, err := official(t, NewSecret()).Sign("e1", at, body)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{signature, strings.Join([]string{old, signature}, " ")} {
			if err := Verify([]string{secret}, signedHeader("e1", at.Unix(), value), body, at, time.Second); err != nil {
				t.Errorf("secret of %d bytes: %v", size, err)
			}
		}
		if err := Verify([]string{secret}, signedHeader("e1", at.Unix(), old), body, at, time.Second); err == nil {
			t.Errorf("secret of %d bytes: a signature of another secret was accepted", size)
		}
	}
}
