package operator_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/webhook"
)

func TestSigningKeys(t *testing.T) {
	f := serve(t, nil)
	ctx := t.Context()
	f.newApp(t)
	add := func(req operator.AddSigningKey) operator.SigningKeySecret {
		t.Helper()
		key, err := f.AddSigningKey(ctx, 7, req)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	shown := func(what string, want ...operator.SigningKey) {
		t.Helper()
		callback, err := f.Callback(ctx, 7)
		if err != nil || !reflect.DeepEqual(callback.SigningKeys, want) {
			t.Errorf("%s: keys %+v, err %v, want %+v", what, callback.SigningKeys, err, want)
		}
	}
	first := add(operator.AddSigningKey{})
	if webhook.CheckSecret(first.Secret) != nil || first.Kind != "hmac" || !first.Created.Equal(start) || first.PublicKey != "" {
		t.Errorf("a key made up: %+v", first.SigningKey)
	}
	shown("one", first.SigningKey)

	second := add(operator.AddSigningKey{Kind: "ed25519"})
	if second.Secret != "" || !strings.HasPrefix(second.PublicKey, "whpk_") {
		t.Errorf("a pair: secret told: %t, public key %q", second.Secret != "", second.PublicKey)
	}
	shown("a key of another kind retires nothing", second.SigningKey, first.SigningKey)

	f.now = start.Add(time.Hour)
	third := add(operator.AddSigningKey{Secret: leaktest.SigningPair, GraceMS: ptr(int64(60_000))})
	if public, _ := webhook.PublicKey(leaktest.SigningPair); third.Secret != "" || third.PublicKey != public {
		t.Errorf("a pair that was given: %+v", third)
	}
	second.Expires = f.now.Add(time.Minute)
	if len(third.Older) != 1 || third.Older[0] != second.SigningKey {
		t.Errorf("older ones that end: %+v", third.Older)
	}
	shown("a minute of grace", third.SigningKey, second.SigningKey, first.SigningKey)

	fourth := add(operator.AddSigningKey{Kind: "hmac", Secret: leaktest.SigningKey, GraceMS: ptr(int64(0))})
	if fourth.Secret != leaktest.SigningKey {
		t.Error("the answer has not the secret that was given")
	}
	shown("no grace", fourth.SigningKey, third.SigningKey, second.SigningKey)
	fifth := add(operator.AddSigningKey{})
	fourth.Expires = f.now.Add(24 * time.Hour)
	shown("a day of grace unless told otherwise", fifth.SigningKey, fourth.SigningKey, third.SigningKey, second.SigningKey)
	callback, err := f.DropSigningKey(ctx, 7, fourth.ID)
	if err != nil || len(callback.SigningKeys) != 3 {
		t.Errorf("dropped: %+v, err %v", callback.SigningKeys, err)
	}
}

// A key whose grace has ended is in the app's record until its next change, but no answer tells of it any more.
func TestExpiredSigningKeysAreNotShown(t *testing.T) {
	f := serve(t, nil)
	ctx := t.Context()
	f.newApp(t)
	for range 2 {
		if _, err := f.AddSigningKey(ctx, 7, operator.AddSigningKey{GraceMS: ptr(int64(60_000))}); err != nil {
			t.Fatal(err)
		}
	}
	answers := map[string]func() (operator.Callback, error){
		"callback": func() (operator.Callback, error) { return f.Callback(ctx, 7) },
		"app":      func() (operator.Callback, error) { app, err := f.App(ctx, 7); return app.Callback, err },
		"apps":     func() (operator.Callback, error) { list, err := f.Apps(ctx); return list.Apps[0].Callback, err },
	}
	for _, step := range []struct {
		at   time.Duration
		want int
	}{{0, 2}, {time.Minute - 1, 2}, {time.Minute, 1}, {time.Hour, 1}} {
		f.now = start.Add(step.at)
		for name, ask := range answers {
			if callback, err := ask(); err != nil || len(callback.SigningKeys) != step.want || !callback.SigningKeys[0].Expires.IsZero() {
				t.Errorf("%s after %v: keys %+v, err %v, want %d", name, step.at, callback.SigningKeys, err, step.want)
			}
		}
	}
	if record := f.store.apps[7]; len(record.Callback.SigningKeys) != 2 {
		t.Errorf("the record has %d keys, so it proves nothing", len(record.Callback.SigningKeys))
	}
}

func TestWrongSigningKeys(t *testing.T) {
	f := serve(t, nil)
	f.newApp(t)
	if _, err := f.AddSigningKey(t.Context(), 7, operator.AddSigningKey{Secret: leaktest.SigningKey}); err != nil {
		t.Fatal(err)
	}
	before, err := f.Callback(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	for name, req := range map[string]operator.AddSigningKey{
		"kind":           {Kind: "rsa"},
		"other kind":     {Kind: "ed25519", Secret: leaktest.SigningKey},
		"secret":         {Secret: leaktest.CallbackToken},
		"again":          {Secret: leaktest.SigningKey},
		"negative grace": {GraceMS: ptr(int64(-1))},
		"endless grace":  {GraceMS: ptr(int64(1) << 62)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.AddSigningKey(t.Context(), 7, req)
			refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
		})
	}
	_, err = f.DropSigningKey(t.Context(), 7, "nothing")
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
	status, body := f.do(t, http.MethodPost, "/operator/v1/apps/7/callback/keys", fmt.Sprintf(`{"secret":%q,"grace":1}`, leaktest.SigningPair), authorized())
	if status != 400 || !strings.Contains(body, `there is no field`) {
		t.Errorf("unknown field: %d %s", status, body)
	}
	if after, err := f.Callback(t.Context(), 7); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("a refused call changed something: %+v, want %+v", after, before)
	}
}

func TestPauseAndResume(t *testing.T) {
	f := serve(t, nil)
	ctx := t.Context()
	f.newApp(t)
	paused, err := f.PauseCallback(ctx, 7, operator.PauseCallback{Reason: "moving house"})
	if p := paused.Paused; err != nil || p == nil || p.By != "operator" || p.Reason != "moving house" || !p.Since.Equal(start) {
		t.Errorf("paused %+v, err %v", paused.Paused, err)
	}
	if shown, err := f.Callback(ctx, 7); err != nil || !reflect.DeepEqual(shown, paused) {
		t.Errorf("shown %+v, err %v, want %+v", shown, err, paused)
	}
	_, err = f.PauseCallback(ctx, 7, operator.PauseCallback{Reason: "a\nb"})
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
	for range 2 {
		if resumed, err := f.ResumeCallback(ctx, 7); err != nil || resumed.Paused != nil {
			t.Errorf("resumed %+v, err %v", resumed.Paused, err)
		}
	}
}
