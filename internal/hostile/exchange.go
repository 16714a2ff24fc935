package hostile

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// answerOK is the documented answer for an event that was handled.
	answerOK = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`
	// wholeHead begins an answer with a body of the length of answerOK.
	wholeHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n"
	// switching is an answer after which a connection has no requests and answers any more.
	switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
	// followedPath is where redirects lead; nobody must come.
	followedPath = "/followed"
	// dripEvery is the pause between two drops.
	dripEvery = 20 * time.Millisecond
)

// exchange is a request on its way to its answer.
type exchange struct {
	w        http.ResponseWriter
	r        *http.Request
	window   context.Context // ends with the modes in use
	patience time.Duration   // of the sender
	trap     string          // URL that nobody must call
	conn     net.Conn        // after the server handed it over; it is closed at the end
	broken   bool            // writing failed: the sender has gone
}

func (x *exchange) good() { x.ok(answerOK) }

func (x *exchange) ok(body string) {
	x.w.Header().Set("Content-Type", "application/json")
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	x.write(body)
}

func (x *exchange) goodChunked() {
	x.w.Header().Set("Content-Type", "text/plain")
	for _, part := range strings.SplitAfter(answerOK, ",") {
		x.flush(part)
	}
}

func (x *exchange) goodSliced() {
	for _, part := range strings.SplitAfter(answerOK, ",") {
		x.flush(part)
		x.pause(dripEvery)
	}
}

func (x *exchange) write(text string) {
	if _, err := io.WriteString(x.w, text); err != nil {
		x.broken = true
	}
}

func (x *exchange) flush(text string) {
	x.write(text)
	if http.NewResponseController(x.w).Flush() != nil {
		x.broken = true
	}
}

func (x *exchange) redirect(where string) {
	x.w.Header().Set("Location", where)
	x.w.WriteHeader(http.StatusTemporaryRedirect)
}

func (x *exchange) giantHeaders() {
	for i := range 64 {
		x.w.Header().Set("X-Giant-"+strconv.Itoa(i), strings.Repeat("x", 64<<10))
	}
	x.good()
}

// endless sends 1 GiB, or as much of it as the sender of the event takes.
func (x *exchange) endless() {
	x.w.Header().Set("Content-Length", strconv.Itoa(1<<30))
	block := make([]byte, 64<<10)
	for range (1 << 30) / len(block) {
		if _, err := x.w.Write(block); err != nil || x.window.Err() != nil {
			x.broken = true
			return
		}
	}
}

// status answers with a status and perhaps Retry-After.
func status(code int, retryAfter func() string) func(*exchange) {
	return func(x *exchange) {
		if retryAfter != nil {
			x.w.Header().Set("Retry-After", retryAfter())
		}
		x.w.WriteHeader(code)
	}
}

func inASecond() string { return time.Now().Add(time.Second).UTC().Format(http.TimeFormat) }

// hang returns when the sender has gone or the modes change.
func (x *exchange) hang() {
	select {
	case <-x.r.Context().Done():
	case <-x.window.Done():
	}
	x.close()
}

// pause waits, but not longer than the sender.
func (x *exchange) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.r.Context().Done():
	case <-x.window.Done():
	}
}

// hijack takes the connection from the server.
func (x *exchange) hijack() bool {
	if x.conn == nil {
		conn, _, err := http.NewResponseController(x.w).Hijack()
		if err != nil {
			x.broken = true
			return false
		}
		x.conn = conn
	}
	return true
}

// raw sends bytes as they are.
func (x *exchange) raw(text string) {
	if !x.hijack() {
		return
	}
	if _, err := io.WriteString(x.conn, text); err != nil {
		x.broken = true
	}
}

// close ends the connection.
func (x *exchange) close() {
	if x.hijack() {
		_ = x.conn.Close()
	}
}

// reset ends the connection so that the sender gets an error for it.
func (x *exchange) reset() {
	if !x.hijack() {
		return
	}
	resetOnClose(x.conn)
	_ = x.conn.Close()
}

// linger returns when the sender has closed a connection that was taken from the server, or the modes change.
func (x *exchange) linger() {
	if x.conn == nil {
		return
	}
	defer context.AfterFunc(x.window, func() { _ = x.conn.Close() })()
	_, _ = io.Copy(io.Discard, x.conn)
}

// drip sends a text again and again until the sender has had enough.
func (x *exchange) drip(text string) {
	if x.conn == nil {
		return
	}
	defer context.AfterFunc(x.window, func() { _ = x.conn.Close() })()
	tick := time.NewTicker(dripEvery)
	defer tick.Stop()
	for range tick.C {
		if _, err := io.WriteString(x.conn, text); err != nil {
			return
		}
	}
}
