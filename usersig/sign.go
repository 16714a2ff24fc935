package usersig

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// version is the TLS.ver of the HMAC-SHA256 scheme. The HMAC does not cover it.
const version = "2.0"

// maxExpire is the longest lifetime the v4 REST docs allow: 50 years, in seconds.
const maxExpire = 50 * 365 * 24 * 60 * 60

// document is the JSON object inside a ticket.
type document struct {
	Version    string  `json:"TLS.ver"`
	Identifier string  `json:"TLS.identifier"`
	SDKAppID   uint32  `json:"TLS.sdkappid"`
	Issued     int64   `json:"TLS.time"`
	Expire     int64   `json:"TLS.expire"`
	UserBuf    *string `json:"TLS.userbuf,omitempty"`
	Signature  string  `json:"TLS.sig"`
}

// Sign makes the UserSig of t with the secret key of t.SDKAppID. The key is
// used as the text it is, also where it looks like hex. The result has only the
// characters A-Z a-z 0-9 * - _ and goes into a URL as it is.
//
// The SDKAppID, the Identifier, a positive Issued (usually time.Now().Unix())
// and an Expire of 1 second to 50 years are required; the docs advise 1 day to
// two months. Errors: ErrNoKey, ErrNoIdentifier, and plain ones that name the
// field to correct.
func Sign(key string, t Ticket) (string, error) {
	if err := t.checkSign(key); err != nil {
		return "", err
	}
	doc := document{
		Version:    version,
		Identifier: t.Identifier,
		SDKAppID:   t.SDKAppID,
		Issued:     t.Issued,
		Expire:     t.Expire,
		Signature:  base64.StdEncoding.EncodeToString(t.signature(key)),
	}
	if t.UserBuf != nil {
		text := base64.StdEncoding.EncodeToString(t.UserBuf)
		doc.UserBuf = &text
	}
	plain, err := json.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("usersig: encode ticket: %w", err)
	}
	if len(plain) > maxInflated {
		return "", fmt.Errorf("usersig: ticket has %d bytes of at most %d; shorten Identifier or UserBuf", len(plain), maxInflated)
	}
	return pack(plain)
}

// checkSign reports the first reason why t cannot be signed with key.
func (t Ticket) checkSign(key string) error {
	switch {
	case key == "":
		return ErrNoKey
	case t.Identifier == "":
		return ErrNoIdentifier
	case !signable(t.Identifier):
		return errors.New("usersig: Identifier must be valid UTF-8 without line feeds")
	case t.SDKAppID == 0:
		return errors.New("usersig: SDKAppID is 0; set the app the ticket is for")
	case t.Issued <= 0:
		return errors.New("usersig: Issued must be positive; set it to the present Unix time in seconds")
	case t.Expire <= 0:
		return errors.New("usersig: Expire must be positive; set the lifetime in seconds")
	case t.Expire > maxExpire:
		return fmt.Errorf("usersig: Expire must be at most %d seconds (50 years)", maxExpire)
	}
	return nil
}

// signature returns the HMAC of t: one "name:value" line for each field, in the
// fixed order of the v4 scheme.
func (t Ticket) signature(key string) []byte {
	text := make([]byte, 0, 256)
	text = append(text, "TLS.identifier:"...)
	text = append(text, t.Identifier...)
	text = append(text, "\nTLS.sdkappid:"...)
	text = strconv.AppendUint(text, uint64(t.SDKAppID), 10)
	text = append(text, "\nTLS.time:"...)
	text = strconv.AppendInt(text, t.Issued, 10)
	text = append(text, "\nTLS.expire:"...)
	text = strconv.AppendInt(text, t.Expire, 10)
	text = append(text, '\n')
	if t.UserBuf != nil {
		text = append(text, "TLS.userbuf:"...)
		text = base64.StdEncoding.AppendEncode(text, t.UserBuf)
		text = append(text, '\n')
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(text)
	return mac.Sum(nil)
}
