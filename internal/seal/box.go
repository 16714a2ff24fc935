package seal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Prefix begins every sealed text, of this version and later ones. No secret in clear may begin so.
const Prefix = "sealed:"

// version is the one this package writes and reads.
const version = Prefix + "v1:"

// text64 is the base64 of a sealed text; each one has one spelling only.
var text64 = base64.StdEncoding.Strict()

// Box seals and opens. Make one with New.
type Box struct{ keys []key }

// New returns a Box that seals with the first key and opens with all of them. Each has KeySize bytes.
func New(keys ...[]byte) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("a master key is missing")
	}
	b := &Box{}
	for _, secret := range keys {
		k, err := newKey(secret)
		if err != nil {
			return nil, err
		}
		b.keys = append(b.keys, k)
	}
	return b, nil
}

// Seal encrypts a text for a place, which Open must be told again. Sealing the same text twice gives different results.
func (b *Box) Seal(plain, place string) string {
	k := b.keys[0]
	return version + k.id + ":" + text64.EncodeToString(k.aead.Seal(nil, nil, []byte(plain), []byte(place)))
}

// Open returns the text that was sealed for the place. It refuses what is not sealed.
func (b *Box) Open(sealed, place string) (string, error) {
	id, data, err := parse(sealed)
	if err != nil {
		return "", err
	}
	found := false
	for _, k := range b.keys {
		if k.id != id {
			continue
		}
		found = true
		if plain, err := k.aead.Open(nil, nil, data, []byte(place)); err == nil {
			return string(plain), nil
		}
	}
	if !found {
		return "", fmt.Errorf("it was sealed with master key %s, which is not among those given (%s)", id, b.ids())
	}
	return "", errors.New("the sealed text was changed, or belongs elsewhere")
}

// Current reports whether the text is sealed with the key that Seal uses.
func (b *Box) Current(sealed string) bool {
	id, _, err := parse(sealed)
	return err == nil && id == b.keys[0].id
}

func (b *Box) ids() string {
	ids := make([]string, len(b.keys))
	for i, k := range b.keys {
		ids[i] = k.id
	}
	return strings.Join(ids, ", ")
}

// Is reports whether the text is a sealed one.
func Is(text string) bool { return strings.HasPrefix(text, Prefix) }

// parse takes a sealed text apart.
func parse(sealed string) (id string, data []byte, err error) {
	rest, ok := strings.CutPrefix(sealed, version)
	switch {
	case !Is(sealed):
		return "", nil, errors.New("the text is not sealed")
	case !ok:
		return "", nil, errors.New("the text was sealed by a newer version of Kith; start that one")
	}
	id, encoded, ok := strings.Cut(rest, ":")
	data, err = text64.DecodeString(encoded)
	if !ok || err != nil || strings.ContainsAny(encoded, "\r\n") || len(id) != 8 {
		return "", nil, errors.New("the sealed text is damaged")
	}
	return id, data, nil
}
