package usersig

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"io"
	"sync"
)

const (
	// maxText bounds the ticket as it is sent. It leaves room for maxInflated
	// bytes stored without compression.
	maxText = 16 << 10
	// maxInflated bounds the JSON inside a ticket. Real ones have about 200 bytes.
	maxInflated = 8 << 10
)

// ticketEncoding is base64 with "*" for "+", "-" for "/" and "_" for "=". It is
// not the URL alphabet of RFC 4648, where "-" stands for "+".
var ticketEncoding = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-").
	WithPadding('_').Strict()

// Compressors are reused, as a new one takes 40 KiB to read a ticket of 300
// bytes and 800 KiB to write it.
var (
	inflaters sync.Pool // of io.ReadCloser that is a zlib.Resetter
	deflaters = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}
)

// pack compresses and encodes the JSON of a ticket.
func pack(plain []byte) (string, error) {
	w := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(w)
	var packed bytes.Buffer
	w.Reset(&packed)
	if _, err := w.Write(plain); err != nil {
		return "", fmt.Errorf("usersig: compress ticket: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("usersig: compress ticket: %w", err)
	}
	return ticketEncoding.EncodeToString(packed.Bytes()), nil
}

// unpack undoes the encoding and the compression of a ticket.
func unpack(usersig string) ([]byte, error) {
	if usersig == "" {
		return nil, ErrEmpty
	}
	if len(usersig) > maxText {
		return nil, malformed("longer than 16 KiB")
	}
	packed, err := ticketEncoding.DecodeString(usersig)
	if err != nil {
		return nil, malformed("bad base64; the alphabet is A-Z a-z 0-9 * - with _ as padding, percent-escapes must be undone")
	}
	src := bytes.NewReader(packed)
	plain, err := inflate(src)
	switch {
	case err != nil:
		return nil, malformed("damaged zlib stream")
	case len(plain) > maxInflated:
		return nil, malformed("larger than 8 KiB when inflated")
	case src.Len() > 0:
		return nil, malformed("bytes after the zlib stream")
	}
	return plain, nil
}

// inflate reads the zlib stream at the start of src, checksum included, and
// gives up one byte after maxInflated.
func inflate(src *bytes.Reader) ([]byte, error) {
	zr, ok := inflaters.Get().(io.ReadCloser)
	var err error
	if ok {
		err = zr.(zlib.Resetter).Reset(src, nil)
	} else {
		zr, err = zlib.NewReader(src)
	}
	if err != nil {
		return nil, err // of the header; a failed reader is not worth keeping
	}
	defer inflaters.Put(zr)
	return io.ReadAll(io.LimitReader(zr, maxInflated+1))
}
