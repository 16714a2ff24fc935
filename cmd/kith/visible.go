package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// plays reports whether a terminal does something else with a character than showing it: control characters, and those that
// turn the direction of the text around or cannot be seen.
func plays(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// visible makes the characters visible that could play with the terminal, since names and answers come from anybody.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if plays(r) {
			return '�'
		}
		return r
	}, text)
}

// encoder writes JSON to standard output.
func (c *cli) encoder() *json.Encoder {
	encoder := json.NewEncoder(visibleJSON{c.out})
	encoder.SetEscapeHTML(false)
	return encoder
}

// visibleJSON escapes in JSON what visible replaces in text. The values stay the same. Each Write must hold whole characters,
// as those of a json.Encoder do.
type visibleJSON struct{ w io.Writer }

func (v visibleJSON) Write(p []byte) (int, error) {
	// What JSON has below ' ' is line breaks between its parts.
	hidden := func(r rune) bool { return r > ' ' && plays(r) }
	if bytes.IndexFunc(p, hidden) < 0 {
		return v.w.Write(p)
	}
	var b []byte
	for _, r := range string(p) {
		if !hidden(r) {
			b = append(b, string(r)...)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			b = append(b, `\u`...)
			b = append(b, strconv.FormatUint(0x10000|uint64(unit), 16)[1:]...)
		}
	}
	if _, err := v.w.Write(b); err != nil {
		return 0, err
	}
	return len(p), nil
}
