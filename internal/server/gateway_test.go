package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/usersig"
)

// device is a client of the gateway.
type device struct {
	t    *testing.T
	ws   *websocket.Conn
	next int
	kept []api.GatewayFrame // notifications that came before an answer
}

// connect opens a connection to base, an http or https URL.
func connect(t *testing.T, client *http.Client, base string, header http.Header) *device {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, base+api.GatewayPath, &websocket.DialOptions{HTTPClient: client, HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &device{t: t, ws: ws}
}

// read returns the next frame, or the close code.
func (d *device) read() (api.GatewayFrame, websocket.StatusCode) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var frame api.GatewayFrame
	if err := wsjson.Read(ctx, d.ws, &frame); err != nil {
		if ctx.Err() != nil {
			d.t.Fatal("nothing came")
		}
		return frame, websocket.CloseStatus(err)
	}
	return frame, 0
}

// call makes a call that must succeed, and decodes its result.
func (d *device) call(method string, params, result any) {
	d.t.Helper()
	d.next++
	text, err := json.Marshal(params)
	if err != nil {
		d.t.Fatal(err)
	}
	request := api.GatewayFrame{JSONRPC: "2.0", ID: json.RawMessage(fmt.Sprint(d.next)), Method: method, Params: text}
	if err := wsjson.Write(d.t.Context(), d.ws, request); err != nil {
		d.t.Fatal(err)
	}
	for {
		frame, code := d.read()
		if frame.Method != "" {
			d.kept = append(d.kept, frame)
			continue
		}
		if code != 0 || frame.Error != nil {
			d.t.Fatalf("%s: %+v, closed with %d", method, frame.Error, code)
		}
		if err := json.Unmarshal(frame.Result, result); err != nil {
			d.t.Fatal(err)
		}
		return
	}
}

func (d *device) login(userID, platform string) {
	d.t.Helper()
	sig, err := usersig.Sign(key, usersig.Ticket{SDKAppID: appID, Identifier: userID, Issued: time.Now().Unix(), Expire: 600})
	if err != nil {
		d.t.Fatal(err)
	}
	var result api.LoginResult
	d.call(api.MethodLogin, api.LoginParams{
		SDKAppID: appID, UserID: userID, UserSig: sig, Platform: platform, DeviceID: "device-" + platform,
	}, &result)
	if result.UserID != userID || result.Platform != platform {
		d.t.Errorf("logged in as %+v", result)
	}
}

// unblocks takes a target off the user's list.
func (d *device) unblocks(target string) {
	d.t.Helper()
	var result api.BlocklistResult
	d.call(api.MethodBlocklistRemove, api.BlocklistTargets{ToAccount: []string{target}}, &result)
	if len(result.FailAccount) > 0 {
		d.t.Errorf("unblock: %+v", result)
	}
}

