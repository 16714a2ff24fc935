package gateway

import (
	"errors"
	"strings"
	"testing"

	"github.com/kithchat/kith/api"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		frame string
		id    string
		code  api.Code
	}{
		{`{"jsonrpc":"2.0","id":1,"method":"ping"}`, `1`, 0},
		{` { "method" : "ping" , "id" : "a\"b" , "jsonrpc" : "2.0" } `, `"a\"b"`, 0},
		{`{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":""}`, `123456789012345678901234567890`, 0},
		{`{"jsonrpc":"2.0","method":"ping","params":null}`, ``, 0},
		{`{"jsonrpc":"2.0","id":"` + strings.Repeat("x", api.MaxFrameID-2) + `","method":"ping"}`, `"` + strings.Repeat("x", api.MaxFrameID-2) + `"`, 0},
		{`{"jsonrpc":"2.0","id":"` + strings.Repeat("x", api.MaxFrameID-1) + `","method":"ping"}`, ``, api.CodeRPCRequest},
		{`{"jsonrpc":"2.0","id":true,"method":"ping"}`, ``, api.CodeRPCRequest},
		{`{"jsonrpc":"2.0","id":[1],"method":"ping"}`, ``, api.CodeRPCRequest},
		{`{"jsonrpc":"2.0","id":null,"method":"ping"}`, ``, api.CodeRPCRequest},
		{`{"JSONRPC":"2.0","id":1,"Method":"ping"}`, `1`, api.CodeRPCRequest},
		{`{"jsonrpc":2.0,"id":1,"method":"ping"}`, ``, api.CodeRPCRequest},
		{`{"jsonrpc":"2.0","id":1,"method":null}`, `1`, api.CodeRPCRequest},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}`, `1`, api.CodeRPCParams},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}`, `1`, api.CodeRPCParams},
		{`[]`, ``, api.CodeRPCRequest},
		{`1`, ``, api.CodeRPCRequest},
		{`null`, ``, api.CodeRPCRequest},
		{``, ``, api.CodeRPCParse},
		{` `, ``, api.CodeRPCParse},
		{`{"jsonrpc":"2.0","id":1,"method":"ping"}{}`, ``, api.CodeRPCParse},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","method":"logout"}`, ``, api.CodeRPCParse},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1,"a":2}}`, ``, api.CodeRPCParse},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", ``, api.CodeRPCParse},
		{`{"jsonrpc":"2.0","id":1,"method":"\ud800"}`, ``, api.CodeRPCParse},
		{"\ufeff{}", ``, api.CodeRPCParse},
		{`{'jsonrpc':'2.0'}`, ``, api.CodeRPCParse},
		{strings.Repeat(`{"a":`, 20_000), ``, api.CodeRPCParse},
	} {
		r, err := parse([]byte(tt.frame))
		var code api.Code
		if p, ok := errors.AsType[*problem](err); ok {
			code = p.code
			if p.fatal != (code == api.CodeRPCParse) {
				t.Errorf("%.80s: fatal is %t", tt.frame, p.fatal)
			}
		} else if err != nil {
			t.Errorf("%.80s: %v is not for the client", tt.frame, err)
		}
		if code != tt.code || string(r.ID) != tt.id {
			t.Errorf("%.80s: id %s, code %d, want %s, %d", tt.frame, r.ID, code, tt.id, tt.code)
		}
		if code == 0 && r.Method == nil {
			t.Errorf("%.80s: no method", tt.frame)
		}
	}
}

// TestDecodeParams: a name has one spelling, strangers are ignored, and nothing that was sent is quoted.
func TestDecodeParams(t *testing.T) {
	for params, ok := range map[string]bool{
		``:                                    true,
		`{}`:                                  true,
		`{"To_Account":["rob"],"later":{}}`:   true,
		`{"to_account":"s3cret"}`:             true, // another name, so nobody's
		`{"To_Account":null}`:                 true,
		`{"To_Account":"s3cret"}`:             false,
		`{"To_Account":{"s3cret":1}}`:         false,
		`{"To_Account":["rob",["s3cret"]]}`:   false,
		`{"To_Account":["rob",{"s3cret":1}]}`: false,
	} {
		var p api.BlocklistTargets
		err := decodeParams([]byte(params), &p)
		if (err == nil) != ok {
			t.Errorf("%s: %v", params, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s is quoted: %v", params, err)
		}
		if params == `{"to_account":"s3cret"}` && p.ToAccount != nil {
			t.Errorf("%s names %v", params, p.ToAccount)
		}
	}
}

// TestEncode: lists are lists, empty or not, and texts are as they were.
func TestEncode(t *testing.T) {
	for want, frame := range map[string][]byte{
		`{"jsonrpc":"2.0","method":"m","params":{"Sequence":1,"Added":[],"Removed":[]}}`:                notification("m", api.BlocklistChange{Sequence: 1}),
		`{"jsonrpc":"2.0","id":"<&>","result":{"BlackListItem":[],"Cursor":"","List":"","Sequence":0}}`: resultFrame([]byte(`"<&>"`), api.BlocklistPage{}),
		`{"jsonrpc":"2.0","id":1,"result":{"ResultItem":[]}}`:                                           resultFrame([]byte(`1`), api.BlocklistResult{}),
		`{"jsonrpc":"2.0","id":null,"error":{"code":30001,"message":"<m>","data":{"Refusal":4300}}}`:    errorFrame(nil, callProblem(30001, "<m>").wire()),
		`{"jsonrpc":"2.0","id":1,"result":{}}`:                                                          resultFrame([]byte(`1`), struct{}{}),
	} {
		if string(frame) != want {
			t.Errorf("got  %s\nwant %s", frame, want)
		}
	}
}
