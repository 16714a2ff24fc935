package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// playful is what plays with terminals: title and colours by ESC and by the CSI of C1, backspace, a faked line, text that
// runs backwards, a tag.
const playful = "\x1b]0;owned\a\u009b31m\b\r\nkith: done\u202e\u2066\u2028\u200b\U000e0041\x7f"

func TestNothingPlaysWithTheTerminal(t *testing.T) {
	plain := "mia – Zoë 猫 <&> 🙂"
	if got := visible(plain); got != plain {
		t.Errorf("%q became %q", plain, got)
	}
	var out bytes.Buffer
	c := &cli{out: &out, err: &out}
	c.say("%s", playful)
	if err := errors.Join(c.print(nil, func(w io.Writer) { row(w, playful, "x") }), c.printLine(nil, cells(playful, 3))); err != nil {
		t.Fatal(err)
	}
	c.run(t.Context(), []string{"app", "show", playful})
	c.json = true
	if err := errors.Join(c.print(playful, nil), c.printLine(map[string]string{playful: playful}, "")); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if text := strings.TrimSuffix(line, "\n"); strings.ContainsFunc(text, plays) || strings.HasPrefix(text, "kith: done") {
			t.Errorf("printed %q", text)
		}
	}
}

func FuzzVisibleJSON(f *testing.F) {
	for _, text := range []string{"", "mia", playful, "\\u009b", "\xff", "🙂\U000e0041"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var out bytes.Buffer
		c := &cli{out: &out}
		if err := c.encoder().Encode(text); err != nil {
			t.Fatal(err)
		}
		if printed := strings.TrimSuffix(out.String(), "\n"); strings.ContainsFunc(printed, plays) {
			t.Errorf("printed %q", printed)
		}
		var got string
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || utf8.ValidString(text) && got != text {
			t.Errorf("%q became %q, err %v", text, got, err)
		}
	})
}
