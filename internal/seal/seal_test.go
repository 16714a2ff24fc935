package seal_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/seal"
)

func keyOf(c byte) []byte { return bytes.Repeat([]byte{c}, seal.KeySize) }

func box(t testing.TB, keys ...[]byte) *seal.Box {
	t.Helper()
	b, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealAndOpen(t *testing.T) {
	b := box(t, keyOf(1))
	for _, plain := range []string{"", "x", leaktest.AppKey, strings.Repeat("long ", 10_000), "\x00\xff", seal.Prefix + "v1:"} {
		sealed, again := b.Seal(plain, "here"), b.Seal(plain, "here")
		if sealed == again || !seal.Is(sealed) || seal.Is(plain) != strings.HasPrefix(plain, seal.Prefix) || !b.Current(sealed) {
			t.Errorf("sealed %.20q as %.60q and %.60q", plain, sealed, again)
		}
		leaktest.Check(t, "the sealed text", sealed)
		if got, err := b.Open(sealed, "here"); err != nil || got != plain {
			t.Errorf("opened %.20q, err %v, want %.20q", got, err, plain)
		}
	}
}

// old was sealed before with the first key, as "hello" for "7/key".
const old = "sealed:v1:24fa5f23:XVrk4WM2F6/vwb4VOFbv7e7g6PmlMBmNeq/szFwuFyph"

// TestFormat holds what is on disk: it must open for good.
func TestFormat(t *testing.T) {
	b := box(t, keyOf(1))
	if got, err := b.Open(old, "7/key"); err != nil || got != "hello" {
		t.Errorf("opened %q, err %v", got, err)
	}
	if sealed := b.Seal("hello", "7/key"); len(sealed) != len(old) || sealed[:19] != old[:19] {
		t.Errorf("sealed as %q, not as %q", sealed, old)
	}
}

func TestWhatDoesNotOpen(t *testing.T) {
	b := box(t, keyOf(1), keyOf(2))
	sealed := b.Seal(leaktest.AppKey, "7/key")
	data, _ := base64.StdEncoding.DecodeString(sealed[len("sealed:v1:01234567:"):])
	data[20] ^= 1
	forged := sealed[:len("sealed:v1:01234567:")] + base64.StdEncoding.EncodeToString(data)
	for name, test := range map[string]struct{ text, place, problem string }{
		"another place":   {sealed, "8/key", "changed, or belongs elsewhere"},
		"changed":         {forged, "7/key", "changed, or belongs elsewhere"},
		"unknown key":     {box(t, keyOf(3)).Seal("x", "7/key"), "7/key", "which is not among those given"},
		"clear":           {leaktest.AppKey, "7/key", "is not sealed"},
		"empty":           {"", "7/key", "is not sealed"},
		"newer":           {"sealed:v2:" + sealed[10:], "7/key", "newer version"},
		"no data":         {sealed[:len("sealed:v1:01234567:")], "7/key", "changed"},
		"cut off":         {sealed[:39], "7/key", "changed"},
		"no key id":       {"sealed:v1:AAAA", "7/key", "damaged"},
		"broken base64":   {sealed + "!", "7/key", "damaged"},
		"another spelled": {sealed + "\n", "7/key", "damaged"},
	} {
		got, err := b.Open(test.text, test.place)
		if got != "" || err == nil || !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: %q, err %v, want %q", name, got, err, test.problem)
			continue
		}
		leaktest.Check(t, name, err.Error())
	}
}

func TestChangeOfKey(t *testing.T) {
	before, both, after := box(t, keyOf(1)), box(t, keyOf(2), keyOf(1)), box(t, keyOf(2))
	old := before.Seal("secret", "7/key")
	plain, err := both.Open(old, "7/key")
	if err != nil || both.Current(old) {
		t.Fatalf("err %v, current %t", err, both.Current(old))
	}
	renewed := both.Seal(plain, "7/key")
	if got, err := after.Open(renewed, "7/key"); err != nil || got != "secret" || !after.Current(renewed) {
		t.Errorf("after the change: %q, err %v", got, err)
	}
	if _, err := after.Open(old, "7/key"); err == nil {
		t.Error("the old text opens without the old key")
	}
}

func TestParseKeys(t *testing.T) {
	one := base64.StdEncoding.EncodeToString(keyOf(1))
	keys, err := seal.ParseKeys(one + "," + leaktest.MasterKey)
	if err != nil || len(keys) != 2 || !bytes.Equal(keys[0], keyOf(1)) {
		t.Errorf("%d keys, err %v", len(keys), err)
	}
	if keys, err := seal.ParseKeys(""); err != nil || keys != nil {
		t.Errorf("none: %d, err %v", len(keys), err)
	}
	for _, bad := range []string{",", leaktest.MasterKey + ",", leaktest.MasterKey[:20], "x", leaktest.MasterKey + "," + leaktest.MasterKey[1:]} {
		_, err := seal.ParseKeys(bad)
		if err == nil {
			t.Errorf("%d characters are taken for keys", len(bad))
			continue
		}
		leaktest.Check(t, "the error", err.Error())
	}
	if _, err := seal.New(); err == nil {
		t.Error("a box without a key")
	}
	if _, err := seal.New(keyOf(1), []byte("short")); err == nil {
		t.Error("a box with a short key")
	}
}

// FuzzOpen: only what Seal made for the place opens, and only in the spelling that it has.
func FuzzOpen(f *testing.F) {
	b := box(f, keyOf(1), keyOf(2))
	for _, seed := range []string{"", "x", old, old[:30], "sealed:v1:", "sealed:v1::", "sealed:v2:x", "sealed:v1:24fa5f23:AAAA", old + "\n"} {
		f.Add(seed, "7/key")
	}
	f.Fuzz(func(t *testing.T, text, place string) {
		plain, err := b.Open(text, place)
		switch {
		case err != nil && plain != "":
			t.Errorf("%q beside the error %v", plain, err)
		case (err == nil) != (text == old && place == "7/key"):
			t.Errorf("%q opens for %q: %q, err %v", text, place, plain, err)
		}
	})
}
