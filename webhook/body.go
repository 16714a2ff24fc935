package webhook

import (
	"bytes"
	"encoding/json"

	"github.com/kithchat/kith/api"
)

// EncodeBlackList returns the body of Sns.CallbackBlackListAdd or Sns.CallbackBlackListDelete, byte for byte as documented:
//
//	{"CallbackCommand":"Sns.CallbackBlackListAdd","PairList":[{"From_Account":"mira.k","To_Account":"troll_77"}]}
//
// There are no blanks, no HTML escapes and no newline at the end. Without pairs, PairList is [].
func EncodeBlackList(command string, pairs []api.Pair) []byte {
	const frame, perPair = 64, 48
	b := make([]byte, 0, frame+perPair*len(pairs)+len(command))
	b = append(b, `{"CallbackCommand":`...)
	b = appendString(b, command)
	b = append(b, `,"PairList":[`...)
	for i, p := range pairs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"From_Account":`...)
		b = appendString(b, p.FromAccount)
		b = append(b, `,"To_Account":`...)
		b = appendString(b, p.ToAccount)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// appendString appends s as a JSON string. UserIDs are printable ASCII and take the short way; encoding/json does the rest.
func appendString(b []byte, s string) []byte {
	start := len(b)
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c >= 0x7f {
			return appendAnyString(b[:start], s)
		}
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, '"')
}

func appendAnyString(b []byte, s string) []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string into memory cannot fail
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}
