package webhook

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kithchat/kith/api"
)

// Verify checks the Standard Webhooks signature of a request for those who do not use a [Handler]: that a signature in
// webhook-signature belongs to webhook-id, webhook-timestamp, the body and one of the secrets, and that the timestamp is at
// most tolerance away from now (whole seconds; 0 means [DefaultSkew]). The secrets are shared ones (whsec_) or public keys
// (whpk_), several while they change. The body must be the bytes as received, not decoded and encoded again.
//
// The error says what is wrong with the request or with the secrets and is fit for a log; it never repeats a secret.
// Signatures of unknown versions are ignored.
func Verify(secrets []string, header http.Header, body []byte, now time.Time, tolerance time.Duration) error {
	if len(secrets) == 0 {
		return errors.New("there is no secret to verify with: give the sender's shared secret (whsec_) or public key (whpk_)")
	}
	if tolerance < 0 {
		return errors.New("the tolerance is negative: give the time that the clocks may differ by")
	}
	if tolerance == 0 {
		tolerance = DefaultSkew
	}
	v, err := newVerifier(secrets)
	if err != nil {
		return err
	}
	s, err := readSigned(header, now, tolerance)
	if err != nil {
		return err
	}
	return v.verify(s, body)
}

// verifier holds the secrets of a receiver, prepared. It is safe for concurrent use.
type verifier struct {
	shared []*hmacKey
	public []ed25519.PublicKey
}

func newVerifier(secrets []string) (*verifier, error) {
	v := &verifier{}
	for i, text := range secrets {
		s, err := parseVerifying(text)
		if err != nil {
			return nil, fmt.Errorf("secret %d of %d: %w", i+1, len(secrets), err)
		}
		if s.prefix == prefixPublic {
			v.public = append(v.public, s.key)
		} else {
			v.shared = append(v.shared, newHMACKey(s.key))
		}
	}
	return v, nil
}

// signed is what the headers of a request say, which is all that can be checked before the body is there.
type signed struct {
	id, timestamp string
	codes         [][]byte // HMAC-SHA256
	signatures    [][]byte // Ed25519
}

// readSigned reads the three headers and checks the age of the request.
func readSigned(h http.Header, now time.Time, tolerance time.Duration) (signed, error) {
	for _, name := range [...]string{api.HeaderWebhookID, api.HeaderWebhookTimestamp, api.HeaderWebhookSignature} {
		switch values := h.Values(name); {
		case len(values) == 0 || values[0] == "":
			return signed{}, errors.New("the header " + name + " is missing: give the app a signing key at the sender")
		case len(values) > 1:
			return signed{}, errors.New("the header " + name + " is there more than once")
		}
	}
	s := signed{id: h.Get(api.HeaderWebhookID), timestamp: h.Get(api.HeaderWebhookTimestamp)}
	// The dots between id, timestamp and body are signed too. With others in the id, one signature would fit two requests.
	if strings.Contains(s.id, ".") {
		return signed{}, errors.New("webhook-id holds a dot, so it cannot be told from what is signed behind it")
	}
	if err := checkAge(s.timestamp, now, tolerance); err != nil {
		return signed{}, err
	}
	err := s.parse(h.Get(api.HeaderWebhookSignature))
	return s, err
}

func checkAge(timestamp string, now time.Time, tolerance time.Duration) error {
	// 36 bits of seconds reach the year 4147, and keep the arithmetic below from overflowing.
	seconds, err := strconv.ParseUint(timestamp, 10, 36)
	if err != nil {
		return errors.New("webhook-timestamp is not a time in Unix seconds")
	}
	now = time.Unix(now.Unix(), 0) // the timestamp has no fraction either
	if now.Sub(time.Unix(int64(seconds), 0)).Abs() > tolerance {
		return errors.New("webhook-timestamp is too far from the receiver's clock: " +
			"set both clocks, and sign freshly at every attempt")
	}
	return nil
}

// parse reads webhook-signature: version, comma and base64 for each signature, with blanks between them. Those of other
// versions and those that are not base64 are left out: none of them could be right.
func (s *signed) parse(header string) error {
	entries := strings.Fields(header)
	if len(entries) > maxSignatures {
		return fmt.Errorf("webhook-signature has %d signatures, the limit is %d: remove old signing keys at the sender",
			len(entries), maxSignatures)
	}
	for _, entry := range entries {
		version, text, _ := strings.Cut(entry, ",")
		value, err := base64Text.DecodeString(text)
		switch {
		case err != nil:
		case version == versionHMAC:
			s.codes = append(s.codes, value)
		case version == versionEd25519:
			s.signatures = append(s.signatures, value)
		}
	}
	return nil
}

// verify compares every signature with every secret of its kind. The time that comparing codes takes depends on their
// numbers only.
func (v *verifier) verify(s signed, body []byte) error {
	m := newMessage(s.id, s.timestamp, body)
	match := 0
	for _, key := range v.shared {
		var sum [sha256.Size]byte
		want := key.sum(sum[:0], m)
		for _, code := range s.codes {
			match |= subtle.ConstantTimeCompare(want, code)
		}
	}
	for _, key := range v.public {
		for _, signature := range s.signatures {
			if match == 0 && ed25519.Verify(key, m.whole(), signature) {
				match = 1
			}
		}
	}
	if match == 0 {
		return errors.New("no signature in webhook-signature belongs to webhook-id, webhook-timestamp, the body and a secret of " +
			"the receiver: give both sides the same secret, or the receiver the public key, and let nothing between them change the body")
	}
	return nil
}
