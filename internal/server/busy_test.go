package server_test

import (
	"fmt"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

const (
	// deadAppID is an app whose endpoint is not there, and whose events are given up at once.
	deadAppID = appID + 1
	// certAppID is an app whose endpoint would be shown a client certificate, and is not there either.
	certAppID = appID + 2
)

// busy is a server on which everything happened that makes figures: calls and frames that succeed and that fail, callbacks that
// arrive, are retried, are given up, are replayed.
func busy(t *testing.T) *running {
	t.Helper()
	backend, nobody := startReceiver(t), startReceiver(t)
	nobody.leave()
	c := settings(t)
	c.TraceEndpoint, c.TraceSample = "http://127.0.0.1:1", 1
	s := start(t, c)
	s.newApp(t, backend.url, "mira", "tom")
	s.block(t, "mira", "tom")
	s.unblock(t, "mira", "tom")
	d := connect(t, s.http, s.info.HTTP, nil)
	d.login("mira", api.PlatformWeb)
	s.block(t, "mira", "tom")
	d.unblocks("tom")
	var pong struct{}
	d.call(api.MethodPing, struct{}{}, &pong)
	s.get(t, s.info.HTTP+"/v4/sns/nonsense")
	s.get(t, s.info.HTTP+"/v4/sns/black_list_add?sdkappid=x")
	_ = d.ws.CloseNow() // or the stop waits for its answer to the close
	leaver := connect(t, s.http, s.info.HTTP, nil)
	leaver.login("tom", api.PlatformWeb)
	var left struct{}
	leaver.call(api.MethodLogout, struct{}{}, &left)
	url, yes := "https://127.0.0.1:1/callback", true
	s.anotherApp(t, certAppID, operator.SetCallback{URL: &url, MutualTLS: &yes})
	never := relation.RetryOff
	s.anotherApp(t, deadAppID, operator.SetCallback{URL: &nobody.url, Retry: &never})
	for _, app := range []uint32{certAppID, deadAppID} {
		s.callAs(t, app, "im_open_login_svc/multiaccount_import", api.MultiAccountImportRequest{Accounts: []string{"ann", "bob"}})
		s.callAs(t, app, "sns/black_list_add", api.BlockRequest{FromAccount: "ann", ToAccount: []string{"bob"}})
	}
	retried := fmt.Sprintf(`kith_callback_retries_total{command="Sns.CallbackBlackListAdd",sdkappid="%d"}`, certAppID)
	dead := fmt.Sprintf(`kith_outbox_dead_events{sdkappid="%d"}`, deadAppID)
	s.until(t, func(f map[string]float64) bool {
		return f[retried] > 0 && f[dead] > 0 && f["kith_callback_settle_seconds_count"] > 1 && f[`kith_gateway_ended_total{refusal="0"}`] > 0
	})
	slowly := 0.01
	if _, err := s.operator.CreateReplay(t.Context(), operator.CreateReplay{SDKAppID: appID, Rate: &slowly}); err != nil {
		t.Fatal(err)
	}
	running := fmt.Sprintf(`kith_replays{sdkappid="%d",state="running"}`, appID)
	s.until(t, func(f map[string]float64) bool { return f[running] == 1 })
	return s
}

// anotherApp creates an app besides that of the tests.
func (r *running) anotherApp(t *testing.T, id uint32, callback operator.SetCallback) {
	t.Helper()
	if _, err := r.operator.CreateApp(t.Context(), operator.CreateApp{SDKAppID: id, Key: key, Admins: []string{admin}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.operator.SetCallback(t.Context(), id, callback); err != nil {
		t.Fatal(err)
	}
}

// until reads /metrics until the figures are as wished.
func (r *running) until(t *testing.T, wished func(map[string]float64) bool) {
	t.Helper()
	deadline := patient()
	for figures := r.figures(t); !wished(figures); figures = r.figures(t) {
		if deadline() {
			t.Fatalf("the figures stay\n%v", figures)
		}
	}
}
