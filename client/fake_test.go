package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
)

// stage is a gateway that plays its scenes, one for each connection, and a session that connects to it, in virtual time.
type stage struct {
	t       *testing.T
	wires   *wires
	scenes  []func(*peer)
	played  atomic.Int32
	tickets atomic.Int32 // how often the session asked for one
	options Options
	gate    chan struct{} // scenes wait at it; see peer.wait
}

// play runs a test between a session and a gateway that plays these scenes. f gets the session logged in.
func play(t *testing.T, change func(*Options), scenes []func(*peer), f func(*stage, *Session)) {
	t.Helper()
	rehearse(t, change, scenes, func(s *stage) {
		session, err := Dial(s.t.Context(), s.options)
		if err != nil {
			s.t.Fatal(err)
		}
		defer session.Close()
		synctest.Wait() // until the scene has come to where it waits
		f(s, session)
	})
}

// rehearse is play without a session.
func rehearse(t *testing.T, change func(*Options), scenes []func(*peer), f func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, wires: newWires(), scenes: scenes, gate: make(chan struct{})}
		server := &httptest.Server{Listener: s.wires, Config: &http.Server{Handler: s}}
		server.Start()
		defer server.Close()
		s.options = Options{
			URL: "ws://kith.test", SDKAppID: testApp, UserID: "mira", Platform: api.PlatformWeb, DeviceID: "d1",
			HTTPClient: s.wires.http(),
			UserSig: func(context.Context) (string, error) {
				return fmt.Sprint("ticket-", s.tickets.Add(1)), nil
			},
		}
		if change != nil {
			change(&s.options)
		}
		f(s)
		synctest.Wait()
		if n := int(s.played.Load()); n != len(scenes) {
			t.Errorf("%d connections were made, want %d", n, len(scenes))
		}
	})
}

// ServeHTTP implements http.Handler.
func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != api.GatewayPath {
		http.NotFound(w, r)
		return
	}
	n := int(s.played.Add(1))
	if n > len(s.scenes) {
		s.t.Errorf("connection %d has no scene", n)
		http.Error(w, "no scene", http.StatusServiceUnavailable)
		return
	}
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	p := &peer{t: s.t, ws: ws, gate: s.gate}
	defer func() { _ = ws.CloseNow() }()
	s.scenes[n-1](p)
}

// next lets the scene that waits go on.
func (s *stage) next() { s.gate <- struct{}{} }

// peer is the gateway's end of a connection. Its methods fail the test from the goroutine of a scene.
type peer struct {
	t    *testing.T
	ws   *websocket.Conn
	gate <-chan struct{}
}

// wait holds the scene up until the test says next.
func (p *peer) wait() { <-p.gate }

// read returns the next request, "" when the connection has ended.
func (p *peer) read() api.GatewayFrame {
	var f api.GatewayFrame
	_, data, err := p.ws.Read(context.Background())
	if err != nil {
		return f
	}
	if err := json.Unmarshal(data, &f); err != nil || f.JSONRPC != "2.0" || len(f.ID) == 0 {
		p.t.Errorf("frame %s: %v", data, err)
	}
	return f
}

// expect reads a request, which must have the method, decodes its params and returns its id. Pings are answered meanwhile.
func (p *peer) expect(method string, params any) json.RawMessage {
	f := p.read()
	for f.Method == api.MethodPing && method != api.MethodPing {
		p.answer(f.ID, struct{}{})
		f = p.read()
	}
	if f.Method != method {
		p.t.Errorf("got method %q, want %q", f.Method, method)
		return nil
	}
	if params != nil {
		if err := json.Unmarshal(f.Params, params); err != nil {
			p.t.Error(err)
		}
	}
	return f.ID
}

func (p *peer) write(f api.GatewayFrame) {
	f.JSONRPC = "2.0"
	data, err := json.Marshal(f)
	if err != nil {
		p.t.Error(err)
	}
	_ = p.ws.Write(context.Background(), websocket.MessageText, data) // the client may have gone
}

func (p *peer) raw(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		p.t.Error(err)
	}
	return data
}

func (p *peer) answer(id json.RawMessage, result any) {
	p.write(api.GatewayFrame{ID: id, Result: p.raw(result)})
}

func (p *peer) refuse(id json.RawMessage, e api.GatewayError) {
	p.write(api.GatewayFrame{ID: id, Error: &e})
}

