package restapi

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/kithchat/kith/api"
)

func TestBody(t *testing.T) {
	const (
		empty     = "the body is empty; send a JSON object, {} when there is no input"
		notObject = "the body is not a JSON object"
		broken    = "the body is not valid JSON in UTF-8 with distinct names"
		number    = "an account in the body is a number; send it as a string"
		loginType = "a field of the body has the wrong type; see the command's reference"
		decode    = "SNS_DECODE_ERR"
	)
	ok := results([]string{resultItem("b", 0, "")})
	get := func(start string) string { return `{"From_Account":"a","StartIndex":` + start + `,"MaxLimited":1}` }
	runScenarios(t, []scenario{
		{name: "empty", command: addCmd, body: "", want: failSns(60003, empty)}, // 57
		{name: "blank", command: addCmd, body: " \n", want: failSns(60003, empty)},
		{name: "empty for accounts", command: importCmd, body: "", want: failLogin(60003, empty)},
		{name: "not JSON", command: addCmd, body: "From_Account=a", want: failSns(60003, broken+": look at byte 0")},
		{name: "cut off", command: addCmd, body: `{"From_Account":"a"`, want: failSns(60003, broken+": look at byte 19")},
		{name: "more behind it", command: addCmd, body: addABC + `x`, want: failSns(60003, broken+": look at byte 47")},
		{name: "byte order mark", command: addCmd, body: "\ufeff" + addABC, want: failSns(60003, broken+": look at byte 0")},
		{name: "wrong type, then broken", command: addCmd, body: `{"From_Account":[],`, want: failSns(60003, broken)},
		{name: "invalid UTF-8", command: addCmd, body: "{\"From_Account\":\"a\xff\"}", want: failSns(60003, broken+": look at byte 18")},
		{name: "lone surrogate", command: addCmd, body: `{"From_Account":"\ud800"}`, want: failSns(60003, broken+": look at byte 17")},
		{name: "name twice", command: addCmd, body: `{"From_Account":"a","From_Account":"b"}`, want: failSns(60003, broken+": look at byte 20")},
		{name: "array", command: addCmd, body: `[]`, want: failSns(60003, notObject)},
		{name: "null", command: addCmd, body: `null`, want: failSns(60003, notObject)},
		{name: "string", command: importCmd, body: `"a"`, want: failLogin(60003, notObject)},
		{name: "deep", command: addCmd, body: strings.Repeat(`{"x":[`, 50_000), want: failSns(60003, broken+": look at byte 30000")},

		{name: "owner is a number", command: addCmd, body: `{"From_Account":1,"To_Account":["b"]}`, want: failSns(60015, number)},
		{name: "owner is a huge number", command: addCmd, body: `{"From_Account":1e400,"To_Account":["b"]}`, want: failSns(60015, number)},
		{name: "target is a number", command: addCmd, body: `{"From_Account":"a","To_Account":["b",2]}`, want: failSns(60015, number)},
		{name: "UserID is a number", command: importCmd, body: `{"UserID":1}`, want: failLogin(60015, number)},
		{name: "Identifier is a number", command: importCmd, body: `{"Identifier":1}`, want: failLogin(60015, number)},
		{name: "account of a multi import is a number", command: multiCmd, body: `{"Accounts":["n",1]}`, want: failLogin(60015, number), after: isImported("n", "NotImported")},
		{name: "item's UserID is a number", command: existsCmd, body: `{"CheckItem":[{"UserID":1}]}`, want: failLogin(60015, number)},

		{name: "owner is an object", command: addCmd, body: `{"From_Account":{},"To_Account":["b"]}`, want: failSns(30001, decode)}, // 7
		{name: "list is a string", command: addCmd, body: `{"From_Account":"a","To_Account":"b"}`, want: failSns(30001, decode)},
		{name: "list is a number", command: addCmd, body: `{"From_Account":"a","To_Account":1}`, want: failSns(30001, decode)},
		{name: "target is a list", command: deleteCmd, body: `{"From_Account":"a","To_Account":[["b"]]}`, want: failSns(30001, decode)},
		{name: "CheckType is a number", command: checkCmd, body: `{"From_Account":"a","To_Account":["b"],"CheckType":1}`, want: failSns(30001, decode)},
		{name: "target is null", command: addCmd, body: `{"From_Account":"a","To_Account":["b",null]}`, want: failSns(30001, decode)},
		{name: "first target is null", command: checkCmd, body: `{"To_Account":[ null ],"From_Account":"a"}`, want: failSns(30001, decode)},
		{name: "account of a multi import is null", command: multiCmd, body: `{"Accounts":["n",null]}`, want: failLogin(70402, loginType), after: isImported("n", "NotImported")},
		{name: "entry of a multi import is null", command: multiCmd, body: `{"AccountList":[{"UserID":"n"},null]}`, want: failLogin(70402, loginType), after: isImported("n", "NotImported")},
		{name: "entry's UserID is null", command: multiCmd, body: `{"AccountList":[{"UserID":"n"},{"UserID":null}]}`, want: failLogin(70402, loginType), after: isImported("n", "NotImported")},
		{name: "item is null", command: existsCmd, body: `{"CheckItem":[null]}`, want: failLogin(70402, loginType)},
		{name: "item's UserID is null", command: removeCmd, body: `{"DeleteItem":[{"UserID":null}]}`, want: failLogin(70402, loginType)},
		{name: "owner is null", command: addCmd, body: `{"From_Account":null,"To_Account":["b"]}`, want: failSns(30001, "SNS_PARAMETER_ERR: From_Account is missing")},
		{name: "nulls where they mean nothing", command: addCmd, body: `{"X":[null],"Y":{"To_Account":[null]},"From_Account":"a","To_Account":["b"],"AccountList":[null]}`, want: ok, events: []string{addEvent + "b"}},
		{name: "an account of that name", command: addCmd, body: `{"From_Account":"a","To_Account":["b","null"]}`, want: results([]string{resultItem("b", 0, ""), resultItem("null", 30003, "Err_SNS_BlackListAdd_Account_Not_Exist")}, "null"), events: []string{addEvent + "b"}},

		{name: "StartIndex is a string", command: getCmd, body: get(`"0"`), want: failSns(30001, decode)},
		{name: "StartIndex 1e400", command: getCmd, body: get("1e400"), want: failSns(30001, decode)},
		{name: "StartIndex 99999999999999999999", command: getCmd, body: get("99999999999999999999"), want: failSns(30001, decode)},
		{name: "StartIndex 0.5", command: getCmd, body: get("0.5"), want: failSns(30001, decode)},
		{name: "LastSequence is a string", command: getCmd, body: `{"From_Account":"a","StartIndex":0,"MaxLimited":1,"LastSequence":"0"}`, want: failSns(30001, decode)},
		{name: "Nick is a number", command: importCmd, body: `{"UserID":"n","Nick":1}`, want: failLogin(70402, loginType)},
		{name: "account list is a string", command: multiCmd, body: `{"Accounts":"n"}`, want: failLogin(70402, loginType)},

		{name: "names are case-sensitive", command: addCmd, body: `{"from_account":"a","To_Account":["b"]}`, want: failSns(30001, "SNS_PARAMETER_ERR: From_Account is missing")},
		{name: "unknown fields", command: addCmd, body: `{"X":{"y":[1e400,null]},"From_Account":"a","To_Account":["b"],"from_account":1}`, want: ok, events: []string{addEvent + "b"}}, // 58
		{name: "spaces and escapes", command: addCmd, body: " {\"From_Account\" : \"\\u0061\",\r\n\t\"To_Account\": [ \"b\" ] }\n", want: ok, events: []string{addEvent + "b"}},
		{name: "no HTML escaping", command: addCmd, body: `{"From_Account":"a","To_Account":["<&>"]}`, want: results([]string{resultItem("<&>", 30003, "Err_SNS_BlackListAdd_Account_Not_Exist")}, "<&>")},
	})
}

