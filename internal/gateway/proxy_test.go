package gateway_test

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// proxy forwards TCP connections and mistreats them: it cuts them at any byte, in either direction, closes one half, passes
// bytes on one by one or late, or stops passing them.
type proxy struct {
	listener net.Listener
	target   string
	calm     atomic.Bool // no more mistreatment
	cuts     atomic.Int64

	mu     sync.Mutex
	random *rand.Rand
	open   map[net.Conn]struct{}
	wg     sync.WaitGroup
}

func (f *fixture) startProxy(seed uint64) *proxy {
	f.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(f.t.Context(), "tcp", "127.0.0.1:0")
	f.must(err)
	p := &proxy{
		listener: listener, target: f.http.Listener.Addr().String(),
		random: rand.New(rand.NewPCG(seed, 1)), open: make(map[net.Conn]struct{}),
	}
	p.wg.Go(p.serve)
	f.t.Cleanup(p.close)
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) close() {
	_ = p.listener.Close()
	p.cutAll()
	p.wg.Wait()
}

// cutAll cuts every connection.
func (p *proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.open[client], p.open[server] = struct{}{}, struct{}{}
		up, down := p.fate(2000), p.fate(12_000)
		p.mu.Unlock()
		p.wg.Go(func() {
			var both sync.WaitGroup
			both.Go(func() { p.pass(server, client, up) })
			both.Go(func() { p.pass(client, server, down) })
			both.Wait()
			p.mu.Lock()
			delete(p.open, client)
			delete(p.open, server)
			p.mu.Unlock()
			_, _ = client.Close(), server.Close()
		})
	}
}

// fate is what happens to one direction of a connection.
type fate struct {
	after int64 // bytes that pass
	end   func(to, from net.Conn)
	chunk int           // bytes that pass at a time
	delay time.Duration // before each
}

// fate decides what happens to a direction within so many bytes. The caller holds the lock.
func (p *proxy) fate(within int64) fate {
	f := fate{after: p.random.Int64N(within), chunk: 1 + p.random.IntN(4096)}
	if p.random.IntN(4) == 0 {
		f.delay = time.Duration(p.random.Int64N(int64(3 * time.Millisecond)))
	}
	stall := time.Duration(p.random.Int64N(int64(50 * time.Millisecond)))
	f.end = []func(to, from net.Conn){
		func(to, from net.Conn) { _, _ = to.Close(), from.Close() },
		func(to, _ net.Conn) { _ = to.(*net.TCPConn).CloseWrite() },
		func(to, from net.Conn) { <-time.After(stall); _, _ = to.Close(), from.Close() },
		func(to, from net.Conn) { _ = to.(*net.TCPConn).SetLinger(0); _, _ = to.Close(), from.Close() },
	}[p.random.IntN(4)]
	return f
}

// pass forwards one direction until its fate.
func (p *proxy) pass(to, from net.Conn, f fate) {
	buf := make([]byte, f.chunk)
	for left := f.after; left > 0; {
		n, err := from.Read(buf)
		if !p.calm.Load() {
			n = min(n, int(left))
			left -= int64(n)
			if f.delay > 0 {
				<-time.After(f.delay)
			}
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			_ = to.(*net.TCPConn).CloseWrite()
			return
		}
	}
	p.cuts.Add(1)
	f.end(to, from)
	_, _ = io.Copy(io.Discard, from) // what comes after it is lost
}
