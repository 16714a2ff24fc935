package operator_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// appTokens serves apps 7 and 8, each with something to see, and returns clients that hold an app's token each.
func appTokens(t *testing.T) (f *fixture, seven, eight *operator.Client) {
	f = serve(t, func(o *operator.Options) {
		o.TestCallback = func(context.Context, *relation.App) (operator.CallbackReport, error) {
			return operator.CallbackReport{Delivered: true, Steps: []operator.CallbackStep{}}, nil
		}
	})
	f.newApp(t)
	if _, err := f.CreateApp(t.Context(), operator.CreateApp{SDKAppID: 8}); err != nil {
		t.Fatal(err)
	}
	for n, app := range []uint32{7, 8, 7} {
		f.events.add(app, n+1, relation.StateDead, nil)
	}
	clients := map[uint32]*operator.Client{}
	for _, id := range []uint32{7, 8} {
		if _, err := f.SetCallback(t.Context(), id, operator.SetCallback{URL: ptr("http://x/")}); err != nil {
			t.Fatal(err)
		}
		clients[id], _ = f.holder(t, id)
	}
	return f, clients[7], clients[8]
}

// holder returns a client with a token of the app, and the token's id.
func (f *fixture) holder(t *testing.T, app uint32) (c *operator.Client, id string) {
	t.Helper()
	made, err := f.CreateToken(t.Context(), app, operator.CreateToken{Name: "laptop"})
	if err != nil {
		t.Fatal(err)
	}
	c, err = operator.NewClient(operator.ClientOptions{URL: f.url, Token: made.Secret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, made.ID
}

func TestAppTokenOpensItsOwnApp(t *testing.T) {
	f, seven, eight := appTokens(t)
	ctx := t.Context()
	for id, c := range map[uint32]*operator.Client{7: seven, 8: eight} {
		if callback, err := c.Callback(ctx, id); err != nil || callback.URL != "http://x/" {
			t.Errorf("callback of %d: %+v, err %v", id, callback, err)
		}
		if report, err := c.TestCallback(ctx, id); err != nil || !report.Delivered {
			t.Errorf("test of %d: %+v, err %v", id, report, err)
		}
	}
	for name, q := range map[string]operator.EventQuery{"pinned": {}, "named": {SDKAppID: 7}} {
		page, err := seven.Events(ctx, q)
		if err != nil || len(page.Events) != 2 || page.Events[0].SDKAppID != 7 || page.Events[1].SDKAppID != 7 {
			t.Errorf("%s: %+v, err %v, want the two events of app 7", name, page, err)
		}
	}
	f.outbox.stats = []relation.OutboxStats{{SDKAppID: 7, Waiting: 3}, {SDKAppID: 8, Dead: 2}}
	for name, id := range map[string]uint32{"pinned": 0, "named": 7} {
		outbox, err := seven.Outbox(ctx, id)
		if want := []operator.OutboxStats{{SDKAppID: 7, Waiting: 3}}; err != nil || !reflect.DeepEqual(outbox.Apps, want) {
			t.Errorf("%s: %+v, err %v, want what waits for app 7 only", name, outbox, err)
		}
	}
}

func TestAppTokenOpensNothingElse(t *testing.T) {
	f, seven, _ := appTokens(t)
	ctx := t.Context()
	before, err := f.Apps(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"another app's callback": func() error { _, err := seven.Callback(ctx, 8); return err },
		"another app's test":     func() error { _, err := seven.TestCallback(ctx, 8); return err },
		"another app's events":   func() error { _, err := seven.Events(ctx, operator.EventQuery{SDKAppID: 8}); return err },
		"another app's event":    func() error { _, err := seven.Event(ctx, 8, eventID(2)); return err },
		"another app's tail":     func() error { return seven.Tail(ctx, operator.EventQuery{SDKAppID: 8}, nil) },
		"another app's listen":   func() error { return seven.Listen(ctx, 8, operator.ListenMirror, nil) },
		"another app's answer":   func() error { return seven.AnswerExchange(ctx, 8, "x", operator.ExchangeAnswer{Status: 200}) },
		"another app's trigger":  func() error { _, err := seven.Trigger(ctx, 8, operator.Trigger{}); return err },
		"export":                 func() error { _, err := seven.ExportBlocklists(ctx, 7, io.Discard); return err },
		"replay":                 func() error { _, err := seven.CreateReplay(ctx, operator.CreateReplay{SDKAppID: 7}); return err },
		"replays":                func() error { _, err := seven.Replays(ctx, operator.ReplayQuery{SDKAppID: 7}); return err },
		"another app's endpoint": func() error { _, err := seven.Endpoints(ctx, 8); return err },
		"set callback":           func() error { _, err := seven.SetCallback(ctx, 7, operator.SetCallback{}); return err },
		"show app":               func() error { _, err := seven.App(ctx, 7); return err },
		"update app":             func() error { _, err := seven.UpdateApp(ctx, 7, operator.UpdateApp{}); return err },
		"delete app":             func() error { _, err := seven.DeleteApp(ctx, 7); return err },
		"list apps":              func() error { _, err := seven.Apps(ctx); return err },
		"create app":             func() error { _, err := seven.CreateApp(ctx, operator.CreateApp{}); return err },
		"rotate key":             func() error { _, err := seven.RotateKey(ctx, 7, operator.RotateKey{}); return err },
		"make ticket":            func() error { _, err := seven.MakeUserSig(ctx, 7, operator.MakeUserSig{UserID: "a"}); return err },
		"make token":             func() error { _, err := seven.CreateToken(ctx, 7, operator.CreateToken{}); return err },
		"drop token":             func() error { _, err := seven.DropToken(ctx, 7, "x"); return err },
		"settings":               func() error { _, err := seven.Settings(ctx); return err },
		"status":                 func() error { _, err := seven.Status(ctx); return err },
		"another app's cert":     func() error { _, err := seven.ClientCert(ctx, 8); return err },
		"CA":                     func() error { _, err := seven.CA(ctx); return err },
		"add signing key":        func() error { _, err := seven.AddSigningKey(ctx, 7, operator.AddSigningKey{}); return err },
		"drop signing key":       func() error { _, err := seven.DropSigningKey(ctx, 7, "x"); return err },
		"pause":                  func() error { _, err := seven.PauseCallback(ctx, 7, operator.PauseCallback{}); return err },
		"resume":                 func() error { _, err := seven.ResumeCallback(ctx, 7); return err },
		"another app's outbox":   func() error { _, err := seven.Outbox(ctx, 8); return err },
	} {
		t.Run(name, func(t *testing.T) {
			err := call()
			refused(t, err, http.StatusForbidden, operator.CodeForbidden)
			if err != nil && !strings.Contains(err.Error(), "this token is good for callbacks and events of app 7 only") {
				t.Errorf("the sentence is %q", err)
			}
		})
	}
	if after, err := f.Apps(ctx); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("a refused call changed something: %+v, want %+v", after, before)
	}
}

// The query can be written so that two readers of it disagree; the token's own app is what counts.
func TestAppTokenAndOddQueries(t *testing.T) {
	f, _, _ := appTokens(t)
	made, err := f.CreateToken(t.Context(), 7, operator.CreateToken{})
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Authorization": {"Bearer " + made.Secret}}
	for query, want := range map[string]int{
		"state=dead&sdkappid=7&sdkappid=8":   403,
		"state=dead&sdkappid=8&sdkappid=7":   403,
		"state=dead&sdkappid=":               403,
		"state=dead&sdkappid=07":             403,
		"state=dead;sdkappid=8":              400,
		"state=dead&sdkappid=7&sdkappid=7":   200,
		"state=dead&SDKAppID=8":              400,
		"state=dead&sdkappid=%37":            200,
		"sdkappid=7&state=dead&before=%zz":   400,
		"state=dead&sdkappid=7%20&sdkappid=": 403,
	} {
		status, body := f.do(t, http.MethodGet, "/operator/v1/events?"+query, "", header)
		if status != want {
			t.Errorf("%s: %d %s, want %d", query, status, body, want)
		}
		var page operator.EventPage
		if status == 200 {
			if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Events) != 2 {
				t.Errorf("%s: %d events, err %v, want the two of app 7", query, len(page.Events), err)
			}
		}
	}
	for path, want := range map[string]int{
		"/operator/v1/apps/07/callback": 403, "/operator/v1/apps/x/callback": 403, "/operator/v1/apps/7/nothing": 403,
		"/debug/pprof/cmdline": 403, "/healthz": 200, "/operator/v1/apps/7/callback": 200,
	} {
		if status, body := f.do(t, http.MethodGet, path, "", header); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, body, want)
		}
	}
}

