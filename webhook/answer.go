package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"

	"github.com/kithchat/kith/api"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// ParseAnswer reads what a receiver answered with HTTP 200. The callback is settled when the error is nil and ErrorCode
// is 0.
//
// Receivers in use differ, so much is forgiven: any Content-Type, any order of fields, further fields, a byte order mark,
// blanks around the object, and a missing or wrongly typed ActionStatus or ErrorInfo, which decide nothing. What decides is
// not guessed: the body must be one JSON object and ErrorCode, in this spelling, a whole number. An error says which of
// these it was. It never repeats the body.
func ParseAnswer(body []byte) (api.CallbackResponse, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, byteOrderMark))
	if len(body) == 0 {
		return api.CallbackResponse{}, errors.New("the answer is empty: the receiver must answer " +
			`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`)
	}
	// A map keeps the spelling of names; a struct would also match errorcode.
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return api.CallbackResponse{}, errors.New("the answer is not a JSON object: the receiver must answer " +
			`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""} and nothing around it`)
	}
	raw, ok := fields["ErrorCode"]
	if !ok {
		return api.CallbackResponse{}, errors.New("the answer has no ErrorCode: the receiver must set it to 0 when it " +
			"handled the callback")
	}
	code, err := parseCode(raw)
	if err != nil {
		return api.CallbackResponse{}, err
	}
	return api.CallbackResponse{
		ActionStatus: textOrEmpty(fields["ActionStatus"]),
		ErrorCode:    code,
		ErrorInfo:    textOrEmpty(fields["ErrorInfo"]),
	}, nil
}

// parseCode takes a JSON number with a whole value, however it is written (0, 0.0, 3e4).
func parseCode(raw json.RawMessage) (int, error) {
	var number *float64
	err := json.Unmarshal(raw, &number)
	if err != nil || number == nil || *number != math.Trunc(*number) || math.Abs(*number) > math.MaxInt32 {
		return 0, errors.New("the ErrorCode of the answer is not a whole number: the receiver must write it as a number, " +
			"without quotes")
	}
	return int(*number), nil
}

func textOrEmpty(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}