// TestBodySize: open question 62.
func TestBodySize(t *testing.T) {
	w := newWorld(t)
	w.mustCall(multiCmd, imported)
	pad := func(n int) string { return strings.Repeat(" ", n-len(addABC)) + addABC }
	w.wantCode(w.call(addCmd, pad(DefaultMaxBody)), api.OK)
	w.wantCode(w.call(addCmd, pad(DefaultMaxBody+1)), api.CodeBodyNotJSON)

	unsized := httptest.NewRequest(http.MethodPost, w.target(addCmd), strings.NewReader(pad(DefaultMaxBody+1)))
	unsized.ContentLength = -1
	w.wantCode(w.envelope(w.body(w.do(unsized))), api.CodeBodyNotJSON)

	chunked := httptest.NewRequest(http.MethodPost, w.target(addCmd), strings.NewReader(pad(10_000)))
	chunked.ContentLength = -1
	w.wantCode(w.envelope(w.body(w.do(chunked))), api.OK)

	torn := httptest.NewRequest(http.MethodPost, w.target(addCmd), iotest.TimeoutReader(strings.NewReader(pad(10_000))))
	w.wantCode(w.envelope(w.body(w.do(torn))), api.CodeBodyNotJSON)
}

// TestBigBufferIsNotKept: a pooled buffer must not pin a megabyte.
func TestBigBufferIsNotKept(t *testing.T) {
	big := bytes.NewBuffer(make([]byte, 0, maxPooledBuffer+1))
	big.WriteByte('x')
	putBuffer(big)
	if big.Len() != 1 {
		t.Error("a big buffer was reset, so it was put back into the pool")
	}
}