func TestTokenThatIsNotGood(t *testing.T) {
	f, seven, _ := appTokens(t)
	ctx := t.Context()
	if _, err := f.UpdateApp(ctx, 7, operator.UpdateApp{Disabled: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	_, err := seven.Callback(ctx, 7)
	refused(t, err, http.StatusForbidden, operator.CodeForbidden)
	app, err := f.UpdateApp(ctx, 7, operator.UpdateApp{Disabled: ptr(false)})
	if err != nil || len(app.Tokens) != 1 || app.Tokens[0].Name != "laptop" || !app.Tokens[0].Created.Equal(start) {
		t.Fatalf("tokens %+v, err %v", app.Tokens, err)
	}
	if app, err = f.DropToken(ctx, 7, app.Tokens[0].ID); err != nil || len(app.Tokens) != 0 {
		t.Fatalf("dropped: %+v, err %v", app.Tokens, err)
	}
	_, err = seven.Callback(ctx, 7)
	refused(t, err, http.StatusUnauthorized, operator.CodeUnauthorized)
	if err != nil && !strings.Contains(err.Error(), "kith app token create") {
		t.Errorf("the sentence is %q", err)
	}
	_, err = f.DropToken(ctx, 7, "nothing")
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
	_, err = f.CreateToken(ctx, 7, operator.CreateToken{Name: " "})
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
	_, err = f.CreateToken(ctx, 9, operator.CreateToken{})
	refused(t, err, http.StatusNotFound, operator.CodeNotFound)
}

// People paste the secret where its id belongs. It reaches neither the log nor an answer, nor an error of the client.
func TestSecretsInPlaceOfIDs(t *testing.T) {
	f, _, _ := appTokens(t)
	gone, err := operator.NewClient(operator.ClientOptions{URL: "http://127.0.0.1:1", Token: token})
	if err != nil {
		t.Fatal(err)
	}
	longKey := strings.Repeat("0123456789abcdef", 4)
	f.watch.Secret("long key", longKey)
	for _, secret := range []string{leaktest.AppToken, leaktest.SigningKey, leaktest.SigningPair, leaktest.AppKey, longKey} {
		for _, c := range []*operator.Client{f.Client, gone} {
			_, drop := c.DropToken(t.Context(), 7, secret)
			_, key := c.DropKey(t.Context(), 7, secret)
			_, signing := c.DropSigningKey(t.Context(), 7, secret)
			for _, err := range []error{drop, key, signing} {
				if err == nil {
					t.Fatal("something was dropped")
				}
				f.watch.Saw("an error of the client", err.Error())
			}
		}
		f.do(t, http.MethodGet, "/operator/v1/nothing/"+url.PathEscape(secret), "", authorized())
	}
	if !strings.Contains(f.watch.Text(), "/operator/v1/apps/7/tokens/***") {
		t.Errorf("the log has not the rest of the path:\n%s", f.watch.Text())
	}
}
