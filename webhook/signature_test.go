package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
)

func TestVerifyVectors(t *testing.T) {
	for _, v := range vectors(t) {
		now := time.Unix(v.Timestamp, 0)
		if err := Verify(v.Verify, v.header(), []byte(v.Body), now, time.Minute); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		for _, secret := range v.Verify { // each alone is enough
			if err := Verify([]string{secret}, v.header(), []byte(v.Body), now, time.Minute); err != nil {
				t.Errorf("%s, one of its secrets: %v", v.Name, err)
			}
		}
		if err := Verify(v.Verify, v.header(), []byte(v.Body+" "), now, time.Minute); err == nil {
			t.Errorf("%s: another body was accepted", v.Name)
		}
	}
}

// signedCase is a request, how it is verified, and what the test says of it.
type signedCase struct {
	secrets   []string
	header    http.Header
	body      string
	now       time.Time
	tolerance time.Duration
}

func (c signedCase) verify() error {
	return Verify(c.secrets, c.header, []byte(c.body), c.now, c.tolerance)
}

// goodCase is signed with a shared secret and a private key, in this order, and verified with both.
func goodCase(t testing.TB) signedCase {
	t.Helper()
	for _, v := range vectors(t) {
		if v.Name == "letters beyond ASCII" {
			return signedCase{v.Verify, v.header(), v.Body, time.Unix(v.Timestamp, 500_000_000), time.Minute}
		}
	}
	t.Fatal("the vector is gone")
	return signedCase{}
}

