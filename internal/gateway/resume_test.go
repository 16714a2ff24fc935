package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
)

// resume logs a device in whose copy stands at a position, and returns what it missed.
func (f *fixture) resume(userID, device string, at api.BlocklistPosition) (*client, api.BlocklistNews) {
	f.t.Helper()
	p := loginOf(userID, device)
	p.Blocklist = &at
	c := f.dial(nil)
	return c, must[api.LoginResult](c, api.MethodLogin, p).Blocklist
}

// brief writes changes down without their times.
func brief(n api.BlocklistNews) string {
	if n.Reload {
		return fmt.Sprintf("reload to %d", n.Sequence)
	}
	text := fmt.Sprintf("to %d:", n.Sequence)
	for _, c := range n.Changes {
		text += fmt.Sprintf(" %d", c.Sequence)
		for _, e := range c.Added {
			text += "+" + e.ToAccount
		}
		for _, name := range c.Removed {
			text += "-" + name
		}
	}
	return text
}

func TestADeviceGetsExactlyWhatItMissed(t *testing.T) {
	f := newFixture(t, nil)
	f.imports("mira.k", "rob", "tom")
	first, news := f.login("mira.k", "tab")
	f.restBlock("mira.k", "rob", "tom")
	f.restUnblock("mira.k", "tom")
	f.restBlock("mira.k", "tom")
	_ = first.ws.CloseNow()
	list := news.Blocklist.List
	for _, c := range []struct {
		list string
		at   int64
		want string
	}{
		{list, 3, "to 3:"},
		{list, 2, "to 3: 3+tom"},
		{list, 0, "to 3: 1+rob+tom 2-tom 3+tom"},
		{list, 4, "reload to 3"}, // the server was set back
		{list, -1, "reload to 3"},
		{"", 3, "reload to 3"},
		{list + "x", 3, "reload to 3"},
	} {
		device, news := f.resume("mira.k", "tab", api.BlocklistPosition{List: c.list, Sequence: c.at})
		if got := brief(news); got != c.want {
			t.Errorf("from %q %d: %s, want %s", c.list, c.at, got, c.want)
		}
		_ = device.ws.CloseNow()
	}
}

// A device whose copy is of an account that was deleted since reads the list of the new one.
func TestAnotherLifeOfAListIsReadAnew(t *testing.T) {
	f := newFixture(t, nil)
	f.imports("mira.k", "rob")
	first, news := f.login("mira.k", "tab")
	_, err := f.service.Delete(t.Context(), relation.AccountSet{SDKAppID: testApp, UserIDs: []string{"mira.k"}})
	f.must(err)
	if got := first.end(); got != api.RefusalDeleted {
		t.Errorf("the session ended with %d", got)
	}
	f.imports("mira.k")
	old := api.BlocklistPosition{List: news.Blocklist.List}
	one, again := f.resume("mira.k", "tab", old)
	if !again.Reload || again.List == old.List || again.Sequence != 0 {
		t.Errorf("resumed with %+v", again)
	}
	f.restBlock("mira.k", "rob")
	if c := decode[api.BlocklistChange](t, one.notification(api.NotifyBlocklistChanged)); c.Sequence != 1 {
		t.Errorf("change %+v", c)
	}
}

// restart starts another gateway on the same store.
func (f *fixture) restart(change func(*gateway.Options)) {
	f.stop()
	f.g = gateway.New(f.options(change))
	f.serve()
}

func TestARestartLosesNoChange(t *testing.T) {
	f := newFixture(t, nil)
	f.imports("mira.k", "rob")
	_, news := f.login("mira.k", "tab")
	at := news.Blocklist.BlocklistPosition
	f.restart(nil)
	if _, news := f.resume("mira.k", "tab", at); brief(news) != "to 0:" {
		t.Errorf("nothing changed: %s", brief(news))
	}
	f.stop()
	f.restBlock("mira.k", "rob")
	f.restart(nil)
	if _, news := f.resume("mira.k", "tab", at); brief(news) != "reload to 1" {
		t.Errorf("it changed while nobody listened: %s", brief(news))
	}
}

// A login may read a list's head before the gateway hears of the commit that moved it. The change must not come twice.
func TestALoginThatIsAheadOfItsCommit(t *testing.T) {
	f := newFixture(t, nil)
	f.imports("mira.k", "rob", "tom")
	committing, goOn := make(chan struct{}), make(chan struct{})
	tap := func(c relation.Commit) {
		if len(c.Lists) > 0 && c.Lists[0].Sequence == 1 {
			close(committing)
			<-goOn
		}
	}
	f.tap.Store(&tap)
	done := make(chan struct{})
	go func() { defer close(done); f.restBlock("mira.k", "rob") }()
	<-committing
	device, news := f.login("mira.k", "tab")
	close(goOn)
	<-done
	if news.Blocklist.Sequence != 1 {
		t.Fatalf("logged in at %+v", news.Blocklist)
	}
	f.restBlock("mira.k", "tom")
	if c := decode[api.BlocklistChange](t, device.notification(api.NotifyBlocklistChanged)); c.Sequence != 2 {
		t.Errorf("told of %+v after 1", c)
	}
}

// A connection that is lost within a frame is lost; the client did nothing wrong, and is not told to stop.
func TestAFrameThatIsCutOffIsALostConnection(t *testing.T) {
	ended := make(chan api.Refusal, 1)
	f := newFixture(t, func(o *gateway.Options) { o.Metrics = endMetrics{ended: ended} })
	frame := "\x81\xa0\x00\x00\x00\x00" + `{"jsonrpc":"2.0","method":"ping"}` // masked, of 32 bytes
	for _, n := range []int{1, 6, 17} {
		raw := f.dialRaw()
		_, err := io.WriteString(raw, frame[:n])
		f.must(err)
		f.must(raw.(*net.TCPConn).CloseWrite())
		rest, err := io.ReadAll(raw)
		if len(rest) > 0 || err != nil {
			t.Errorf("after %d bytes the client got %q, %v", n, rest, err)
		}
		if why := <-ended; why != 0 {
			t.Errorf("after %d bytes: ended with %d", n, why)
		}
		f.must(raw.Close())
	}
}

// dialRaw returns the connection below a WebSocket.
func (f *fixture) dialRaw() (raw net.Conn) {
	f.t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		raw, err = (&net.Dialer{}).DialContext(ctx, network, addr)
		return raw, err
	}}
	_, _, err := websocket.Dial(f.t.Context(), "ws"+strings.TrimPrefix(f.http.URL, "http")+api.GatewayPath,
		&websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	f.must(err)
	return raw
}

// endMetrics tells of the ends of connections.
type endMetrics struct{ ended chan<- api.Refusal }

func (m endMetrics) Ended(why api.Refusal)              { m.ended <- why }
func (endMetrics) Call(string, api.Code, time.Duration) {}
func (endMetrics) Pushed()                              {}
