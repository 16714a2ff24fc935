package main

import (
	"io"
	"strings"
	"testing"
)

// TestParse: the soak itself is tested in internal/proof.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		args string
		ok   bool
	}{
		{"", true},
		{"-for 1h -engine postgres -seed 7 -rate 500 -owners 10", true},
		{"-engine mysql", false},
		{"-for 0s", false},
		{"-rate -1", false},
		{"sqlite", false},
		{"-no-such-flag", false},
	} {
		o, engine, err := parse(strings.Fields(c.args), io.Discard)
		if (err == nil) != c.ok {
			t.Errorf("%q: %v", c.args, err)
		}
		if err == nil && (o.For == 0 || o.Drain == 0 || engine == "") {
			t.Errorf("%q leaves something open: %+v %q", c.args, o, engine)
		}
	}
}