func TestVerify(t *testing.T) {
	const id, timestamp, signature = api.HeaderWebhookID, api.HeaderWebhookTimestamp, api.HeaderWebhookSignature
	set := func(name, value string) func(*signedCase) {
		return func(c *signedCase) { c.header.Set(name, value) }
	}
	split := func(c *signedCase) (shared, public string) {
		shared, public, _ = strings.Cut(c.header.Get(signature), " ")
		return shared, public
	}
	private, _ := NewKeyPair()
	_, stranger := NewKeyPair()
	for _, row := range []struct {
		name   string
		change func(*signedCase)
		reason string // empty: accepted
	}{
		{"as sent", func(*signedCase) {}, ""},
		{"names in another case", func(c *signedCase) {
			h := http.Header{}
			for name, values := range c.header {
				h.Set(strings.ToUpper(name), values[0])
			}
			c.header = h
		}, ""},
		{"shared secret only", func(c *signedCase) { c.secrets = c.secrets[:1] }, ""},
		{"public key only", func(c *signedCase) { c.secrets = c.secrets[1:] }, ""},
		{"new secret of the receiver first", func(c *signedCase) { c.secrets = []string{NewSecret(), stranger, c.secrets[0]} }, ""},
		{"unknown versions around", func(c *signedCase) {
			c.header.Set(signature, "v2,AAAA v1b,x v1 ,, v0,"+strings.Repeat("A", 44)+" "+c.header.Get(signature)+" v9")
		}, ""},
		{"several blanks", func(c *signedCase) {
			shared, public := split(c)
			c.header.Set(signature, "  "+shared+"   "+public+" ")
		}, ""},
		{"wrong ones before the right one", func(c *signedCase) {
			wrong := newSigner(t, NewSecret(), private).Sign("e1", c.now, nil)
			c.header.Set(signature, wrong+" "+c.header.Get(signature))
		}, ""},
		{"16 signatures", func(c *signedCase) { c.header.Set(signature, strings.Repeat("v1,A ", 14)+c.header.Get(signature)) }, ""},
		{"60 s later", func(c *signedCase) { c.now = c.now.Add(time.Minute) }, ""},
		{"60 s earlier", func(c *signedCase) { c.now = c.now.Add(-time.Minute) }, ""},
		{"default tolerance", func(c *signedCase) { c.now, c.tolerance = c.now.Add(DefaultSkew), 0 }, ""},

		{"61 s later", func(c *signedCase) { c.now = c.now.Add(61 * time.Second) }, "too far"},
		{"61 s earlier", func(c *signedCase) { c.now = c.now.Add(-61 * time.Second) }, "too far"},
		{"beyond the default tolerance", func(c *signedCase) { c.now, c.tolerance = c.now.Add(DefaultSkew+time.Second), 0 }, "too far"},
		{"no id", func(c *signedCase) { c.header.Del(id) }, "webhook-id is missing"},
		{"empty id", set(id, ""), "webhook-id is missing"},
		{"no timestamp", func(c *signedCase) { c.header.Del(timestamp) }, "webhook-timestamp is missing"},
		{"no signature", func(c *signedCase) { c.header.Del(signature) }, "webhook-signature is missing"},
		{"nil header", func(c *signedCase) { c.header = nil }, "webhook-id is missing"},
		{"two ids", func(c *signedCase) { c.header.Add(id, "e2") }, "webhook-id is there more than once"},
		{"two timestamps", func(c *signedCase) { c.header.Add(timestamp, "1") }, "webhook-timestamp is there more than once"},
		{"two signatures", func(c *signedCase) { c.header.Add(signature, "v1,A") }, "webhook-signature is there more than once"},
		{"another id", set(id, "e2"), "no signature"},
		{"another timestamp", set(timestamp, "1767225661"), "no signature"},
		{"timestamp with a 0 before it", set(timestamp, "01767225660"), "no signature"},
		{"timestamp is no number", set(timestamp, "now"), "not a time"},
		{"timestamp with a sign", set(timestamp, "+1767225660"), "not a time"},
		{"timestamp with a fraction", set(timestamp, "1767225660.0"), "not a time"},
		{"timestamp in milliseconds", set(timestamp, "1767225660000"), "not a time"},
		{"negative timestamp", set(timestamp, "-1"), "not a time"},
		{"another body", func(c *signedCase) { c.body += "\n" }, "no signature"},
		{"no body", func(c *signedCase) { c.body = "" }, "no signature"},
		{"other secrets", func(c *signedCase) { c.secrets = []string{NewSecret(), stranger} }, "no signature"},
		{"a letter of the code in another case", func(c *signedCase) {
			shared, _ := split(c)
			c.header.Set(signature, strings.ToLower(shared))
		}, "no signature"},
		{"cut code", func(c *signedCase) { shared, _ := split(c); c.header.Set(signature, shared[:len(shared)-4]) }, "no signature"},
		{"empty code", set(signature, "v1,"), "no signature"},
		{"only blanks", set(signature, "  "), "no signature"},
		{"no version", func(c *signedCase) {
			shared, _ := split(c)
			c.header.Set(signature, strings.TrimPrefix(shared, "v1,"))
		}, "no signature"},
		{"separated by commas", func(c *signedCase) {
			c.header.Set(signature, strings.ReplaceAll(c.header.Get(signature), " ", ","))
		}, "no signature"},
		{"code as another version", func(c *signedCase) {
			shared, _ := split(c)
			c.header.Set(signature, "v1a"+strings.TrimPrefix(shared, "v1"))
		}, "no signature"},
		{"Ed25519 for a receiver with the shared secret", func(c *signedCase) {
			_, public := split(c)
			c.secrets, c.header = c.secrets[:1], c.header.Clone()
			c.header.Set(signature, public)
		}, "no signature"},
		{"17 signatures", func(c *signedCase) { c.header.Set(signature, strings.Repeat("v1,A ", 15)+c.header.Get(signature)) }, "limit is 16"},

		{"no secrets", func(c *signedCase) { c.secrets = nil }, "no secret to verify with"},
		{"an empty secret", func(c *signedCase) { c.secrets = append([]string{""}, c.secrets...) }, "secret 1 of 3: the secret is empty"},
		{"a private key", func(c *signedCase) { c.secrets = []string{c.secrets[0], private} }, "secret 2 of 2: a private key (whsk_) belongs to the sender"},
		{"negative tolerance", func(c *signedCase) { c.tolerance = -time.Second }, "tolerance is negative"},
	} {
		c := goodCase(t)
		row.change(&c)
		err := c.verify()
		if (err == nil) != (row.reason == "") || err != nil && !strings.Contains(err.Error(), row.reason) {
			t.Errorf("%s: %v, want %q", row.name, err, row.reason)
		}
		for _, secret := range c.secrets {
			leaksNothing(t, err, secret)
		}
	}
}

