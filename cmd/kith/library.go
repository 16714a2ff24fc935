package main

import (
	"bytes"
	"io"
)

// unsolicited is what net/http prints of bytes that came on a connection without a request, followed by them.
var unsolicited = []byte("Unsolicited response received on idle HTTP channel")

// library is where libraries print by Go's own logger. What an endpoint sends beyond its answer is left out: it can repeat
// secrets, and there can be any amount of it.
type library struct{ io.Writer }

// Write implements io.Writer. It gets one message at a time.
func (l library) Write(p []byte) (int, error) {
	if bytes.Contains(p, unsolicited) {
		return len(p), nil
	}
	return l.Writer.Write(p)
}
