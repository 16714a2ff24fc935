package webhook

import (
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
)

func TestParseAnswerReads(t *testing.T) {
	ok := api.CallbackResponse{ActionStatus: "OK"}
	for _, row := range []struct {
		name, body string
		want       api.CallbackResponse
	}{
		{"as documented", `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`, ok},
		{"order of a Go receiver", `{"ErrorCode":0,"ErrorInfo":"","ActionStatus":"OK"}`, ok},
		{"newline at the end", "{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\"}\n", ok},
		{"indented", "\r\n{\r\n\t\"ActionStatus\" : \"OK\" ,\r\n\t\"ErrorCode\" : 0\r\n}", ok},
		{"byte order mark", "\xef\xbb\xbf{\"ActionStatus\":\"OK\",\"ErrorCode\":0,\"ErrorInfo\":\"\"}", ok},
		{"further fields", `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{"x":1}]}`, ok},
		{"only ErrorCode", `{"ErrorCode":0}`, api.CallbackResponse{}},
		{"ErrorInfo of another type", `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":null}`, ok},
		{"ActionStatus of another type", `{"ActionStatus":1,"ErrorCode":0}`, api.CallbackResponse{}},
		{"FAIL with 0 is settled", `{"ActionStatus":"FAIL","ErrorCode":0}`, api.CallbackResponse{ActionStatus: "FAIL"}},
		{"0.0", `{"ActionStatus":"OK","ErrorCode":0.0}`, ok},
		{"-0", `{"ActionStatus":"OK","ErrorCode":-0}`, ok},
		{
			"refusal of a Go receiver", `{"ErrorCode":1,"ErrorInfo":"invalid sdk appId","ActionStatus":"FAIL"}`,
			api.CallbackResponse{ActionStatus: "FAIL", ErrorCode: 1, ErrorInfo: "invalid sdk appId"},
		},
		{"escaped by PHP", `{"ErrorCode":38000,"ErrorInfo":"a\/b"}`, api.CallbackResponse{ErrorCode: 38000, ErrorInfo: "a/b"}},
		{"exponent", `{"ErrorCode":3e4}`, api.CallbackResponse{ErrorCode: 30000}},
		{"negative", `{"ErrorCode":-1}`, api.CallbackResponse{ErrorCode: -1}},
		{"right spelling besides a wrong one", `{"errorcode":0,"ErrorCode":1,"ERRORCODE":0}`, api.CallbackResponse{ErrorCode: 1}},
	} {
		if got, err := ParseAnswer([]byte(row.body)); err != nil || got != row.want {
			t.Errorf("%s: %+v, %v, want %+v", row.name, got, err, row.want)
		}
	}
}

func TestParseAnswerRefuses(t *testing.T) {
	const secret = "hunter2"
	for _, row := range []struct{ name, body, reason string }{
		{"empty", "", "is empty"},
		{"blank", " \r\n", "is empty"},
		{"only a byte order mark", "\xef\xbb\xbf", "is empty"},
		{"text", "OK " + secret, "not a JSON object"},
		{"page", "<html>" + secret + "</html>", "not a JSON object"},
		{"null", "null", "not a JSON object"},
		{"number", "0", "not a JSON object"},
		{"string", `"ErrorCode":0`, "not a JSON object"},
		{"array", `[{"ErrorCode":0}]`, "not a JSON object"},
		{"cut", `{"ErrorCode":0`, "not a JSON object"},
		{"text behind", `{"ErrorCode":0}` + secret, "not a JSON object"},
		{"two objects", `{"ErrorCode":0}{"ErrorCode":0}`, "not a JSON object"},
		{"no ErrorCode", `{"ActionStatus":"OK","` + secret + `":1}`, "no ErrorCode"},
		{"empty object", `{}`, "no ErrorCode"},
		{"wrong case", `{"errorCode":0}`, "no ErrorCode"},
		{"nested", `{"data":{"ErrorCode":0}}`, "no ErrorCode"},
		{"string 0", `{"ErrorCode":"0"}`, "not a whole number"},
		{"null code", `{"ErrorCode":null}`, "not a whole number"},
		{"false", `{"ErrorCode":false}`, "not a whole number"},
		{"array code", `{"ErrorCode":[0]}`, "not a whole number"},
		{"fraction", `{"ErrorCode":0.5}`, "not a whole number"},
		{"too big for a code", `{"ErrorCode":4294967296}`, "not a whole number"},
		{"too big for a float", `{"ErrorCode":1e999}`, "not a whole number"},
	} {
		got, err := ParseAnswer([]byte(row.body))
		if err == nil {
			t.Errorf("%s: read as %+v", row.name, got)
			continue
		}
		if !strings.Contains(err.Error(), row.reason) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// FuzzParseAnswer checks that no bytes panic, and that nothing settles a callback without the exact name in it.
func FuzzParseAnswer(f *testing.F) {
	for _, seed := range []string{`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`, "\xef\xbb\xbf{}", `{"ErrorCode":1e9}`, "null", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		got, err := ParseAnswer(body)
		if string(body) != before {
			t.Error("the body was changed")
		}
		if err != nil && got != (api.CallbackResponse{}) {
			t.Errorf("%+v besides the error %v", got, err)
		}
		// A name can be escaped (\u0045rrorCode), so only bodies without a backslash tell.
		if err == nil && !strings.Contains(before, `\`) && !strings.Contains(before, `"ErrorCode"`) {
			t.Errorf("settled as %+v without ErrorCode", got)
		}
	})
}