// The dots are signed too: a signature must not fit a second request that puts them elsewhere.
func TestVerifyRefusesMovedDots(t *testing.T) {
	secret := NewSecret()
	at := time.Unix(testTime, 0)
	const body = `1767225661.{"forged":true}`
	h := signedHeader("e1", testTime, newSigner(t, secret).Sign("e1", at, []byte(body)))
	if err := Verify([]string{secret}, h, []byte(body), at, time.Minute); err != nil {
		t.Fatal(err)
	}
	h.Set(api.HeaderWebhookID, "e1.1767225660")
	h.Set(api.HeaderWebhookTimestamp, "1767225661")
	err := Verify([]string{secret}, h, []byte(`{"forged":true}`), at, time.Minute)
	if err == nil || !strings.Contains(err.Error(), "holds a dot") {
		t.Errorf("the same signature over another split: %v", err)
	}
}

// Any one changed bit of what is signed, or of the signature's bytes, is noticed.
func TestVerifyNoticesEachBit(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 20))
	flip := func(s string) string {
		b := []byte(s)
		b[random.IntN(len(b))] ^= 1 << random.IntN(8)
		return string(b)
	}
	for range 300 {
		c := goodCase(t)
		c.secrets = c.secrets[random.IntN(2):][:1]
		switch random.IntN(3) {
		case 0:
			c.header.Set(api.HeaderWebhookID, flip(c.header.Get(api.HeaderWebhookID)))
		case 1:
			c.body = flip(c.body)
		case 2:
			version := map[bool]string{true: versionHMAC, false: versionEd25519}[strings.HasPrefix(c.secrets[0], prefixHMAC)]
			entries := strings.Fields(c.header.Get(api.HeaderWebhookSignature))
			for _, entry := range entries {
				text, ok := strings.CutPrefix(entry, version+",")
				if !ok {
					continue
				}
				raw, err := base64Text.DecodeString(text)
				if err != nil {
					t.Fatal(err)
				}
				c.header.Set(api.HeaderWebhookSignature, version+","+base64Text.EncodeToString([]byte(flip(string(raw)))))
			}
		}
		if err := c.verify(); err == nil {
			t.Fatalf("accepted: %v %q", c.header, c.body)
		}
	}
}

// FuzzVerify sends any headers and body. What is accepted has the code that the standard library computes, and an id that
// cannot be taken for something else.
func FuzzVerify(f *testing.F) {
	for _, v := range vectors(f) {
		h := v.header()
		f.Add(v.ID, h.Get(api.HeaderWebhookTimestamp), v.Signature, v.Body)
	}
	f.Add("e1", "1767225660", "v1, v1a, v1 , ,,", "")
	f.Add("a.b", "", "v1a,"+strings.Repeat("A", 86)+"==", "{}")
	const shared = "whsec_Zt8SnXKuHQAoTnB4FvR7KlgzeqFpR/vcIKaiIeJuxaw="
	key := decoded(f, shared)
	f.Fuzz(func(t *testing.T, id, timestamp, signature, body string) {
		h := http.Header{}
		h.Set(api.HeaderWebhookID, id)
		h.Set(api.HeaderWebhookTimestamp, timestamp)
		h.Set(api.HeaderWebhookSignature, signature)
		if Verify([]string{shared}, h, []byte(body), time.Unix(testTime, 0), time.Hour) != nil {
			return
		}
		code := hmac.New(sha256.New, key)
		_, _ = code.Write([]byte(id + "." + timestamp + "." + body))
		want := "v1," + base64.StdEncoding.EncodeToString(code.Sum(nil))
		if !slices.Contains(strings.Fields(signature), want) || id == "" || strings.Contains(id, ".") {
			t.Errorf("accepted without %s: %q %q %q %q", want, id, timestamp, signature, body)
		}
	})
}
