package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// body is the documented body of a callback, written out by hand.
func body(command, from string, to ...string) string {
	pairs := make([]string, len(to))
	for i, target := range to {
		pairs[i] = `{"From_Account":"` + from + `","To_Account":"` + target + `"}`
	}
	return `{"CallbackCommand":"` + command + `","PairList":[` + strings.Join(pairs, ",") + `]}`
}

// checkRequest holds a callback to the documented request.
func checkRequest(t *testing.T, got request, command, wantBody string) {
	t.Helper()
	values, err := url.ParseQuery(got.query)
	if err != nil {
		t.Fatal(err)
	}
	requestTime := values.Get("RequestTime")
	sum := sha256.Sum256([]byte(callbackToken + requestTime))
	want := request{
		method: "POST", path: "/hooks/im", contentType: "application/json", id: got.id, attempt: got.attempt, body: wantBody,
		query: fmt.Sprintf("tenant=7&SdkAppid=%d&CallbackCommand=%s&contenttype=json&ClientIP=127.0.0.1&OptPlatform=RESTAPI&Sign=%s&RequestTime=%s",
			appID, command, hex.EncodeToString(sum[:]), requestTime),
	}
	if got != want {
		t.Errorf("callback\n%+v\nwant\n%+v", got, want)
	}
	if len(got.id) != 36 || got.attempt == "" {
		t.Errorf("webhook-id %q, kith-attempt %q", got.id, got.attempt)
	}
	var seconds int64
	if _, err := fmt.Sscan(requestTime, &seconds); err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute {
		t.Errorf("RequestTime %q is not now", requestTime)
	}
}

// The one story: an unblock over REST reaches the app backend as documented, exactly the pairs that changed, and a call
// that changed nothing causes nothing.
func TestUnblockReachesTheAppBackend(t *testing.T) {
	backend := startReceiver(t)
	s := start(t, settings(t))
	s.newApp(t, backend.url, "mira", "tom", "ann", "rob")

	s.block(t, "mira", "tom", "ann", "rob")
	checkRequest(t, backend.next(t), api.CallbackBlackListAdd, body(api.CallbackBlackListAdd, "mira", "tom", "ann", "rob"))
	s.unblock(t, "mira", "ann", "tom")
	checkRequest(t, backend.next(t), api.CallbackBlackListDelete, body(api.CallbackBlackListDelete, "mira", "ann", "tom"))
	s.unblock(t, "mira", "tom")
	s.unblock(t, "mira", "tom", "rob")
	// Callbacks of one account come in order: had the call before caused one, it would be here.
	checkRequest(t, backend.next(t), api.CallbackBlackListDelete, body(api.CallbackBlackListDelete, "mira", "rob"))
	backend.none(t)
}

// The app backend is away while five people are unblocked, and the server is restarted meanwhile: five callbacks, in
// order.
func TestCallbacksSurviveOutageAndRestart(t *testing.T) {
	backend := startReceiver(t)
	c := settings(t)
	people := []string{"p1", "p2", "p3", "p4", "p5"}
	s := start(t, c)
	s.newApp(t, backend.url, append([]string{"mira"}, people...)...)
	s.block(t, "mira", people...)
	backend.next(t)
	s.drained(t)

	backend.leave()
	for _, target := range people[:3] {
		s.unblock(t, "mira", target)
	}
	s.stop(t)
	s = start(t, c)
	for _, target := range people[3:] {
		s.unblock(t, "mira", target)
	}
	outbox, err := s.operator.Outbox(t.Context(), 0)
	if err != nil || len(outbox.Apps) != 1 || outbox.Apps[0].Waiting != 5 {
		t.Errorf("the outbox holds %+v, %v; want five events", outbox, err)
	}
	backend.listen(t)
	for _, target := range people {
		checkRequest(t, backend.next(t), api.CallbackBlackListDelete, body(api.CallbackBlackListDelete, "mira", target))
	}
	s.drained(t)
	backend.none(t)
}

// Changes of the endpoint are live when the call that made them returns.
func TestEndpointChangesAreLive(t *testing.T) {
	backend := startReceiver(t)
	s := start(t, settings(t))
	s.newApp(t, backend.url, "mira", "tom")
	set := func(change operator.SetCallback) {
		t.Helper()
		if _, err := s.operator.SetCallback(t.Context(), appID, change); err != nil {
			t.Fatal(err)
		}
	}
	set(operator.SetCallback{Disable: []relation.EventKind{api.CallbackBlackListAdd}})
	s.block(t, "mira", "tom")
	set(operator.SetCallback{Enable: []relation.EventKind{api.CallbackBlackListAdd}})
	s.unblock(t, "mira", "tom")
	checkRequest(t, backend.next(t), api.CallbackBlackListDelete, body(api.CallbackBlackListDelete, "mira", "tom"))

	report, err := s.operator.TestCallback(t.Context(), appID)
	if err != nil || !report.Delivered {
		t.Errorf("test: %+v, %v", report, err)
	}
	backend.next(t)
	backend.leave()
	if report, err = s.operator.TestCallback(t.Context(), appID); err != nil || report.Delivered || report.Reason != "connect" {
		t.Errorf("test of an endpoint that is away: %+v, %v", report, err)
	}
}

// Stop waits for the answer to a callback that is under way, and for its verdict: it does not come again.
func TestStopSettlesCallbacksUnderWay(t *testing.T) {
	backend := startReceiver(t)
	backend.hold = make(chan struct{})
	c := settings(t)
	s := start(t, c)
	s.newApp(t, backend.url, "mira", "tom")
	s.block(t, "mira", "tom")
	backend.next(t)
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.WithoutCancel(t.Context())) }()
	for s.stillReady(t) {
	}
	close(backend.hold)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	s = start(t, c)
	outbox, err := s.operator.Outbox(t.Context(), 0)
	if err != nil || len(outbox.Apps) != 0 {
		t.Errorf("after the restart the outbox holds %+v, %v", outbox, err)
	}
	backend.none(t)
}
