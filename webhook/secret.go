package webhook

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// What a secret begins with says what it is for (Standard Webhooks).
const (
	prefixHMAC    = "whsec_" // both sides share it: HMAC-SHA256
	prefixPrivate = "whsk_"  // the sender's half: Ed25519
	prefixPublic  = "whpk_"  // the receiver's half
)

// A shared secret has minHMAC to maxHMAC bytes before it is written as base64, per Standard Webhooks.
const (
	minHMAC = 24
	maxHMAC = 64
)

// base64Text is standard base64 with padding, and each key has one spelling only.
var base64Text = base64.StdEncoding.Strict()

// NewSecret makes a secret that sender and receiver share: whsec_ and 32 random bytes in base64.
func NewSecret() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return prefixHMAC + base64Text.EncodeToString(key)
}

// NewKeyPair makes an Ed25519 key pair: the private key (whsk_) signs and stays with the sender, the public key (whpk_)
// verifies and need not be kept secret.
func NewKeyPair() (private, public string) {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // never fails
	return prefixPrivate + base64Text.EncodeToString(seed), publicText(ed25519.NewKeyFromSeed(seed))
}

// PublicKey returns the public key (whpk_) of a private key (whsk_). The error never repeats the key.
func PublicKey(private string) (string, error) {
	s, err := parseSecret(private)
	if err != nil {
		return "", err
	}
	if s.prefix != prefixPrivate {
		return "", errors.New("only a private key (whsk_) has a public key: a shared secret (whsec_) is given to the receiver as it is")
	}
	return publicText(s.key), nil
}

func publicText(private ed25519.PrivateKey) string {
	return prefixPublic + base64Text.EncodeToString(private[ed25519.SeedSize:])
}

// CheckSecret says whether a secret is usable for signing: a shared secret of 24 to 64 bytes (whsec_), or a private Ed25519
// key (whsk_), of 32 bytes or of 64 with the public key behind it. The error says what to change and never repeats the
// secret.
func CheckSecret(secret string) error {
	_, err := parseSigning(secret)
	return err
}

// secret is a parsed secret. The key of a private one is an [ed25519.PrivateKey].
type secret struct {
	prefix string
	key    []byte
}

// parseSigning takes what a sender signs with.
func parseSigning(text string) (secret, error) {
	s, err := parseSecret(text)
	if err == nil && s.prefix == prefixPublic {
		return secret{}, errors.New("a public key (whpk_) only verifies: sign with its private key (whsk_)")
	}
	return s, err
}

// parseVerifying takes what a receiver verifies with.
func parseVerifying(text string) (secret, error) {
	s, err := parseSecret(text)
	if err == nil && s.prefix == prefixPrivate {
		return secret{}, errors.New("a private key (whsk_) belongs to the sender alone: give the receiver its public key (whpk_)")
	}
	return s, err
}

func parseSecret(text string) (secret, error) {
	prefix, err := prefixOf(text)
	if err != nil {
		return secret{}, err
	}
	text = text[len(prefix):]
	// The decoder would skip line breaks.
	if strings.ContainsAny(text, " \t\r\n") {
		return secret{}, errors.New("the secret holds a blank or a line break: remove it")
	}
	key, err := base64Text.DecodeString(text)
	if err != nil {
		// The decoder's own text tells of the secret's characters.
		return secret{}, errors.New("what follows " + prefix + " is not base64: copy the secret whole, with the = at its end")
	}
	return newSecret(prefix, key)
}

func prefixOf(text string) (string, error) {
	for _, prefix := range [...]string{prefixHMAC, prefixPrivate, prefixPublic} {
		if strings.HasPrefix(text, prefix) {
			return prefix, nil
		}
	}
	if text == "" {
		return "", errors.New("the secret is empty: set it")
	}
	return "", errors.New("the secret begins neither with whsec_ (shared) nor with whsk_ (private key) or whpk_ (public key): " +
		"copy it whole, with these letters in lower case")
}

func newSecret(prefix string, key []byte) (secret, error) {
	switch n := len(key); {
	case prefix == prefixHMAC && (n < minHMAC || n > maxHMAC):
		return secret{}, fmt.Errorf("the shared secret (whsec_) has %d bytes, it must have %d to %d: make another one", n, minHMAC, maxHMAC)
	case prefix == prefixPublic && n != ed25519.PublicKeySize:
		return secret{}, fmt.Errorf("the public key (whpk_) has %d bytes, it must have %d: copy it whole", n, ed25519.PublicKeySize)
	case prefix == prefixPrivate:
		return newPrivate(key)
	}
	return secret{prefix, key}, nil
}

// newPrivate takes the seed, as the official libraries write it, or the seed with the public key behind it, as others do.
func newPrivate(key []byte) (secret, error) {
	if len(key) != ed25519.SeedSize && len(key) != ed25519.PrivateKeySize {
		return secret{}, fmt.Errorf("the private key (whsk_) has %d bytes, it must have %d, or %d with the public key behind it: "+
			"copy it whole", len(key), ed25519.SeedSize, ed25519.PrivateKeySize)
	}
	private := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
	if len(key) == ed25519.PrivateKeySize && subtle.ConstantTimeCompare(private, key) != 1 {
		return secret{}, errors.New("the two halves of the private key (whsk_) do not belong together: copy it again")
	}
	return secret{prefixPrivate, private}, nil
}
