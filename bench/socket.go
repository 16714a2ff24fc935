package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// socket is the client's end of a WebSocket as far as the benchmark needs it, written by hand for the reason that message
// is. Its mask is zero, which is a mask too.
type socket struct {
	conn   net.Conn
	reader *bufio.Reader
	frame  []byte
	out    []byte
}

// dialSocket connects and upgrades. source is the local address, nil for any.
func dialSocket(address, path string, source net.Addr, compress bool) (*socket, error) {
	d := net.Dialer{LocalAddr: source, Timeout: callTimeout}
	conn, err := d.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, reader: bufio.NewReaderSize(conn, 1<<10)}
	if err := s.upgrade(address, path, compress); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

func (s *socket) upgrade(address, path string, compress bool) error {
	extension := ""
	if compress {
		extension = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n"
	}
	if err := s.conn.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a2l0aC1iZW5jaG1hcmstMA==\r\n%s\r\n", path, address, extension)
	if err != nil {
		return err
	}
	status, err := readLine(s.reader)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 101 ")) {
		return fmt.Errorf("the upgrade was answered %q", status)
	}
	for {
		line, err := readLine(s.reader)
		if err != nil || len(line) == 0 {
			return err
		}
	}
}

// send writes a text frame.
func (s *socket) send(payload []byte) error {
	const finalText, masked = 0x81, 0x80
	s.out = append(s.out[:0], finalText)
	switch n := len(payload); {
	case n < 126:
		s.out = append(s.out, masked|byte(n))
	case n <= 0xffff:
		s.out = binary.BigEndian.AppendUint16(append(s.out, masked|126), uint16(n))
	default:
		s.out = binary.BigEndian.AppendUint64(append(s.out, masked|127), uint64(n))
	}
	s.out = append(s.out, 0, 0, 0, 0)
	s.out = append(s.out, payload...)
	_, err := s.conn.Write(s.out)
	return err
}

// receive returns the next text frame, valid until the next call, and how many bytes it had on the wire.
func (s *socket) receive() (payload []byte, wire int, err error) {
	var head [2]byte
	if _, err := io.ReadFull(s.reader, head[:]); err != nil {
		return nil, 0, err
	}
	n := int(head[1] & 0x7f)
	var long [8]byte
	switch n {
	case 126:
		_, err = io.ReadFull(s.reader, long[6:])
	case 127:
		_, err = io.ReadFull(s.reader, long[:])
	}
	if err != nil {
		return nil, 0, err
	}
	if n >= 126 {
		n = int(binary.BigEndian.Uint64(long[:]))
	}
	if cap(s.frame) < n {
		s.frame = make([]byte, n)
	}
	s.frame = s.frame[:n]
	if _, err := io.ReadFull(s.reader, s.frame); err != nil {
		return nil, 0, err
	}
	const opcode, text, compressed = 0x0f, 0x01, 0x40
	switch {
	case head[0]&opcode != text:
		return nil, 0, fmt.Errorf("frame of kind %d: %q", head[0]&opcode, s.frame)
	case head[0]&compressed != 0:
		plain, err := inflate(s.frame)
		return plain, n, err
	}
	return s.frame, n, nil
}

// inflate undoes permessage-deflate of one message.
func inflate(b []byte) ([]byte, error) {
	const tail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"
	return io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(b), bytes.NewReader([]byte(tail)))))
}

// ask sends a request and returns its answer. Frames without an id are passed over.
func (s *socket) ask(request []byte) (answer []byte, wire int, err error) {
	if err := s.send(request); err != nil {
		return nil, 0, err
	}
	for {
		frame, wire, err := s.receive()
		if err != nil || bytes.Contains(frame[:min(len(frame), 32)], []byte(`"id":`)) {
			return frame, wire, err
		}
	}
}

func (s *socket) close() { _ = s.conn.Close() }
