package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
)

// Gateway serves the client protocol. Make one with New.
type Gateway struct {
	o         Options
	methods   map[string]method
	users     users
	addresses addresses
	absences  absences
	repairs   repairs

	stopping atomic.Bool
	mu       sync.Mutex
	conns    map[*conn]struct{}
	running  sync.WaitGroup  // connections, and departures being told
	working  context.Context // ends when Stop begins
	finish   context.CancelFunc
	calls    context.Context // ends when Stop has waited long enough for calls
	abort    context.CancelFunc
	leaving  chan struct{} // one element for each departure that is being told
}

// New returns a Gateway. It serves nothing before Start.
func New(o Options) *Gateway {
	g := &Gateway{o: o.withDefaults(), conns: make(map[*conn]struct{})}
	g.methods = g.table()
	g.working, g.finish = context.WithCancel(context.Background())
	g.calls, g.abort = context.WithCancel(context.Background())
	g.leaving = make(chan struct{}, maxLeaving)
	g.users.init(g.o.History)
	g.absences.init()
	return g
}

// Start takes over the devices that were recorded as online when the last process ended. Those that do not come back in time
// are told as disconnected.
func (g *Gateway) Start(ctx context.Context) error { return g.takeOver(ctx) }

// ServeHTTP upgrades a request to a session.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.stopping.Load() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the server is stopping; connect again", http.StatusServiceUnavailable)
		return
	}
	c := &conn{g: g, since: g.o.Now(), origin: strings.Clone(r.Header.Get("Origin"))}
	if ip := g.o.Proxies.Of(r); ip.IsValid() {
		c.ip = ip
	}
	// The origin is checked at login, which says for which app: a ticket in a frame, unlike a cookie, is not sent by a
	// browser on behalf of a foreign page.
	options := &websocket.AcceptOptions{InsecureSkipVerify: true, OnPingReceived: c.pinged}
	if g.o.Compress {
		options.CompressionMode = websocket.CompressionNoContextTakeover
	}
	hijacker := &hijacker{ResponseWriter: w}
	ws, err := websocket.Accept(hijacker, r, options)
	if err != nil {
		return // it was answered
	}
	ws.SetReadLimit(-1) // the session has a limit of its own, with a refusal of its own
	c.ws, c.net = ws, hijacker.conn
	if !g.add(c) {
		_ = c.ws.CloseNow()
		return
	}
	// A goroutine of its own: that of net/http keeps a grown stack and the request.
	go c.run()
}

// hijacker gets hold of the connection below the WebSocket, for its deadlines.
type hijacker struct {
	http.ResponseWriter
	conn net.Conn
}

// wholeFrames is a connection whose end is an error of its own: the library would take io.EOF within a frame for the frame's
// end, and the session would refuse as broken what was merely cut off.
type wholeFrames struct{ net.Conn }

var errConnectionLost = errors.New("the connection was lost")

// Read implements io.Reader.
func (c wholeFrames) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = errConnectionLost
	}
	return n, err
}

// Sizes of a connection's buffers in bytes. Most frames fit; larger ones are read and written past them. Those of net/http
// have 4096 each, which is most of what an idle connection would take.
const readBuffer, writeBuffer = 512, 1024

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = c
	c = wholeFrames{c}
	early, err := rw.Reader.Peek(rw.Reader.Buffered()) // a client that did not wait for the upgrade
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	r := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(early), c), max(readBuffer, len(early)))
	if _, err := r.Peek(len(early)); err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, bufio.NewReadWriter(r, bufio.NewWriterSize(c, writeBuffer)), nil
}

// add registers a connection, unless the gateway is stopping.
func (g *Gateway) add(c *conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopping.Load() {
		return false
	}
	g.conns[c] = struct{}{}
	g.running.Add(1)
	return true
}

func (g *Gateway) remove(c *conn) {
	g.mu.Lock()
	delete(g.conns, c)
	g.mu.Unlock()
	g.running.Done()
}

// Connections returns how many there are, logged in or not.
func (g *Gateway) Connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// minSpread is the least time over which reconnects after a stop are spread: a millisecond for each connection, up to
// Options.Spread.
const minSpread = 500 * time.Millisecond

// Stop tells every client to connect again, spread in time, and closes all connections. When ctx ends first, the rest is cut
// off, calls that are being carried out included. No departure is told: the devices stay recorded as online, and the next start takes them over. Stopping twice is safe.
func (g *Gateway) Stop(ctx context.Context) {
	g.mu.Lock()
	g.stopping.Store(true)
	conns := make([]*conn, 0, len(g.conns))
	for c := range g.conns {
		conns = append(conns, c)
	}
	g.mu.Unlock()
	g.absences.stop()
	g.finish()
	defer g.abort()
	spread := min(max(time.Duration(len(conns))*time.Millisecond, minSpread), g.o.Spread)
	for _, c := range conns {
		after := rand.N(spread).Milliseconds()
		c.notify(api.NotifySessionReconnect, api.SessionReconnect{AfterMS: after})
		c.end(api.RefusalRestart, "the server is stopping; connect again")
	}
	done := make(chan struct{})
	go func() {
		g.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		g.abort()
		for _, c := range conns {
			c.cut()
		}
		<-done
	}
}

// addresses counts connections by address.
type addresses struct {
	mu     sync.Mutex
	counts map[netip.Addr]int
}

// take counts one more, unless there are max already. A negative max is no limit.
func (a *addresses) take(ip netip.Addr, limit int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if limit >= 0 && a.counts[ip] >= limit {
		return false
	}
	if a.counts == nil {
		a.counts = make(map[netip.Addr]int)
	}
	a.counts[ip]++
	return true
}

func (a *addresses) release(ip netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts[ip]--; a.counts[ip] <= 0 {
		delete(a.counts, ip)
	}
}
