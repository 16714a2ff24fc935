package hostile

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
)

// accept takes connections until its listener is closed.
func (r *Receiver) accept(l net.Listener, window context.Context) {
	for {
		if r.hangsInBacklog() {
			<-window.Done()
			return
		}
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if !r.keep(conn, window) {
			_ = conn.Close()
			return
		}
		r.work.Go(func() { r.meet(conn, window) })
	}
}

func (r *Receiver) hangsInBacklog() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.modes[0] == HangBacklog
}

// keep notes an open connection, so that the end of the window closes it. It reports false when the window is over.
func (r *Receiver) keep(conn net.Conn, window context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if window.Err() != nil {
		return false
	}
	r.conns[conn] = true
	return true
}

func (r *Receiver) forget(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
	delete(r.wrong, conn)
}

// meet treats a new connection by the mode that it draws.
func (r *Receiver) meet(conn net.Conn, window context.Context) {
	mode := r.drawConnection()
	switch behaviours[mode].phase {
	case inConnection, inHandshake:
		if wrong := r.wrongCertificate(mode); wrong != nil {
			r.mu.Lock()
			r.wrong[conn] = mode
			r.mu.Unlock()
			r.serve(conn, wrong)
			return
		}
		spoil(conn, mode, window)
		_ = conn.Close()
		r.forget(conn)
	case inListener, inRequest, inAnswer: // also what has no mode of its own
		r.serve(conn, r.rightCertificate())
	}
}

func (r *Receiver) rightCertificate() *tls.Config {
	if r.certs == nil {
		return nil
	}
	return r.certs.right
}

func (r *Receiver) wrongCertificate(m Mode) *tls.Config {
	if r.certs == nil {
		return nil
	}
	return r.certs.wrong[m]
}

// serve hands a connection to the HTTP server.
func (r *Receiver) serve(conn net.Conn, config *tls.Config) {
	kept := &keptConn{Conn: conn, closed: func() { r.forget(conn) }}
	if config != nil {
		r.served.give(tls.Server(kept, config))
		return
	}
	r.served.give(kept)
}

// spoil does what a mode does to a connection before a request. The caller closes it.
func spoil(conn net.Conn, mode Mode, window context.Context) {
	switch mode {
	case HangHandshake, CloseHandshake, ResetHandshake, PlainHTTP:
		_, _ = conn.Read(make([]byte, 1<<10)) // some of the client's first message
	case HangAccept, CloseAccept, ResetAccept, GreetAccept:
	}
	switch mode {
	case HangAccept, HangHandshake:
		// Use closes the connection at the end of the window, so this ends too when the sender has patience.
		defer context.AfterFunc(window, func() { _ = conn.Close() })()
		_, _ = io.Copy(io.Discard, conn)
	case ResetAccept, ResetHandshake:
		resetOnClose(conn)
	case GreetAccept:
		_, _ = io.WriteString(conn, "220 smtp ready\r\n")
	case PlainHTTP:
		_, _ = io.WriteString(conn, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.\n")
	}
}

// resetOnClose makes the close of a connection a reset.
func resetOnClose(conn net.Conn) {
	for {
		switch c := conn.(type) {
		case *tls.Conn:
			conn = c.NetConn()
		case *keptConn:
			conn = c.Conn
		case *net.TCPConn:
			_ = c.SetLinger(0)
			return
		default:
			return
		}
	}
}

// keptConn tells once when it is closed.
type keptConn struct {
	net.Conn
	once   sync.Once
	closed func()
}

// Close implements net.Conn.
func (c *keptConn) Close() error {
	c.once.Do(c.closed)
	return c.Conn.Close()
}

// connKey is the context key of a request's connection.
type connKey struct{}

// withConn is http.Server.ConnContext.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(*tls.Conn); ok {
		conn = c.NetConn()
	}
	if c, ok := conn.(*keptConn); ok {
		conn = c.Conn
	}
	return context.WithValue(ctx, connKey{}, conn)
}

func connOf(r *http.Request) net.Conn {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	return conn
}
