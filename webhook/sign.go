package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
)

// Sign returns the value of the query parameter Sign: the lower-case hexadecimal SHA-256 of token followed directly by
// requestTime (Unix seconds) in decimal, per the callback authentication of the v4 documents. The printed vector there
// pairs its hash with the token xxxyyy; the hash belongs to xxxxyyyy.
func Sign(token string, requestTime int64) string {
	sum := digest(token, requestTime)
	return hex.EncodeToString(sum[:])
}

func digest(token string, requestTime int64) [sha256.Size]byte {
	var buf [96]byte
	text := append(buf[:0], token...)
	return sha256.Sum256(strconv.AppendInt(text, requestTime, 10))
}

// signedByAny reports whether sign belongs to one of the tokens. Upper-case digits count as lower-case ones. The time
// it takes depends on the number of tokens only.
func signedByAny(tokens []string, requestTime int64, sign string) bool {
	var given [sha256.Size]byte
	if len(sign) != hex.EncodedLen(len(given)) {
		return false
	}
	if _, err := hex.Decode(given[:], []byte(sign)); err != nil {
		return false
	}
	match := 0
	for _, token := range tokens {
		want := digest(token, requestTime)
		match |= subtle.ConstantTimeCompare(want[:], given[:])
	}
	return match == 1
}