// online asks by REST from where mira is connected.
func (r *running) online(t *testing.T) (platforms []string) {
	t.Helper()
	response, err := r.http.Post(restURL(t, r.info.HTTP, "openim/query_online_status"), "application/json",
		strings.NewReader(`{"To_Account":["mira"],"IsNeedDetail":1}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer api.OnlineStatusResponse
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.QueryResult) != 1 {
		t.Fatalf("%v %+v", err, answer)
	}
	for _, d := range answer.QueryResult[0].Detail {
		if d.Status == api.StatusOnline {
			platforms = append(platforms, d.Platform)
		}
	}
	if online := answer.QueryResult[0].Status == api.StatusOnline; online != (len(platforms) > 0) {
		t.Errorf("%+v", answer.QueryResult[0])
	}
	return platforms
}

// awaitOnline waits until mira is connected from these platforms: the end of a connection shows a moment later.
func (r *running) awaitOnline(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if got = r.online(t); reflect.DeepEqual(got, want) {
			return
		}
	}
	t.Errorf("online from %v, want %v", got, want)
}

// wantOrigin holds a callback's origin to what is expected.
func wantOrigin(t *testing.T, got request, clientIP, platform string) {
	t.Helper()
	values, err := url.ParseQuery(got.query)
	if err != nil {
		t.Fatal(err)
	}
	if values.Get("ClientIP") != clientIP || values.Get("OptPlatform") != platform {
		t.Errorf("the callback says %s from %s, want %s from %s", values.Get("OptPlatform"), values.Get("ClientIP"), platform, clientIP)
	}
	if values.Get("CallbackCommand") != api.CallbackBlackListDelete {
		t.Errorf("the callback is %s", values.Get("CallbackCommand"))
	}
}

// The first of the documented triggers: a user takes somebody off the list on a device, and the app backend is told with that
// device's platform and address, wherever the device connects and whatever it claims.
func TestUnblockFromADeviceReachesTheAppBackend(t *testing.T) {
	ipv4 := func(c *config.Config) {}
	ipv6 := func(c *config.Config) { c.Listen, c.ListenHTTP = "[::1]:0", "[::1]:0" }
	behind := func(proxy string, where func(*config.Config)) func(*config.Config) {
		return func(c *config.Config) {
			where(c)
			c.TrustedProxies = []string{proxy}
		}
	}
	for _, tt := range []struct {
		name      string
		change    func(*config.Config)
		tls       bool
		forwarded string
		want      string
	}{
		{"direct, ws, IPv4", ipv4, false, "", "127.0.0.1"},
		{"direct, wss, IPv4", ipv4, true, "", "127.0.0.1"},
		{"direct, ws, IPv6", ipv6, false, "", "::1"},
		{"direct, wss, IPv6", ipv6, true, "", "::1"},
		{"behind a trusted proxy", behind("127.0.0.0/8", ipv4), false, "192.0.2.66, 198.51.100.7", "198.51.100.7"},
		{"behind a trusted proxy, wss", behind("127.0.0.0/8", ipv4), true, "2001:db8::7", "2001:db8::7"},
		{"behind a trusted proxy, IPv6", behind("::1", ipv6), false, "198.51.100.7", "198.51.100.7"},
		{"behind one that nobody trusts", ipv4, false, "198.51.100.7", "127.0.0.1"},
		{"behind another one than the trusted", behind("192.0.2.0/24", ipv4), true, "198.51.100.7", "127.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			backend := startReceiver(t)
			c := settings(t)
			tt.change(&c)
			s := start(t, c)
			targets := make([]string, len(api.Platforms()))
			for i := range targets {
				targets[i] = fmt.Sprint("target", i)
			}
			s.newApp(t, backend.url, append([]string{"mira"}, targets...)...)
			s.block(t, "mira", targets...)
			backend.next(t)
			base, client := s.info.HTTP, s.http
			if tt.tls {
				base, client = s.info.HTTPS, trusting(t, s.info.SelfSigned, false)
			}
			client = &http.Client{Transport: client.Transport} // of a WebSocket, a time limit would be the end
			header := http.Header{}
			if tt.forwarded != "" {
				header.Set("X-Forwarded-For", tt.forwarded)
			}
			for i, platform := range api.Platforms() {
				d := connect(t, client, base, header)
				d.login("mira", platform)
				d.unblocks(targets[i])
				got := backend.next(t)
				wantOrigin(t, got, tt.want, platform)
				if want := body(api.CallbackBlackListDelete, "mira", targets[i]); got.body != want {
					t.Errorf("callback %s, want %s", got.body, want)
				}
			}
			s.drained(t)
		})
	}
}

// Who is connected is known to REST while it is, and the gateway's figures show what happened.
func TestOnlineStatusAndMetrics(t *testing.T) {
	s := start(t, settings(t))
	s.newApp(t, "", "mira", "tom")
	s.awaitOnline(t)
	client := &http.Client{Transport: s.http.Transport}
	phone, tab := connect(t, client, s.info.HTTP, nil), connect(t, client, s.info.HTTP, nil)
	phone.login("mira", api.PlatformIOS)
	s.awaitOnline(t, "iPhone")
	tab.login("mira", api.PlatformWeb)
	s.awaitOnline(t, "iPhone", "Web")
	s.block(t, "mira", "tom")
	for _, d := range []*device{phone, tab} {
		if frame, code := d.read(); frame.Method != api.NotifyBlocklistChanged {
			t.Errorf("got %+v, closed with %d", frame, code)
		}
	}
	figures := s.figures(t)
	for series, want := range map[string]float64{
		`kith_gateway_connections`:                                    2,
		`kith_gateway_calls_total{code="0",method="login"}`:           2,
		`kith_gateway_call_seconds_count{method="login"}`:             2,
		`kith_gateway_pushes_total`:                                   2,
		`kith_rest_requests_total{code="0",command="black_list_add"}`: 1,
	} {
		if got, ok := figures[series]; !ok || got != want {
			t.Errorf("%s is %v (%t), want %v", series, got, ok, want)
		}
	}
	phone.call(api.MethodLogout, nil, &struct{}{})
	if _, code := phone.read(); code != websocket.StatusNormalClosure {
		t.Errorf("after the logout closed with %d", code)
	}
	s.awaitOnline(t, "Web")
	s.call(t, "im_open_login_svc/kick", api.KickRequest{UserID: "mira"})
	if _, code := tab.read(); code != websocket.StatusCode(api.RefusalRevoked) {
		t.Errorf("kicked with %d", code)
	}
	s.awaitOnline(t)
	for s.figures(t)[`kith_gateway_connections`] != 0 {
	}
	figures = s.figures(t)
	for _, refusal := range []string{"0", "4101"} {
		if got := figures[`kith_gateway_ended_total{refusal="`+refusal+`"}`]; got != 1 {
			t.Errorf("%v connections ended with %s", got, refusal)
		}
	}
}

// A server that stops tells its clients when to come back, and closes.
func TestStopTellsClientsToReconnect(t *testing.T) {
	s := start(t, settings(t))
	s.newApp(t, "", "mira")
	client := &http.Client{Transport: s.http.Transport}
	known, stranger := connect(t, client, s.info.HTTP, nil), connect(t, client, s.info.HTTP, nil)
	known.login("mira", api.PlatformWeb)
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.WithoutCancel(t.Context())) }()
	for _, d := range []*device{known, stranger} {
		frame, _ := d.read()
		var again api.SessionReconnect
		if err := json.Unmarshal(frame.Params, &again); err != nil || frame.Method != api.NotifySessionReconnect || again.AfterMS < 0 {
			t.Errorf("told %+v", frame)
		}
		if _, code := d.read(); code != websocket.StatusCode(api.RefusalRestart) {
			t.Errorf("closed with %d", code)
		}
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
}

// Without the gateway its path is as unknown as any other, and everybody is offline.
func TestGatewaySwitchedOff(t *testing.T) {
	c := settings(t)
	c.Gateway = false
	s := start(t, c)
	s.newApp(t, "", "mira")
	_, text := s.get(t, s.info.HTTP+api.GatewayPath)
	var answer api.Envelope
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.ErrorCode != api.CodeUnknownPath {
		t.Errorf("the path answers %s, %v", text, err)
	}
	if got := s.online(t); got != nil {
		t.Errorf("online from %v", got)
	}
	if _, there := s.figures(t)["kith_gateway_connections"]; there {
		t.Error("there is a figure of a gateway that is not there")
	}
}

// A browser that opens the gateway's address, or a health check, is told what is there.
func TestGatewayWantsAWebSocket(t *testing.T) {
	s := start(t, settings(t))
	if status, text := s.get(t, s.info.HTTP+api.GatewayPath); status != http.StatusUpgradeRequired {
		t.Errorf("%d %s", status, text)
	}
}
