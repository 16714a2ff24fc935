package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"strconv"
	"sync"
	"time"
)

// Versions of signatures in the header webhook-signature.
const (
	versionHMAC    = "v1"
	versionEd25519 = "v1a"
)

// maxSignatures bounds how many signatures a request carries, so that a stranger's header is cheap to refuse.
const maxSignatures = 16

// Signer signs callbacks by Standard Webhooks, prepared once for many calls. It is safe for concurrent use. No format
// verb prints a secret of it.
type Signer struct {
	keys []signFunc
}

// signFunc appends the signature of a message, with its version before it. The key hides in the closure.
type signFunc func(b []byte, m *message) []byte

// NewSigner prepares signing with each of the secrets: shared ones (whsec_) and private keys (whsk_), as [CheckSecret] wants
// them, 16 at most. An error names the place of the secret and what to change; it never repeats a secret.
func NewSigner(secrets []string) (*Signer, error) {
	if len(secrets) > maxSignatures {
		return nil, fmt.Errorf("there are %d secrets to sign with, the limit is %d: remove old ones", len(secrets), maxSignatures)
	}
	s := &Signer{keys: make([]signFunc, len(secrets))}
	for i, text := range secrets {
		parsed, err := parseSigning(text)
		if err != nil {
			return nil, fmt.Errorf("secret %d of %d: %w", i+1, len(secrets), err)
		}
		s.keys[i] = parsed.signFunc()
	}
	return s, nil
}

func (s secret) signFunc() signFunc {
	if s.prefix == prefixPrivate {
		return func(b []byte, m *message) []byte {
			b = append(b, versionEd25519+","...)
			return base64Text.AppendEncode(b, ed25519.Sign(s.key, m.whole()))
		}
	}
	key := newHMACKey(s.key)
	return func(b []byte, m *message) []byte {
		var sum [sha256.Size]byte
		b = append(b, versionHMAC+","...)
		return base64Text.AppendEncode(b, key.sum(sum[:0], m))
	}
}

// Sign returns the value of the header webhook-signature: a signature by each secret over id, at in Unix seconds and body,
// in the order of the secrets, separated by blanks. The same id and seconds belong into webhook-id and webhook-timestamp.
// The id must hold no dot, since the receiver could not tell it from what follows; [Verify] refuses such a one. Without
// secrets the value is empty.
func (s *Signer) Sign(id string, at time.Time, body []byte) string {
	const perSignature = 96
	m := newMessage(id, strconv.FormatInt(at.Unix(), 10), body)
	b := make([]byte, 0, perSignature*len(s.keys))
	for i, sign := range s.keys {
		if i > 0 {
			b = append(b, ' ')
		}
		b = sign(b, m)
	}
	return string(b)
}

// message is what is signed: id, timestamp and body, joined by dots.
type message struct {
	head []byte // id and timestamp, each with its dot
	body []byte
	all  []byte // head and body, once somebody needed them in one piece
}

func newMessage(id, timestamp string, body []byte) *message {
	head := make([]byte, 0, len(id)+len(timestamp)+2)
	head = append(append(head, id...), '.')
	head = append(append(head, timestamp...), '.')
	return &message{head: head, body: body}
}

func (m *message) whole() []byte {
	if m.all == nil {
		m.all = append(append(make([]byte, 0, len(m.head)+len(m.body)), m.head...), m.body...)
	}
	return m.all
}

// hmacKey computes HMAC-SHA256 with one key. It is safe for concurrent use.
type hmacKey struct {
	states sync.Pool // of hash.Hash: the key is hashed once for each of them, not at each call
}

func newHMACKey(key []byte) *hmacKey {
	return &hmacKey{states: sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// sum appends the code of a message to b.
func (k *hmacKey) sum(b []byte, m *message) []byte {
	state := k.states.Get().(hash.Hash)
	defer k.states.Put(state)
	state.Reset()
	_, _ = state.Write(m.head) // a hash never fails
	_, _ = state.Write(m.body)
	return state.Sum(b)
}
