package client

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
)

func TestDecodeFrame(t *testing.T) {
	for text, want := range map[string]string{
		`{"jsonrpc":"2.0","id":7,"result":{}}`:                           "answer 7",
		`{"jsonrpc":"2.0","id":7,"error":{"code":30001,"message":"x"}}`:  "error 7",
		`{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}`:            "error 0",
		`{"jsonrpc":"2.0","method":"session.expiring","params":{}}`:      "session.expiring",
		`{"jsonrpc":"2.0","method":"new","params":{},"later":[1]}`:       "new",
		`{"jsonrpc":"2.0","id":null,"result":{}}`:                        "",
		`{"jsonrpc":"2.0","id":7}`:                                       "",
		`{"jsonrpc":"2.0","id":0,"result":{}}`:                           "",
		`{"jsonrpc":"2.0","id":-1,"result":{}}`:                          "",
		`{"jsonrpc":"2.0","id":"7","result":{}}`:                         "",
		`{"jsonrpc":"1.0","id":7,"result":{}}`:                           "",
		`[{"jsonrpc":"2.0","id":7,"result":{}}]`:                         "",
		`{"jsonrpc":"2.0","method":7}`:                                   "",
		`{"jsonrpc":"2.0","id":99999999999999999999999999,"result":{}}`:  "",
		`{"jsonrpc":"2.0","id":7,"error":{"code":"30001","message":""}}`: "",
		``: "",
	} {
		f, err := decodeFrame([]byte(text))
		got := f.method
		switch {
		case err != nil:
			got = ""
		case f.err != nil:
			got = "error " + string(encodeID(f.id))
		case got == "":
			got = "answer " + string(encodeID(f.id))
		}
		if got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
}

func encodeID(id uint64) []byte {
	text, err := json.Marshal(id)
	if err != nil {
		panic(err)
	}
	return text
}

// A frame of 1000 of the worst targets still fits into what a server reads.
func TestFrameOfThousandTargets(t *testing.T) {
	targets := make([]string, MaxTargets)
	for i := range targets {
		targets[i] = strings.Repeat(`<`, 16) + strings.Repeat(`"`, 16)
	}
	params, err := encodeParams(api.BlocklistTargets{ToAccount: targets})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(encodeFrame(1, api.MethodBlocklistAdd, params)); n > 128<<10 {
		t.Errorf("%d bytes", n)
	}
}

// Whatever a server sends, decoding ends in a frame that can be told apart, or in an error.
func FuzzDecodeFrame(f *testing.F) {
	for _, text := range []string{
		`{"jsonrpc":"2.0","id":1,"result":{"Cursor":"","List":"2s","Sequence":12}}`,
		`{"jsonrpc":"2.0","id":3,"error":{"code":30001,"message":"x","data":{"Refusal":4300,"RetryAfterMS":50}}}`,
		`{"jsonrpc":"2.0","method":"blocklist.changed","params":{"Sequence":10,"Added":[],"Removed":["rob"]}}`,
		`{"jsonrpc":"2.0","id":null,"error":{}}`, `[]`, `{`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decodeFrame(data)
		switch {
		case err != nil:
			if err != errFrame {
				t.Errorf("another error: %v", err)
			}
		case !json.Valid(data):
			t.Errorf("took %q", data)
		case got.method == "" && got.err == nil && (got.id == 0 || len(got.body) == 0):
			t.Errorf("an answer without id or body: %+v", got)
		case got.err != nil:
			if e := gatewayError("x", got.err, "secret"); e.RetryAfter() < 0 || e.RetryAfter() > time.Hour || strings.Contains(e.Info, "secret") {
				t.Errorf("%+v", e)
			}
		}
	})
}

// The schedule grows, stays within its bounds, and does not overflow.
func TestBackoff(t *testing.T) {
	b := backoff{first: time.Second, most: 30 * time.Second}
	for failed, full := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		full *= time.Second
		if got := b.pause(failed, 0); got != full {
			t.Errorf("after %d: %v, want %v", failed, got, full)
		}
		if got := b.pause(failed, 0.999); got < full/2 || got >= full {
			t.Errorf("after %d, shortened: %v", failed, got)
		}
	}
	if got := b.pause(1_000_000, 0); got != 30*time.Second {
		t.Errorf("after a million: %v", got)
	}
}
