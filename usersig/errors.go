package usersig

import "fmt"

// Error says why a ticket was refused. Its value is the error code that the v4
// REST docs give for the case. The constants below are the whole set; compare
// with errors.Is, or take the code out with errors.As.
type Error int

// Reasons for which Verify, Decode and Sign refuse, in the order of checking.
const (
	// ErrNoKey means that no key was given, or only empty ones.
	ErrNoKey Error = 70016
	// ErrNoIdentifier means that the UserID to sign or to check for is empty.
	ErrNoIdentifier Error = 60004
	// ErrEmpty means that the ticket has zero length.
	ErrEmpty Error = 70002
	// ErrMalformed means that the text is not a UserSig v2 ticket: the base64,
	// the zlib stream, the JSON or a field of it is wrong or too large. Tickets
	// of the older ECDSA scheme are malformed too.
	ErrMalformed Error = 70003
	// ErrSDKAppIDMismatch means that the ticket was made for another app.
	ErrSDKAppIDMismatch Error = 70014
	// ErrIdentifierMismatch means that the ticket was made for another UserID.
	ErrIdentifierMismatch Error = 70013
	// ErrSignature means that none of the keys made the signature.
	ErrSignature Error = 70009
	// ErrExpired means that the lifetime of the ticket is over.
	ErrExpired Error = 70001
	// ErrRevoked means that the account was kicked after the ticket was issued.
	ErrRevoked Error = 70052
)

// Code returns the error code of the v4 REST docs, for example 70001.
func (e Error) Code() int { return int(e) }

// Error says what is wrong and what to do about it.
func (e Error) Error() string {
	switch e {
	case ErrNoKey:
		return "usersig: no secret key; set the key of this SDKAppID"
	case ErrNoIdentifier:
		return "usersig: no identifier; name the UserID the ticket is for"
	case ErrEmpty:
		return "usersig: ticket is empty; send the UserSig made for this UserID"
	case ErrMalformed:
		return "usersig: not a UserSig v2 ticket; make it with a tls-sig-api-v2 signer and send it whole"
	case ErrSDKAppIDMismatch:
		return "usersig: ticket was made for another SDKAppID; sign with the SDKAppID of the call"
	case ErrIdentifierMismatch:
		return "usersig: ticket was made for another UserID; sign for the UserID that the call names"
	case ErrSignature:
		return "usersig: signature does not verify; sign with the secret key of this SDKAppID"
	case ErrExpired:
		return "usersig: ticket has expired; make a new one"
	case ErrRevoked:
		return "usersig: ticket was invalidated by a kick; make a new one"
	}
	return fmt.Sprintf("usersig: error %d", int(e))
}

// malformed adds to ErrMalformed what exactly was wrong. The detail must not
// quote the ticket.
func malformed(detail string) error {
	return fmt.Errorf("%w: %s", ErrMalformed, detail)
}
