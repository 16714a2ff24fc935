package gateway_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

// bubble is a fixture in virtual time: connections are pipes in memory, and the clock moves only when everybody waits.
type bubble struct {
	*fixture
	wires *wires
}

// inBubble runs a test in virtual time.
func inBubble(t *testing.T, change func(*gateway.Options), f func(*testing.T, *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newBubble(t, change)) })
}

func newBubble(t testing.TB, change func(*gateway.Options)) *bubble {
	b := &bubble{fixture: &fixture{t: t, log: &logBuffer{}}, wires: newWires()}
	b.openStore(t.TempDir())
	b.g = gateway.New(b.options(change))
	b.told.Store(b.g)
	b.apps.Watch(b.g.AppsChanged)
	b.must(b.g.Start(t.Context()))
	b.http = &httptest.Server{Listener: b.wires, Config: &http.Server{Handler: b.g}}
	b.http.Start()
	t.Cleanup(b.stop)
	return b
}

// from connects from an address, as a page of an origin if that is not empty.
func (b *bubble) from(address, origin string) *client {
	b.t.Helper()
	return b.attach(b.open(address, origin))
}

// open connects, and reads nothing.
func (b *bubble) open(address, origin string) *websocket.Conn {
	b.t.Helper()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return b.wires.dial(ctx, netip.MustParseAddr(address))
	}}
	ws, _, err := websocket.Dial(b.t.Context(), "ws://kith.test"+api.GatewayPath, &websocket.DialOptions{
		HTTPHeader: header, HTTPClient: &http.Client{Transport: transport},
	})
	b.must(err)
	ws.SetReadLimit(-1)
	b.t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

// attach reads what comes on a connection.
func (b *bubble) attach(ws *websocket.Conn) *client {
	c := &client{t: b.t, ws: ws, frames: make(chan api.GatewayFrame, 4096)}
	go c.read()
	return c
}

// home is where most clients connect from.
const home = "198.51.100.7"

// enters connects a device and logs it in.
func (b *bubble) enters(p api.LoginParams) *client {
	b.t.Helper()
	c := b.from(home, "")
	must[api.LoginResult](c, api.MethodLogin, p)
	return c
}

// on is a login from a platform.
func on(platform, userID, device string) api.LoginParams {
	p := loginOf(userID, device)
	p.Platform = platform
	return p
}

// pass lets time go by, and everything happen that is due by then.
func (b *bubble) pass(d time.Duration) {
	time.Sleep(d) // virtual
	synctest.Wait()
}

// wires is a listener whose connections are pipes in memory.
type wires struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newWires() *wires { return &wires{accept: make(chan net.Conn), closed: make(chan struct{})} }

// dial connects from an address.
func (w *wires) dial(ctx context.Context, from netip.Addr) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.accept <- wire{server, net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 4711))}:
		return client, nil
	case <-w.closed:
		return nil, errors.New("connection refused")
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
func (w *wires) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// wire is the server's end of a pipe, with an address.
type wire struct {
	net.Conn
	remote net.Addr
}

// RemoteAddr returns where the client connected from.
func (w wire) RemoteAddr() net.Addr { return w.remote }

// appOf is another app.
func appOf(sdkAppID uint32, key string) apps.New { return apps.New{SDKAppID: sdkAppID, Key: key} }

// otherKey is another secret key.
const otherKey = "gateway-test-secret-key-02"

// sign makes a UserSig that lives an hour.
func (b *bubble) sign(key, userID string) string { return b.signFor(testApp, key, userID) }

func (b *bubble) signFor(sdkAppID uint32, key, userID string) string {
	b.t.Helper()
	sig, err := usersig.Sign(key, usersig.Ticket{SDKAppID: sdkAppID, Identifier: userID, Issued: time.Now().Unix(), Expire: 3600})
	b.must(err)
	return sig
}

// deletes deletes an account.
func (b *bubble) deletes(userID string) {
	b.t.Helper()
	_, err := b.service.Delete(b.t.Context(), relation.AccountSet{SDKAppID: testApp, UserIDs: []string{userID}})
	b.must(err)
}