func (p *peer) notify(method string, params any) {
	p.write(api.GatewayFrame{Method: method, Params: p.raw(params)})
}

// welcome lets the client in and returns what it logged in with.
func (p *peer) welcome(news api.BlocklistNews) api.LoginParams {
	var login api.LoginParams
	id := p.expect(api.MethodLogin, &login)
	p.answer(id, api.LoginResult{SessionID: "s1", HeartbeatSeconds: 25, MaxFrame: 128 << 10, Blocklist: news})
	return login
}

// page answers a blocklist.get for the page behind a cursor.
func (p *peer) page(cursor, next string, at api.BlocklistPosition, ids ...string) {
	var get api.BlocklistGetParams
	id := p.expect(api.MethodBlocklistGet, &get)
	if get.Cursor != cursor || get.Limit != api.MaxBlocklistPage {
		p.t.Errorf("blocklist.get %+v, want cursor %q", get, cursor)
	}
	p.answer(id, api.BlocklistPage{BlackListItem: entriesOf(ids...), Cursor: next, BlocklistPosition: at})
}

// begin is welcome and an empty list at sequence 1.
func (p *peer) begin() api.LoginParams {
	login := p.welcome(api.BlocklistNews{BlocklistPosition: at(1), Reload: true})
	p.page("", "", at(1))
	return login
}

// resume is welcome for a client that stands at sequence, and missed nothing.
func (p *peer) resume(sequence int64) api.LoginParams {
	login := p.welcome(api.BlocklistNews{BlocklistPosition: at(sequence)})
	if login.Blocklist == nil || *login.Blocklist != at(sequence) {
		p.t.Errorf("the client stands at %+v, want %d", login.Blocklist, sequence)
	}
	return login
}

// add tells of an addition.
func (p *peer) add(sequence int64, ids ...string) {
	p.notify(api.NotifyBlocklistChanged, api.BlocklistChange{Sequence: sequence, Added: entriesOf(ids...)})
}

func (p *peer) remove(sequence int64, ids ...string) {
	p.notify(api.NotifyBlocklistChanged, api.BlocklistChange{Sequence: sequence, Removed: ids})
}

// hold answers pings until the client goes.
func (p *peer) hold() {
	for f := p.read(); f.Method != ""; f = p.read() {
		if f.Method != api.MethodPing {
			p.t.Errorf("unexpected %s", f.Method)
		}
		p.answer(f.ID, struct{}{})
	}
}

// close ends the connection with a code.
func (p *peer) close(why api.Refusal) {
	_ = p.ws.Close(websocket.StatusCode(why), "because")
}

func at(sequence int64) api.BlocklistPosition {
	return api.BlocklistPosition{List: "L", Sequence: sequence}
}

func entriesOf(ids ...string) []api.BlockEntry {
	list := make([]api.BlockEntry, len(ids))
	for i, id := range ids {
		list[i] = api.BlockEntry{ToAccount: id, AddBlackTimeStamp: 1}
	}
	return list
}

// next returns the next update.
func next(t *testing.T, s *Session) Update {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	u, ok := s.nextUpdate(ctx)
	if !ok {
		t.Fatal("no update came")
	}
	return u
}

// sees fails unless the next update is like want. Times and causes are not compared.
func sees(t *testing.T, s *Session, want ...Update) {
	t.Helper()
	for _, w := range want {
		if got := next(t, s); look(got) != look(w) {
			t.Fatalf("update %s, want %s", look(got), look(w))
		}
	}
}

// look is an update in few words.
func look(u Update) string {
	ids := func(list []Entry) (out []string) {
		for _, e := range list {
			out = append(out, e.UserID)
		}
		return out
	}
	switch u := u.(type) {
	case Synced:
		return fmt.Sprintf("synced %d %v", u.Blocklist.Sequence, ids(u.Blocklist.Entries))
	case Changed:
		return fmt.Sprintf("changed %d +%v -%v", u.Sequence, ids(u.Added), u.Removed)
	}
	return fmt.Sprintf("%T", u)
}

// synced and changed are updates to compare with.
func synced(sequence int64, ids ...string) Update {
	return Synced{Blocklist{Sequence: sequence, Entries: entries(entriesOf(ids...))}}
}

func added(sequence int64, ids ...string) Update {
	return Changed{Sequence: sequence, Added: entries(entriesOf(ids...))}
}

func removed(sequence int64, ids ...string) Update {
	return Changed{Sequence: sequence, Removed: ids}
}
