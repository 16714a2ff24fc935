package usersig_test

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/kithchat/kith/usersig"
)

func TestDecodeDoesNotVerify(t *testing.T) {
	ticket := refObject(object{"TLS.sig": macText("nobody's", "anything")}).pack(t)
	got, err := usersig.Decode(ticket)
	if err != nil || !reflect.DeepEqual(got, refTicket) {
		t.Fatalf("Decode = %+v, %v; want %+v", got, err, refTicket)
	}
	if _, err := usersig.Decode(""); !errors.Is(err, usersig.ErrEmpty) {
		t.Errorf("empty: %v, want ErrEmpty", err)
	}
}

func TestVerifyForms(t *testing.T) {
	plain := string(inflate(t, refObject(nil).pack(t)))
	tests := map[string]string{
		"newline at the end":          plain + "\n",
		"white space around":          " \r\n\t" + plain + "\t \r\n",
		"white space inside":          strings.NewReplacer(`":`, "\" :\n ", `,"`, " , \"").Replace(plain),
		"escaped slash":               strings.ReplaceAll(plain, "/", `\/`),
		"unicode escapes":             strings.NewReplacer("ops", `\u006fp\u0073`, "TLS.ver", `TLS\u002ever`).Replace(plain),
		"sdkappid as a string":        strings.Replace(plain, `1600077123`, `"1600077123"`, 1),
		"unknown keys":                strings.Replace(plain, "{", `{"TLS.other":[{"TLS.ver":"1"}],"tls.identifier":"x",`, 1),
		"version before anything":     strings.Replace(strings.Replace(plain, `,"TLS.ver":"2.0"`, "", 1), "{", `{"TLS.ver":"2.0",`, 1),
		"large, but within the limit": plain + strings.Repeat(" ", 8<<10-len(plain)),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			for level := zlib.HuffmanOnly; level <= zlib.BestCompression; level++ {
				got, err := usersig.Verify(packText(t, []byte(text), level), refParams)
				if err != nil || !reflect.DeepEqual(got, refTicket) {
					t.Fatalf("zlib level %d: Verify = %+v, %v; want %+v", level, got, err, refTicket)
				}
			}
		})
	}
}

func TestDecodeMalformedFields(t *testing.T) {
	long := strings.Repeat("9", 30)
	tests := []struct {
		name  string
		wrong []any // nil: left out
	}{
		{"TLS.ver", []any{nil, "", "1.0", "2.00", 2.0, true, json.RawMessage("null")}},
		{"TLS.identifier", []any{nil, "", 7, "a\nb", []string{refUser}, json.RawMessage("null")}},
		{"TLS.sdkappid", []any{nil, "", "x", "0x10", " 1", -1, 1.5, 1 << 32, json.RawMessage("1e3"), json.RawMessage(long), true, json.RawMessage("null")}},
		{"TLS.time", []any{nil, "1767225600", -1, 0.5, json.RawMessage("1e9"), json.RawMessage("9223372036854775808"), json.RawMessage("null")}},
		{"TLS.expire", []any{nil, "86400", -1, 0.5, json.RawMessage("1e9"), json.RawMessage(long), json.RawMessage("null")}},
		{"TLS.userbuf", []any{7, "x", "cm9vbS00Mg", "cm9vbS00Mh==", "cm9v\nbS00Mg==", json.RawMessage("null")}},
		{"TLS.sig", []any{nil, "", 7, "c2hvcnQ=", refSig + refSig, refSig[:43], refSig + "\n", strings.Replace(refSig, "k=", "l=", 1)}},
	}
	for _, test := range tests {
		for _, v := range test.wrong {
			t.Run(fmt.Sprintf("%s=%v", test.name, v), func(t *testing.T) {
				if _, err := usersig.Decode(refObject(object{test.name: v}).pack(t)); !errors.Is(err, usersig.ErrMalformed) {
					t.Errorf("error = %v, want ErrMalformed", err)
				}
			})
		}
	}
}

