package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// wireBuffer is the size of a connection's read buffer. An answer about 100 targets fits.
const wireBuffer = 16 << 10

// message is an HTTP/1.1 request or response as far as the benchmark needs it. Its slices are reused by the next read.
//
// Generator and receiver read HTTP by hand, because net/http would cost them about as much CPU as the server under test
// spends, on the same cores.
type message struct {
	start     []byte // request or status line
	body      []byte
	webhookID []byte
	close     bool // the peer will close the connection
	length    int
}

// read reads one message. Bodies must have a Content-Length. A clean end of the connection before a message is io.EOF.
func (m *message) read(r *bufio.Reader) error {
	line, err := readLine(r)
	if err != nil {
		return err
	}
	m.start = append(m.start[:0], line...)
	m.webhookID, m.close, m.length = m.webhookID[:0], false, -1
	for {
		line, err := readLine(r)
		if err != nil {
			return noEOF(err)
		}
		if len(line) == 0 {
			break
		}
		if err := m.header(line); err != nil {
			return err
		}
	}
	if m.length < 0 {
		return fmt.Errorf("%q came without a Content-Length", m.start)
	}
	if cap(m.body) < m.length {
		m.body = make([]byte, m.length)
	}
	m.body = m.body[:m.length]
	_, err = io.ReadFull(r, m.body)
	return noEOF(err)
}

func (m *message) header(line []byte) error {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return fmt.Errorf("%q is not a header", line)
	}
	value = bytes.TrimSpace(value)
	switch {
	case isHeader(name, "content-length"):
		n, err := strconv.Atoi(string(value))
		if err != nil || n < 0 {
			return fmt.Errorf("Content-Length is %q", value)
		}
		m.length = n
	case isHeader(name, "webhook-id"):
		m.webhookID = append(m.webhookID, value...)
	case isHeader(name, "connection"):
		m.close = bytes.EqualFold(value, []byte("close"))
	}
	return nil
}

func isHeader(name []byte, lower string) bool {
	return len(name) == len(lower) && bytes.EqualFold(name, []byte(lower))
}

// readLine returns a line without its end, valid until the next read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
