package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"github.com/kithchat/kith/api"
)

const (
	// writeTimeout is how long a client may take to accept one frame.
	writeTimeout = 10 * time.Second
	// maxReason is the longest reason of a close frame in bytes, per RFC 6455.
	maxReason = 123
	// maxRefused is how many calls in a row may be refused for their rate before the connection is ended.
	maxRefused = 200
	// maxPooledBuffer is the largest buffer for reading that is kept, in bytes.
	maxPooledBuffer = 64 << 10
)

// conn is one WebSocket connection. Its reading goroutine runs the calls; its queue takes frames from anybody.
type conn struct {
	g      *Gateway
	ws     *websocket.Conn
	net    net.Conn
	ip     netip.Addr // zero when not known
	origin string     // of the page, empty when not a browser
	since  time.Time

	heard   atomic.Int64 // when the last frame came, Unix nanoseconds
	limiter *rate.Limiter
	refused int // calls in a row that were too many

	mu      sync.Mutex
	session *session // nil before login; written by the reading goroutine
	timer   *time.Timer
	queue   [][]byte
	queued  int  // bytes, the frame that is being written included
	writing bool // there is a writing goroutine
	ending  bool // a close frame is or will be sent; nothing more is queued
	closed  bool
	why     api.Refusal
	reason  string
	// departed says that the end of the session is being told, or was.
	departed bool
}

var errFrameTooLarge = errors.New("the frame is too large")

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// run reads and carries out frames until the connection ends.
func (c *conn) run() {
	defer c.finish()
	key := addressKey(c.ip)
	if !c.g.addresses.take(key, c.g.o.MaxAddress) {
		c.end(api.RefusalAddress, "too many connections from this address")
	} else {
		defer c.g.addresses.release(key)
	}
	c.limiter = rate.NewLimiter(rate.Limit(c.g.o.Rate), int(2*c.g.o.Rate)+1)
	c.heard.Store(c.since.UnixNano())
	c.mu.Lock()
	c.timer = time.AfterFunc(c.g.o.LoginTimeout, c.tick)
	c.mu.Unlock()
	for c.next() {
	}
}

// next reads one frame and carries it out. It returns false when there will be no more.
func (c *conn) next() bool {
	kind, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return false
	}
	b := buffers.Get().(*bytes.Buffer)
	defer func() {
		if b.Cap() <= maxPooledBuffer {
			b.Reset()
			buffers.Put(b)
		}
	}()
	err = readFrame(b, r, c.g.o.MaxFrame)
	if err != nil && !errors.Is(err, errFrameTooLarge) {
		return false
	}
	c.heard.Store(c.g.o.Now().UnixNano())
	switch {
	case c.isEnding(): // what comes after the end counts for nothing; the peer's close frame is awaited
	case err != nil:
		c.end(api.RefusalProtocol, "the frame is larger than the server reads; ask for fewer accounts in one call")
		return c.drain(r)
	case kind != websocket.MessageText:
		c.end(api.RefusalProtocol, "binary frame; send JSON-RPC 2.0 in text frames")
	default:
		c.carry(b.Bytes())
	}
	return true
}

// carry handles a frame on a goroutine of its own. A call's stack is deep, and the one that waits for the next frame would
// keep what it has grown to.
func (c *conn) carry(frame []byte) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.handle(frame)
	}()
	<-done
}

// readFrame reads a frame of at most limit bytes into b.
func readFrame(b *bytes.Buffer, r io.Reader, limit int64) error {
	if _, err := b.ReadFrom(io.LimitReader(r, limit+1)); err != nil {
		return err
	}
	if int64(b.Len()) > limit {
		return errFrameTooLarge
	}
	return nil
}

// drain reads the rest of a frame that is too large, so that the close frame behind it can be met. It gives up with the
// connection's deadline for writing, which hangUp sets for reading too.
func (c *conn) drain(r io.Reader) bool {
	_, err := io.Copy(io.Discard, r)
	return err == nil
}

// pinged is called for each ping of the client.
func (c *conn) pinged(context.Context, []byte) bool {
	c.heard.Store(c.g.o.Now().UnixNano())
	return true
}