func TestDecodeMalformedDocuments(t *testing.T) {
	plain := string(inflate(t, refUserSig))
	tests := map[string]string{
		"nothing":             "",
		"not JSON":            "TLS.ver=2.0",
		"null":                "null",
		"array":               "[" + plain + "]",
		"string":              `"{}"`,
		"empty object":        "{}",
		"cut off":             plain[:len(plain)-1],
		"second object":       plain + plain,
		"garbage at the end":  plain + "\x00",
		"byte order mark":     "\ufeff" + plain,
		"comma at the end":    strings.TrimSuffix(plain, "}") + ",}",
		"key twice":           strings.Replace(plain, "{", `{"TLS.identifier":"x",`, 1),
		"same key escaped":    strings.Replace(plain, "{", `{"TLS\u002eidentifier":"x",`, 1),
		"not UTF-8":           strings.Replace(plain, refUser, "\xff", 1),
		"deep":                strings.Replace(plain, "{", `{"x":`+strings.Repeat("[", 7000)+",", 1),
		"names in lower case": strings.ReplaceAll(plain, "TLS", "tls"),
		"old ECDSA ticket": `{"TLS.account_type":"0","TLS.identifier":"ops-root","TLS.appid_at_3rd":"0","TLS.sdk_appid":"1600077123",
			"TLS.expire_after":"86400","TLS.version":"201512300000","TLS.time":"1767225600","TLS.sig":"MEUCIQ=="}`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := usersig.Decode(packText(t, []byte(text), zlib.BestSpeed)); !errors.Is(err, usersig.ErrMalformed) {
				t.Errorf("error = %v, want ErrMalformed", err)
			}
		})
	}
}

func TestDecodeMalformedPacking(t *testing.T) {
	packed := unpackBytes(t, refUserSig)
	tests := map[string]string{
		"one character":       "x",
		"only padding":        "____",
		"only a newline":      "\n",
		"plus for star":       strings.ReplaceAll(refUserSig, "*", "+"),
		"percent-escaped":     strings.ReplaceAll(refUserSig, "*", "%2A"),
		"space for star":      strings.ReplaceAll(refUserSig, "*", " "),
		"without its padding": strings.TrimRight(refUserSig, "_"),
		"stray padding bits":  strings.TrimSuffix(refUserSig, "FQ__") + "FR__",
		"too much padding":    refUserSig + "_",
		"twice":               refUserSig + refUserSig,
		"not zlib":            packBytes(inflate(t, refUserSig)),
		"raw deflate":         packBytes(packed[2:]),
		"zlib cut off":        packBytes(packed[:len(packed)-1]),
		"zlib header only":    packBytes(packed[:2]),
		"bytes after zlib":    packBytes(append(bytes.Clone(packed), 0)),
		"preset dictionary":   packBytes(append([]byte{0x78, 0xbb, 0, 0, 0, 2}, packed[2:]...)),
	}
	for name, ticket := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := usersig.Decode(ticket); !errors.Is(err, usersig.ErrMalformed) {
				t.Errorf("error = %v, want ErrMalformed", err)
			}
		})
	}
}

// A ticket that inflates to megabytes is refused without inflating them.
func TestDecodeBoundsInflation(t *testing.T) {
	plain := inflate(t, refUserSig)
	over := append(bytes.Clone(plain), bytes.Repeat([]byte(" "), 8<<10+1-len(plain))...)
	if _, err := usersig.Decode(packText(t, over, zlib.BestCompression)); !errors.Is(err, usersig.ErrMalformed) {
		t.Errorf("one byte too many: %v, want ErrMalformed", err)
	}
	bomb := packText(t, bytes.Repeat([]byte(" "), 11<<20), zlib.BestCompression)
	if len(bomb) > 16<<10 {
		t.Fatalf("the bomb has %d characters and would be refused for its length", len(bomb))
	}
	const runs = 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if _, err := usersig.Decode(bomb); !errors.Is(err, usersig.ErrMalformed) {
			t.Fatalf("bomb: %v, want ErrMalformed", err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / runs; got > 256<<10 {
		t.Errorf("refusing the bomb allocated %d bytes, want at most 256 KiB", got)
	}
}

func TestDecodeBoundsLength(t *testing.T) {
	stored := append([]byte{0x78, 0x01}, bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 4000)...) // empty blocks
	stored = append(stored, unpackBytes(t, packText(t, inflate(t, refUserSig), zlib.NoCompression))[2:]...)
	ticket := packBytes(stored)
	if len(ticket) <= 16<<10 {
		t.Fatalf("the ticket has only %d characters", len(ticket))
	}
	if _, err := usersig.Decode(ticket); !errors.Is(err, usersig.ErrMalformed) {
		t.Errorf("error = %v, want ErrMalformed", err)
	}
}
