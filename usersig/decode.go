package usersig

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// Decode reads a ticket WITHOUT verifying it: anybody can make a ticket that
// decodes. It is for explaining a ticket to a person; whoever decides something
// by a ticket calls Verify. Errors: ErrEmpty and ErrMalformed.
//
// Any zlib level, key order, spacing and escaping is read. TLS.sdkappid may be
// a number or a string of digits, the times are numbers, TLS.ver is "2.0".
// Unknown keys are ignored. A key that occurs twice is refused: no signer does
// that, and two readers may disagree which one counts. Base64 without its "_"
// padding, or with "+", "/" and "=", is refused as well: a "+" does not survive
// a query string, so such a client would fail only now and then.
func Decode(usersig string) (Ticket, error) {
	t, _, err := decode(usersig)
	return t, err
}

// decode returns the ticket and its signature, 32 bytes.
func decode(usersig string) (Ticket, []byte, error) {
	plain, err := unpack(usersig)
	if err != nil {
		return Ticket{}, nil, err
	}
	fields, err := splitObject(plain)
	if err != nil {
		return Ticket{}, nil, err
	}
	return fields.ticket()
}

// fields are the members of the JSON object, each still in JSON.
type fields map[string]json.RawMessage

// splitObject reads one JSON object with distinct keys. White space may stand
// around it: the official Go signer ends its JSON with a newline.
func splitObject(plain []byte) (fields, error) {
	if !utf8.Valid(plain) || !json.Valid(plain) {
		return nil, malformed("content is not one JSON value in UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(plain))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, malformed("content is not a JSON object")
	}
	f := make(fields, 8)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, malformed("content is not a JSON object")
		}
		name, _ := key.(string) // a key of valid JSON is a string
		if _, twice := f[name]; twice {
			return nil, malformed("a JSON key occurs twice")
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, malformed("content is not a JSON object")
		}
		f[name] = value
	}
	return f, nil
}

// ticket checks presence and type of all fields. It returns the signature too.
func (f fields) ticket() (t Ticket, sig []byte, err error) {
	if v, ok := f.text("TLS.ver"); !ok || v != version {
		return Ticket{}, nil, malformed(`TLS.ver is not "2.0"; tickets of the old ECDSA scheme are not supported`)
	}
	var ok bool
	if t.Identifier, ok = f.text("TLS.identifier"); !ok || t.Identifier == "" || !signable(t.Identifier) {
		return Ticket{}, nil, malformed("TLS.identifier is not a string of one line")
	}
	if t.SDKAppID, ok = f.sdkAppID(); !ok {
		return Ticket{}, nil, malformed("TLS.sdkappid is not a whole number of 32 bits")
	}
	if t.Issued, ok = f.seconds("TLS.time"); !ok {
		return Ticket{}, nil, malformed("TLS.time is not a whole number of seconds")
	}
	if t.Expire, ok = f.seconds("TLS.expire"); !ok {
		return Ticket{}, nil, malformed("TLS.expire is not a whole number of seconds")
	}
	if _, present := f["TLS.userbuf"]; present {
		if t.UserBuf, ok = f.bytes("TLS.userbuf"); !ok {
			return Ticket{}, nil, malformed("TLS.userbuf is not a base64 string")
		}
	}
	if sig, ok = f.bytes("TLS.sig"); !ok || len(sig) != sha256.Size {
		return Ticket{}, nil, malformed("TLS.sig is not the base64 of 32 bytes")
	}
	return t, sig, nil
}

// text reads a JSON string.
func (f fields) text(name string) (s string, ok bool) {
	raw := f[name]
	// Unmarshal would take null for an unset string.
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(raw, &s) == nil
}

// bytes reads standard base64 in a JSON string. The result is never nil. Only
// the one encoding that a signer writes is accepted, because the HMAC is over
// that text and not over the bytes.
func (f fields) bytes(name string) (b []byte, ok bool) {
	s, ok := f.text(name)
	if !ok {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(b) != s {
		return nil, false
	}
	return b, true
}

// sdkAppID reads the app as a number, or as the string that some signers write.
func (f fields) sdkAppID() (id uint32, ok bool) {
	digits, quoted := f.text("TLS.sdkappid")
	if !quoted {
		digits = string(f["TLS.sdkappid"])
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil
}

// seconds reads a JSON number that is whole and not negative.
func (f fields) seconds(name string) (n int64, ok bool) {
	u, err := strconv.ParseUint(string(f[name]), 10, 63)
	return int64(u), err == nil
}
