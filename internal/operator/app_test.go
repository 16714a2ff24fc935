package operator_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func TestAppLife(t *testing.T) {
	f := serve(t, nil)
	ctx := t.Context()
	made := f.newApp(t)
	want := operator.App{
		SDKAppID: 7, Name: "shop", Admins: []string{"administrator"}, BlocklistLimit: relation.DefaultBlocklistLimit,
		Keys: []operator.Key{{Fingerprint: made.Keys[0].Fingerprint, Created: start}}, Created: start, Updated: start,
		DevicesPerPlatform: 1, WebOrigins: []string{}, Tokens: []operator.Token{},
		Callback: operator.Callback{
			Enabled:  []relation.EventKind{relation.EventBlockAdd, relation.EventBlockDelete},
			Disabled: []relation.EventKind{relation.EventState}, TimeoutMS: 2000, Concurrency: 128,
			Retry: relation.RetryFailures, AppError: relation.AppErrorRetry,
			SigningKeys: []operator.SigningKey{}, CA: []operator.Certificate{},
		},
	}
	if made.Key != firstKey || !reflect.DeepEqual(made.App, want) {
		t.Fatalf("created %+v, want %+v", made.App, want)
	}

	f.now = start.Add(time.Hour)
	updated, err := f.UpdateApp(ctx, 7, operator.UpdateApp{
		Name: ptr("mall"), Disabled: ptr(true), Admins: ptr([]string{"ops"}), BlocklistLimit: ptr(5), RateApp: ptr(2.5),
		RateCommand: ptr(1.0), RateSpecial: ptr(map[string]float64{"black_list_add": 3}),
		DevicesPerPlatform: ptr(5), WebOrigins: ptr([]string{"https://a.example"}),
	})
	want.DevicesPerPlatform, want.WebOrigins = 5, []string{"https://a.example"}
	want.Name, want.Disabled, want.Admins, want.BlocklistLimit, want.Updated = "mall", true, []string{"ops"}, 5, f.now
	want.Rates = relation.Rates{App: 2.5, Command: 1, Special: map[string]float64{"black_list_add": 3}}
	if err != nil || !reflect.DeepEqual(updated, want) {
		t.Fatalf("updated %+v, err %v, want %+v", updated, err, want)
	}
	if same, err := f.UpdateApp(ctx, 7, operator.UpdateApp{}); err != nil || !reflect.DeepEqual(same, want) {
		t.Errorf("an empty update changed the app: %+v, err %v", same, err)
	}
	if shown, err := f.App(ctx, 7); err != nil || !reflect.DeepEqual(shown, want) {
		t.Errorf("shown %+v, err %v, want %+v", shown, err, want)
	}

	other, err := f.CreateApp(ctx, operator.CreateApp{})
	if err != nil || len(other.Key) != 64 {
		t.Fatalf("an app of which nothing was said: %+v, err %v", other.App, err)
	}
	list, err := f.Apps(ctx)
	if wantList := (operator.AppList{Apps: []operator.App{want, other.App}}); err != nil || !reflect.DeepEqual(list, wantList) {
		t.Errorf("list %+v, err %v, want %+v", list, err, wantList)
	}
	if gone, err := f.DeleteApp(ctx, 7); err != nil || gone.SDKAppID != 7 {
		t.Errorf("deleted %+v, err %v", gone, err)
	}
	_, err = f.App(ctx, 7)
	refused(t, err, http.StatusNotFound, operator.CodeNotFound)
}

func TestKeyRotation(t *testing.T) {
	f := serve(t, nil)
	ctx := t.Context()
	old := f.newApp(t).Keys[0]
	rotated, err := f.RotateKey(ctx, 7, operator.RotateKey{Key: secondKey})
	if err != nil || rotated.Key != secondKey || len(rotated.Keys) != 2 || rotated.Keys[1] != old {
		t.Fatalf("rotated %+v, err %v", rotated.Keys, err)
	}
	dropped, err := f.DropKey(ctx, 7, old.Fingerprint)
	if err != nil || !reflect.DeepEqual(dropped.Keys, rotated.Keys[:1]) {
		t.Errorf("after the drop %+v, err %v, want %+v", dropped.Keys, err, rotated.Keys[:1])
	}
	_, err = f.DropKey(ctx, 7, dropped.Keys[0].Fingerprint)
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
	if rotated, err = f.RotateKey(ctx, 7, operator.RotateKey{}); err != nil || len(rotated.Keys) != 2 || len(rotated.Key) != 64 {
		t.Fatalf("a key made up: %+v, err %v", rotated.Keys, err)
	}
	ended, err := f.RotateKey(ctx, 7, operator.RotateKey{DropOld: true})
	if err != nil || !reflect.DeepEqual(ended.Keys, rotated.Keys[:1]) || ended.Key != "" {
		t.Errorf("end of the rotation: %+v, err %v, want %+v and no secret", ended.Keys, err, rotated.Keys[:1])
	}
}

