package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of a master key in bytes.
const KeySize = 32

// key is a master key, ready to use.
type key struct {
	id   string
	aead cipher.AEAD
}

// ParseKeys reads master keys as the configuration has them: in base64, with commas between them. An empty text holds none.
func ParseKeys(text string) ([][]byte, error) {
	if text == "" {
		return nil, nil
	}
	var keys [][]byte
	for part := range strings.SplitSeq(text, ",") {
		key, err := base64.StdEncoding.DecodeString(part)
		if err != nil || len(key) != KeySize {
			return nil, fmt.Errorf("a master key must be %d bytes in base64, as `openssl rand -base64 32` makes them", KeySize)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func newKey(secret []byte) (key, error) {
	if len(secret) != KeySize {
		return key{}, fmt.Errorf("a master key has %d bytes, not %d", KeySize, len(secret))
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return key{}, errors.New("the master key cannot be used")
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, errors.New("the master key cannot be used")
	}
	return key{id: keyID(secret), aead: aead}, nil
}

// keyID names a key without telling it. A key is random, so that a hash of it tells nothing.
func keyID(secret []byte) string {
	sum := sha256.Sum256(append([]byte("kith master key\x00"), secret...))
	return hex.EncodeToString(sum[:4])
}
