package restapi

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/kithchat/kith/api"
)

// errNullItem is a null where a list has an account.
var errNullItem = errors.New("null in place of an account")

// refuseNullItems makes a null in a list of accounts a wrong type; by itself, the decoder takes it for an empty name. A
// null in place of a whole field stays a field that was left out.
var refuseNullItems = json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(refuseNull[string]),
	json.UnmarshalFromFunc(refuseNull[api.AccountItem]),
	json.UnmarshalFromFunc(refuseNull[api.AccountProfile]),
))

// refuseNull fails for a null in a list, and leaves every other value to the decoder.
func refuseNull[T any](dec *jsontext.Decoder, _ *T) error {
	if dec.PeekKind() == jsontext.KindNull && inAccountList(dec) {
		return errNullItem
	}
	return errors.ErrUnsupported
}

// inAccountList reports whether the next value stands in a list, or is the UserID of an object that does. The lists of
// all commands are fields of the body itself: the body is level 1, a list level 2, an object in it level 3.
func inAccountList(dec *jsontext.Decoder) bool {
	switch dec.StackDepth() {
	case 2:
		return true
	case 3:
		return dec.StackPointer().LastToken() == "UserID"
	}
	return false
}

// decodeOptions returns how to decode a body. Looking for nulls takes time, so only a body that may have some is.
func decodeOptions(body []byte) json.Options {
	if bytes.Contains(body, []byte("null")) {
		return refuseNullItems
	}
	return nil
}
