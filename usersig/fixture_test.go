package usersig_test

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/adler32"
	"io"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/usersig"
)

// The reference ticket of the UserSig v2 description, checked with other languages.
const (
	refKey     = "d41c0ffee5eedf00d77aa19b3e2c4486b0a1c2d3e4f5061728394a5b6c7d8e9f"
	refApp     = 1600077123
	refUser    = "ops-root"
	refTime    = 1767225600
	refExpire  = 86400
	refSig     = "YBDgxh8q2R1ZnkzTlMa6DwRytTY+XCX3H/W/S+amozk="
	refBufSig  = "tj9AEGGZ07a1AkYxvdYvitDM/4GsdNMWbI+SkgQlyrc="
	refUserSig = "eNo1zLEOgjAUheF3uSsKbdGWkLgog4MuQCK4kbTiDUIrNIoY310COp7vT84b0kPiPlQLITCXwGLaKFVj8YITa9MtW63tr3WyKoxBCSHlhBAhKPPnonqDrYIw4CtCZrJYj0AFF4yt*V87LMfffBuV-TW4s5iem2pIb8eCR8-4ZdPcyXaZv-dOXuIUtR6qDXy*cFMyFQ__"
)

var (
	refTicket = usersig.Ticket{SDKAppID: refApp, Identifier: refUser, Issued: refTime, Expire: refExpire}
	refParams = usersig.Params{SDKAppID: refApp, Identifier: refUser, Keys: []string{refKey}, Now: time.Unix(refTime, 0)}
)

// object is a ticket's JSON object as a test wants it, right or wrong.
type object map[string]any

// refObject returns the object of the reference ticket, changed by the given
// members. A member that is nil is left out.
func refObject(change object) object {
	o := object{
		"TLS.ver": "2.0", "TLS.identifier": refUser, "TLS.sdkappid": refApp,
		"TLS.time": refTime, "TLS.expire": refExpire, "TLS.sig": refSig,
	}
	maps.Copy(o, change)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return o
}

// pack makes a ticket of an object without any of the checks of Sign.
func (o object) pack(tb testing.TB) string {
	tb.Helper()
	plain, err := json.Marshal(o)
	if err != nil {
		tb.Fatal(err)
	}
	return packText(tb, plain, zlib.BestCompression)
}

// packText compresses any text at the given level and encodes it.
func packText(tb testing.TB, plain []byte, level int) string {
	tb.Helper()
	var buf bytes.Buffer
	w, err := zlib.NewWriterLevel(&buf, level)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return packBytes(buf.Bytes())
}

// packStored packs a text without compression, by hand: for tests of thousands
// of tickets.
func packStored(plain []byte) string {
	b := []byte{0x78, 0x01, 0x01}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(plain)))
	b = binary.LittleEndian.AppendUint16(b, ^uint16(len(plain)))
	b = append(b, plain...)
	return packBytes(binary.BigEndian.AppendUint32(b, adler32.Checksum(plain)))
}

// packBytes is the last step alone: base64 with the three characters replaced.
func packBytes(b []byte) string {
	return strings.NewReplacer("+", "*", "/", "-", "=", "_").Replace(base64.StdEncoding.EncodeToString(b))
}

// unpackBytes undoes packBytes.
func unpackBytes(tb testing.TB, ticket string) []byte {
	tb.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.NewReplacer("*", "+", "-", "/", "_", "=").Replace(ticket))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// inflate returns the JSON inside a ticket.
func inflate(tb testing.TB, ticket string) []byte {
	tb.Helper()
	r, err := zlib.NewReader(bytes.NewReader(unpackBytes(tb, ticket)))
	if err != nil {
		tb.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return plain
}

// macText signs any text, written independently of the package.
func macText(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	io.WriteString(mac, text)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// macFields signs the four fields that every ticket has, as they are.
func macFields(key string, identifier, app, issued, expire any) string {
	return macText(key, fmt.Sprintf("TLS.identifier:%v\nTLS.sdkappid:%v\nTLS.time:%v\nTLS.expire:%v\n", identifier, app, issued, expire))
}

// vector is one line of testdata/usersigs.jsonl.
type vector struct {
	Generator  string `json:"generator"`
	SDKAppID   uint32 `json:"sdkappid"`
	Key        string `json:"key"`
	Identifier string `json:"identifier"`
	Time       int64  `json:"time"`
	Expire     int64  `json:"expire"`
	UserSig    string `json:"usersig"`
	SigDoc     string `json:"sigdoc"`
}

// readVectors returns the tickets that other signers made.
func readVectors(tb testing.TB) []vector {
	tb.Helper()
	file, err := os.ReadFile("testdata/usersigs.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	var all []vector
	for dec := json.NewDecoder(bytes.NewReader(file)); ; {
		var v vector
		if err := dec.Decode(&v); err == io.EOF {
			break
		} else if err != nil {
			tb.Fatal(err)
		}
		all = append(all, v)
	}
	if len(all) != 10 {
		tb.Fatalf("testdata has %d vectors, want 10", len(all))
	}
	return all
}

// ticket returns what the vector must decode to.
func (v vector) ticket() usersig.Ticket {
	return usersig.Ticket{SDKAppID: v.SDKAppID, Identifier: v.Identifier, Issued: v.Time, Expire: v.Expire}
}

// params verifies the vector at the second it was made.
func (v vector) params() usersig.Params {
	return usersig.Params{SDKAppID: v.SDKAppID, Identifier: v.Identifier, Keys: []string{v.Key}, Now: time.Unix(v.Time, 0)}
}