// push queues a frame. It never blocks. A queue that would grow over its limit ends the connection instead.
func (c *conn) push(frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending || c.closed {
		return
	}
	if c.queued > 0 && c.queued+len(frame) > c.g.o.MaxQueue {
		c.queue = nil // the device resumes where it is; what waits here would only delay the close frame
		c.endLocked(api.RefusalSlow, "the client reads too slowly; connect again and resume")
		return
	}
	c.queue = append(c.queue, frame)
	c.queued += len(frame)
	c.wakeLocked()
}

// notify queues a notification.
func (c *conn) notify(method string, params any) { c.push(notification(method, params)) }

// end closes the connection with a refusal, 0 for a logout, after what is queued. The first end counts.
func (c *conn) end(why api.Refusal, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked(why, reason)
}

func (c *conn) endLocked(why api.Refusal, reason string) {
	if c.ending || c.closed {
		return
	}
	c.ending, c.why, c.reason = true, why, reason[:min(len(reason), maxReason)]
	c.wakeLocked()
	c.departLocked()
}

// departLocked ends the session of a connection that is ending: it is over now, however long the client takes to close its
// end.
func (c *conn) departLocked() {
	s, why := c.session, c.why
	if s == nil || !c.ending || c.departed {
		return
	}
	c.departed = true
	c.g.running.Add(1)
	go func() {
		defer c.g.running.Done()
		c.g.depart(s, why, why == 0, "")
	}()
}

func (c *conn) isEnding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending
}

// wakeLocked sees to it that somebody writes. The connection itself still counts as running, so the count cannot be 0.
func (c *conn) wakeLocked() {
	if c.writing {
		return
	}
	c.writing = true
	c.g.running.Add(1)
	go c.write()
}

// write writes what is queued, then the close frame if the connection is ending.
func (c *conn) write() {
	defer c.g.running.Done()
	written := 0
	for {
		frame, hangUp := c.pop(written)
		if hangUp {
			c.hangUp()
			return
		}
		if frame == nil {
			return
		}
		_ = c.net.SetWriteDeadline(time.Now().Add(writeTimeout))
		if c.ws.Write(context.Background(), websocket.MessageText, frame) != nil {
			c.cut() // the reading goroutine sees it and finishes
			return
		}
		written = len(frame)
	}
}

// pop takes the written bytes off the count and returns the next frame, or nil when the writing goroutine has to end, with
// hangUp when it has to close the connection first.
func (c *conn) pop(written int) (frame []byte, hangUp bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queued -= written
	switch {
	case c.closed:
		return nil, false
	case len(c.queue) > 0:
		frame = c.queue[0]
		c.queue[0] = nil
		if c.queue = c.queue[1:]; len(c.queue) == 0 {
			c.queue = nil
		}
		return frame, false
	case c.ending:
		return nil, true // writing stays true: there is no more writing
	}
	c.writing = false
	_ = c.net.SetWriteDeadline(time.Time{}) // or pongs and the answer to a close, which the reading goroutine writes, come too late
	return nil, false
}

// hangUp sends the close frame and waits a little for the client's.
func (c *conn) hangUp() {
	c.mu.Lock()
	code, reason := websocket.StatusCode(c.why), c.reason
	c.mu.Unlock()
	if code == 0 {
		code = websocket.StatusNormalClosure
	}
	_ = c.net.SetDeadline(time.Now().Add(writeTimeout))
	_ = c.ws.Close(code, reason)
}

// cut closes the connection without ceremony: TLS would wait for a stuck client to take its last alert.
func (c *conn) cut() {
	if below, ok := c.net.(interface{ NetConn() net.Conn }); ok {
		_ = below.NetConn().Close()
	}
	_ = c.net.Close()
}

// finish cleans up after the reading goroutine.
func (c *conn) finish() {
	c.mu.Lock()
	c.closed, c.queue = true, nil
	c.timer.Stop()
	why, departed := c.why, c.departed
	c.mu.Unlock()
	_ = c.ws.CloseNow()
	c.cut()
	c.g.o.Metrics.Ended(why)
	if c.session != nil && !departed {
		c.g.depart(c.session, why, false, "")
	}
	c.g.remove(c)
}
