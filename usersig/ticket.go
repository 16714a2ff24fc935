package usersig

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Ticket is the content of a UserSig.
type Ticket struct {
	// SDKAppID is the app the ticket is for (TLS.sdkappid).
	SDKAppID uint32
	// Identifier is the UserID the ticket is for (TLS.identifier). It is valid
	// UTF-8 without line feeds.
	Identifier string
	// Issued is the issue time in Unix seconds (TLS.time).
	Issued int64
	// Expire is the lifetime in seconds, counted from Issued (TLS.expire).
	Expire int64
	// UserBuf is opaque data that the signature covers (TLS.userbuf). Nil means
	// that the ticket has none, which is usual; empty but not nil means that it
	// has an empty one. TRTC keeps room rights here, chat has no use for it.
	UserBuf []byte
}

// ExpiresAt returns the last second, in Unix seconds, in which the ticket is
// valid. A sum that does not fit in an int64 is cut off at its limit.
func (t Ticket) ExpiresAt() int64 {
	sum := t.Issued + t.Expire
	if t.Issued > 0 && t.Expire > 0 && sum < 0 {
		return math.MaxInt64
	}
	if t.Issued < 0 && t.Expire < 0 && sum >= 0 {
		return math.MinInt64
	}
	return sum
}

// CheckTime reports whether a ticket that Verify returned before is still
// valid: ErrExpired when now is after ExpiresAt, ErrRevoked when the ticket was
// issued before notBefore, nil otherwise. Both arguments mean what they mean in
// [Params]. It looks at times only and proves nothing about a decoded ticket.
func (t Ticket) CheckTime(now time.Time, notBefore int64) error {
	if now.IsZero() {
		now = time.Now()
	}
	if now.Unix() > t.ExpiresAt() {
		return ErrExpired
	}
	if t.Issued < notBefore {
		return ErrRevoked
	}
	return nil
}

// signable reports whether the identifier can stand in the signed text. That
// text has one field a line, so a line feed inside of a field would let one
// signature fit two different tickets.
func signable(identifier string) bool {
	return utf8.ValidString(identifier) && !strings.Contains(identifier, "\n")
}
