package client

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/config"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/server"
	"github.com/kithchat/kith/usersig"
)

const realKey = "client-test-secret-key-01"

// realServer starts a whole Kith with one app and returns its URL over plain HTTP.
func realServer(t *testing.T) string {
	c := config.Default()
	c.Data = filepath.Join(t.TempDir(), "data")
	c.Listen, c.ListenHTTP, c.OperatorListen, c.FirstApp = "", "127.0.0.1:0", "127.0.0.1:0", false
	c.CallTimeout = time.Minute // the default is for machines that do nothing else
	s, err := server.New(t.Context(), server.Options{Config: c})
	if err == nil {
		err = s.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	o, err := operator.FromDataDir(c.Data, "")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if _, err := o.CreateApp(t.Context(), operator.CreateApp{SDKAppID: testApp, Key: realKey}); err != nil {
		t.Fatal(err)
	}
	return s.Info().HTTP
}

// TestRealServer: a backend and a device of the same user, on a real server.
func TestRealServer(t *testing.T) {
	url := realServer(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	rest, err := NewREST(RESTOptions{URL: url, SDKAppID: testApp, Key: realKey, HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rest.ImportAccounts(ctx, []Profile{{UserID: "mira"}, {UserID: "rob"}, {UserID: "tom"}}); err != nil {
		t.Fatal(err)
	}
	s, err := Dial(ctx, Options{
		URL: "ws" + url[len("http"):], SDKAppID: testApp, UserID: "mira", Platform: api.PlatformAndroid, DeviceID: "phone",
		UserSig: func(context.Context) (string, error) {
			return usersig.Sign(realKey, usersig.Ticket{SDKAppID: testApp, Identifier: "mira", Issued: time.Now().Unix(), Expire: 3600})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sees(t, s, Connected{}, synced(0))

	if _, err := rest.Block(ctx, "mira", "rob", "tom"); err != nil {
		t.Fatal(err)
	}
	sees(t, s, added(1, "rob", "tom"))
	results, err := s.Unblock(ctx, "rob", "nobody")
	if err != nil || len(results) != 2 || !results[0].OK() || results[1].Code != api.CodeNoAccount {
		t.Errorf("unblock %+v, %v", results, err)
	}
	sees(t, s, removed(2, "rob"))
	online, err := rest.OnlineStatus(ctx, "mira", "rob")
	if err != nil || len(online) != 2 || !online[0].Online || online[1].Online {
		t.Errorf("online %+v, %v", online, err)
	}
	if err := rest.Kick(ctx, "mira"); err != nil {
		t.Fatal(err)
	}
	if lost, ok := next(t, s).(Disconnected); !ok || asError(lost.Err) == nil || asError(lost.Err).Refusal != api.RefusalRevoked {
		t.Errorf("after the kick: %+v", lost)
	}
	sees(t, s, Connected{}) // with a new ticket
	if _, err := rest.Unblock(ctx, "mira", "tom"); err != nil {
		t.Fatal(err)
	}
	sees(t, s, removed(3, "tom"))
}
