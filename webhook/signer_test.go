package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
)

// vector is a row of testdata/signature.json, whose signatures others made: those of shared secrets the official
// JavaScript library, those of private keys Node.js. conformance/node/signature.test.mjs holds them to both.
type vector struct {
	Name      string
	Secrets   []string // of the sender
	Verify    []string // of the receiver
	ID        string
	Timestamp int64
	Body      string
	Signature string
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(text, &list); err != nil || len(list) == 0 {
		t.Fatalf("%d vectors, %v", len(list), err)
	}
	return list
}

// header is what a sender adds to the vector's request.
func (v vector) header() http.Header {
	return signedHeader(v.ID, v.Timestamp, v.Signature)
}

func signedHeader(id string, seconds int64, signature string) http.Header {
	h := http.Header{}
	h.Set(api.HeaderWebhookID, id)
	h.Set(api.HeaderWebhookTimestamp, strconv.FormatInt(seconds, 10))
	h.Set(api.HeaderWebhookSignature, signature)
	return h
}

func newSigner(t testing.TB, secrets ...string) *Signer {
	t.Helper()
	s, err := NewSigner(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSignerVectors(t *testing.T) {
	for _, v := range vectors(t) {
		s := newSigner(t, v.Secrets...)
		for range 2 { // the second call must not see the first one's text
			if got := s.Sign(v.ID, time.Unix(v.Timestamp, 999_999_999), []byte(v.Body)); got != v.Signature {
				t.Errorf("%s:\n got %s\nwant %s", v.Name, got, v.Signature)
			}
		}
	}
}

// Signatures stand in the order of the secrets, whatever their kind.
func TestSignerKeepsTheOrder(t *testing.T) {
	private, _ := NewKeyPair()
	secrets := []string{NewSecret(), private, NewSecret()}
	at, body := time.Unix(testTime, 0), []byte("{}")
	var want []string
	for _, secret := range secrets {
		want = append(want, newSigner(t, secret).Sign("e1", at, body))
	}
	if got := newSigner(t, secrets...).Sign("e1", at, body); got != strings.Join(want, " ") {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if got := newSigner(t).Sign("e1", at, body); got != "" {
		t.Errorf("without secrets: %q", got)
	}
}

func TestSignerUnderConcurrency(t *testing.T) {
	private, _ := NewKeyPair()
	s := newSigner(t, NewSecret(), private)
	at := time.Unix(testTime, 0)
	var want [8]string
	for i := range want {
		want[i] = s.Sign(strconv.Itoa(i), at, []byte(strings.Repeat("x", i)))
	}
	var workers sync.WaitGroup
	for i := range want {
		workers.Go(func() {
			for range 50 {
				if got := s.Sign(strconv.Itoa(i), at, []byte(strings.Repeat("x", i))); got != want[i] {
					t.Errorf("%d: %s, want %s", i, got, want[i])
				}
			}
		})
	}
	workers.Wait()
}

func TestNewSignerRefuses(t *testing.T) {
	_, public := NewKeyPair()
	for _, row := range []struct {
		name    string
		secrets []string
		reason  string
	}{
		{"a public key behind a good one", []string{NewSecret(), public}, "secret 2 of 2: a public key"},
		{"an empty one", []string{""}, "secret 1 of 1: the secret is empty"},
		{"more than receivers take", make([]string, 17), "the limit is 16"},
	} {
		if _, err := NewSigner(row.secrets); err == nil || !strings.Contains(err.Error(), row.reason) {
			t.Errorf("%s: %v, want a refusal with %q", row.name, err, row.reason)
		}
	}
}

// No format verb shows a key, in any of the ways in which bytes are printed.
func TestSignerPrintsNoSecret(t *testing.T) {
	v := vectors(t)[2]
	parsed, err := parseSecret(v.Secrets[0])
	if err != nil {
		t.Fatal(err)
	}
	s := newSigner(t, v.Secrets...)
	s.Sign("e1", time.Unix(0, 0), nil) // whatever it keeps is there now
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		got := fmt.Sprintf(verb, s)
		for _, form := range []string{"%s", "%x", "%d"} {
			if secret := fmt.Sprintf(form, parsed.key); strings.Contains(got, strings.Trim(secret, "[]")) {
				t.Errorf("%s prints the key: %s", verb, got)
			}
		}
		if strings.Contains(got, v.Secrets[0]) {
			t.Errorf("%s prints the secret: %s", verb, got)
		}
	}
}