func TestUnknownAppIsNotFound(t *testing.T) {
	f := serve(t, nil)
	ctx := t.Context()
	calls := map[string]func() error{
		"show":         func() error { _, err := f.App(ctx, 5); return err },
		"update":       func() error { _, err := f.UpdateApp(ctx, 5, operator.UpdateApp{}); return err },
		"delete":       func() error { _, err := f.DeleteApp(ctx, 5); return err },
		"rotate":       func() error { _, err := f.RotateKey(ctx, 5, operator.RotateKey{}); return err },
		"drop":         func() error { _, err := f.DropKey(ctx, 5, "x"); return err },
		"callback":     func() error { _, err := f.Callback(ctx, 5); return err },
		"set callback": func() error { _, err := f.SetCallback(ctx, 5, operator.SetCallback{}); return err },
		"client cert":  func() error { _, err := f.ClientCert(ctx, 5); return err },
		"add key":      func() error { _, err := f.AddSigningKey(ctx, 5, operator.AddSigningKey{}); return err },
		"drop key":     func() error { _, err := f.DropSigningKey(ctx, 5, "x"); return err },
		"pause":        func() error { _, err := f.PauseCallback(ctx, 5, operator.PauseCallback{}); return err },
		"resume":       func() error { _, err := f.ResumeCallback(ctx, 5); return err },
		"test":         func() error { _, err := f.TestCallback(ctx, 5); return err },
		"events":       func() error { _, err := f.Events(ctx, operator.EventQuery{SDKAppID: 5}); return err },
		"event":        func() error { _, err := f.Event(ctx, 5, eventID(1)); return err },
		"replays":      func() error { _, err := f.Replays(ctx, operator.ReplayQuery{SDKAppID: 5}); return err },
		"new replay":   func() error { _, err := f.CreateReplay(ctx, operator.CreateReplay{SDKAppID: 5}); return err },
		"export":       func() error { _, err := f.ExportBlocklists(ctx, 5, io.Discard); return err },
		"tail":         func() error { return f.Tail(ctx, operator.EventQuery{SDKAppID: 5}, nil) },
		"listen":       func() error { return f.Listen(ctx, 5, operator.ListenMirror, nil) },
		"answer":       func() error { return f.AnswerExchange(ctx, 5, "x", operator.ExchangeAnswer{Status: 200}) },
		"trigger": func() error {
			_, err := f.Trigger(ctx, 5, operator.Trigger{Command: relation.EventBlockAdd})
			return err
		},
		"make":  func() error { _, err := f.MakeUserSig(ctx, 5, operator.MakeUserSig{UserID: "a"}); return err },
		"check": func() error { _, err := f.CheckUserSig(ctx, 5, operator.CheckUserSig{}); return err },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) { refused(t, call(), http.StatusNotFound, operator.CodeNotFound) })
	}
}

func TestWrongAppsAreRefused(t *testing.T) {
	f := serve(t, nil)
	ctx := t.Context()
	f.newApp(t)
	_, err := f.CreateApp(ctx, operator.CreateApp{SDKAppID: 7})
	refused(t, err, http.StatusConflict, operator.CodeConflict)
	_, err = f.CreateApp(ctx, operator.CreateApp{Key: "short"})
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
	_, err = f.UpdateApp(ctx, 7, operator.UpdateApp{BlocklistLimit: ptr(-1)})
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
	_, err = f.RotateKey(ctx, 7, operator.RotateKey{Key: firstKey})
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
}

func TestRateOfAnUnknownCommandIsRefused(t *testing.T) {
	f := serve(t, nil)
	before := f.newApp(t).App
	limits := map[string]float64{"black_list_add": 1, "sns/black_list_add": 1}
	_, err := f.CreateApp(t.Context(), operator.CreateApp{Rates: relation.Rates{Special: limits}})
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
	_, err = f.UpdateApp(t.Context(), 7, operator.UpdateApp{RateSpecial: &limits})
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
	for _, command := range api.Commands() {
		if err != nil && !strings.Contains(err.Error(), command) {
			t.Errorf("the refusal does not name %s: %v", command, err)
		}
	}
	list, err := f.Apps(t.Context())
	if want := (operator.AppList{Apps: []operator.App{before}}); err != nil || !reflect.DeepEqual(list, want) {
		t.Errorf("after the refusals %+v, err %v, want %+v", list, err, want)
	}
}

func TestDevicesAndWebOrigins(t *testing.T) {
	f := serve(t, nil)
	ctx := t.Context()
	made, err := f.CreateApp(ctx, operator.CreateApp{SDKAppID: 7, DevicesPerPlatform: 3, WebOrigins: []string{"https://*.example.net"}})
	if err != nil || made.DevicesPerPlatform != 3 || !reflect.DeepEqual(made.WebOrigins, []string{"https://*.example.net"}) {
		t.Fatalf("created %+v, err %v", made.App, err)
	}
	for name, wrong := range map[string]operator.UpdateApp{
		"too many devices": {DevicesPerPlatform: ptr(21)},
		"origin with path": {WebOrigins: ptr([]string{"https://example.net/app"})},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.UpdateApp(ctx, 7, wrong)
			refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
		})
	}
	back, err := f.UpdateApp(ctx, 7, operator.UpdateApp{DevicesPerPlatform: ptr(0), WebOrigins: ptr([]string{})})
	if stored := f.store.apps[7]; err != nil || back.DevicesPerPlatform != 1 || len(stored.WebOrigins) != 0 || stored.DevicesPerPlatform != 0 {
		t.Errorf("back at the defaults: %+v, stored %+v, err %v", back, stored, err)
	}
	if back.WebOrigins == nil {
		t.Error("no origins are null, not a list")
	}
}

func TestStoreFailures(t *testing.T) {
	f := serve(t, nil)
	f.newApp(t)
	f.store.fail = relation.ErrUnavailable
	_, err := f.UpdateApp(t.Context(), 7, operator.UpdateApp{Name: ptr("x")})
	refused(t, err, http.StatusServiceUnavailable, operator.CodeUnavailable)
	f.store.fail = fmt.Errorf("row with key %s is odd", "of-someone")
	_, err = f.UpdateApp(t.Context(), 7, operator.UpdateApp{Name: ptr("x")})
	refused(t, err, http.StatusInternalServerError, operator.CodeInternal)
	if err.Error() != "the server failed; its log has the reason" {
		t.Errorf("an unknown error is told: %v", err)
	}
}
