package usersig

import (
	"crypto/hmac"
	"time"
)

// Params is what a ticket is verified against.
type Params struct {
	// SDKAppID is the app of the call. The ticket must be for it.
	SDKAppID uint32
	// Identifier is the UserID of the call. The ticket must be for it.
	Identifier string
	// Keys are the secret keys of the app. Any of them may have signed, so that
	// keys can be rotated. Empty ones are passed over.
	Keys []string
	// Now is the time to verify at. The zero value means time.Now().
	Now time.Time
	// NotBefore is the time of the account's last kick, in Unix seconds rounded
	// down; 0 means never kicked. A ticket issued in an earlier second is
	// revoked. One issued in that very second is valid: tickets have no finer
	// time, and a ticket made right after the kick has to work.
	NotBefore int64
}

// Verify checks that usersig is a valid ticket for p and returns its content.
// It stops at the first check that fails, in this order:
//
//	ErrNoKey               no key that is not empty
//	ErrNoIdentifier        p.Identifier is empty
//	ErrEmpty               usersig is empty
//	ErrMalformed           see Decode
//	ErrSDKAppIDMismatch    the ticket is for another app
//	ErrIdentifierMismatch  the ticket is for another UserID
//	ErrSignature           none of the keys made the signature
//	ErrExpired             p.Now is after the second ExpiresAt
//	ErrRevoked             issued before p.NotBefore
//
// The signature is compared in constant time, and before the times, so that
// nothing is said about the times of a forged ticket. An issue time in the
// future is not refused, as clocks differ; such a ticket does outlive a kick of
// an earlier time. A user buffer is accepted, the signature covers it.
//
// The usersig is the text itself: undoing percent-escapes is up to the caller.
func Verify(usersig string, p Params) (Ticket, error) {
	if !hasKey(p.Keys) {
		return Ticket{}, ErrNoKey
	}
	if p.Identifier == "" {
		return Ticket{}, ErrNoIdentifier
	}
	t, sig, err := decode(usersig)
	if err != nil {
		return Ticket{}, err
	}
	if t.SDKAppID != p.SDKAppID {
		return Ticket{}, ErrSDKAppIDMismatch
	}
	if t.Identifier != p.Identifier {
		return Ticket{}, ErrIdentifierMismatch
	}
	if !t.signedBy(p.Keys, sig) {
		return Ticket{}, ErrSignature
	}
	if err := t.CheckTime(p.Now, p.NotBefore); err != nil {
		return Ticket{}, err
	}
	return t, nil
}

// hasKey reports whether there is a key to verify with.
func hasKey(keys []string) bool {
	for _, key := range keys {
		if key != "" {
			return true
		}
	}
	return false
}

// signedBy reports whether one of the keys made sig. An empty key counts for
// nothing: everybody knows it.
func (t Ticket) signedBy(keys []string, sig []byte) bool {
	for _, key := range keys {
		if key != "" && hmac.Equal(t.signature(key), sig) {
			return true
		}
	}
	return false
}
