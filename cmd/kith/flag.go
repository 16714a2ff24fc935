package main

import (
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// addDuration adds a flag whose default help shows without trailing zeros: 24h, not 24h0m0s.
func addDuration(fs *pflag.FlagSet, value *time.Duration, name string, usual time.Duration, usage string) {
	fs.DurationVar(value, name, usual, usage)
	text := usual.String()
	for _, zeros := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zeros) {
			text = text[:len(text)-2]
		}
	}
	fs.Lookup(name).DefValue = text
}
