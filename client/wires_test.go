package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
)

// wires is a network in memory, so that tests run in virtual time.
type wires struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newWires() *wires { return &wires{accept: make(chan net.Conn), closed: make(chan struct{})} }

// http returns a client whose every connection leads here.
func (w *wires) http() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return w.dial(ctx)
	}}}
}

func (w *wires) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.accept <- server:
		return client, nil
	case <-w.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: errors.New("connection refused")}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (w *wires) Accept() (net.Conn, error) {
	select {
	case c := <-w.accept:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (w *wires) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

// Addr implements net.Listener.
func (w *wires) Addr() net.Addr { return &net.TCPAddr{} }
