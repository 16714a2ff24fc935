package operator_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func TestSetCallback(t *testing.T) {
	f := serve(t, nil)
	ctx := t.Context()
	f.newApp(t)
	add, del := relation.EventBlockAdd, relation.EventBlockDelete
	ca, _ := certificates(t)
	want := operator.Callback{
		URL: "https://backend.example/hook?a=***&b=***&***", TokenSet: true, Enabled: []relation.EventKind{del},
		Disabled: []relation.EventKind{add, relation.EventState}, TimeoutMS: 700, Concurrency: 9,
		Retry: relation.RetryTimeouts, MaxAttempts: 5, MaxAgeMS: 60_000, AppError: relation.AppErrorPark,
		SigningKeys: []operator.SigningKey{}, CA: []operator.Certificate{ca.shown},
	}
	got, err := f.SetCallback(ctx, 7, operator.SetCallback{
		URL: ptr("https://backend.example/hook?a=b&b=" + leaktest.URLSecret + "&" + leaktest.URLSecret), Token: ptr(callbackToken), Enable: []relation.EventKind{del}, Disable: []relation.EventKind{add, add},
		TimeoutMS: ptr(int64(700)), Concurrency: ptr(9), Retry: ptr(relation.RetryTimeouts), MaxAttempts: ptr(5),
		MaxAgeMS: ptr(int64(60_000)), AppError: ptr(relation.AppErrorPark), CA: ptr(ca.pem),
	})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("set %+v, err %v, want %+v", got, err, want)
	}
	if stored := f.store.apps[7].Callback; stored.Token != callbackToken {
		t.Error("the token was not stored")
	}
	want.Enabled, want.Disabled = []relation.EventKind{add, del}, []relation.EventKind{relation.EventState}
	want.Retry, want.MaxAttempts, want.CA = relation.RetryOff, 0, []operator.Certificate{}
	got, err = f.SetCallback(ctx, 7, operator.SetCallback{
		Enable: []relation.EventKind{add}, Retry: ptr(relation.RetryOff), MaxAttempts: ptr(0), CA: ptr(""),
	})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("enabled %+v, err %v, want %+v", got, err, want)
	}
	want.URL, want.TokenSet, want.Listen, want.Retry, want.AppError = "", false, true, relation.RetryFailures, relation.AppErrorRetry
	if _, err = f.SetCallback(ctx, 7, operator.SetCallback{
		URL: ptr(""), Token: ptr(""), Listen: ptr(true), Retry: ptr(relation.RetryFailures), AppError: ptr(relation.AppErrorRetry),
	}); err != nil {
		t.Fatal(err)
	}
	if got, err = f.Callback(ctx, 7); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("cleared %+v, err %v, want %+v", got, err, want)
	}
}

// The record holds only what differs from what a command is by itself.
func TestSwitchingCommands(t *testing.T) {
	f := serve(t, nil)
	f.newApp(t)
	type list = []relation.EventKind
	add, state := relation.EventBlockAdd, relation.EventState
	for _, step := range []struct {
		name    string
		change  operator.SetCallback
		off, on list
	}{
		{"one that is off, on", operator.SetCallback{Enable: list{state}}, nil, list{state}},
		{"again", operator.SetCallback{Enable: list{state, state}}, nil, list{state}},
		{"one that is on, off", operator.SetCallback{Disable: list{add}}, list{add}, list{state}},
		{"again", operator.SetCallback{Disable: list{add, add}}, list{add}, list{state}},
		{"both at once", operator.SetCallback{Enable: list{add}, Disable: list{state}}, nil, nil},
		{"what is so already", operator.SetCallback{Enable: list{add}, Disable: list{state}}, nil, nil},
		{"nothing", operator.SetCallback{}, nil, nil},
	} {
		shown, err := f.SetCallback(t.Context(), 7, step.change)
		stored := f.store.apps[7].Callback
		if err != nil || !slices.Equal(stored.Off, step.off) || !slices.Equal(stored.On, step.on) {
			t.Errorf("%s: off %q, on %q, err %v, want %q and %q", step.name, stored.Off, stored.On, err, step.off, step.on)
		}
		if slices.Contains(shown.Enabled, state) != (step.on != nil) || slices.Contains(shown.Disabled, add) != (step.off != nil) ||
			len(shown.Enabled)+len(shown.Disabled) != len(relation.EventKinds()) {
			t.Errorf("%s: shown %+v", step.name, shown)
		}
	}
}

func TestWrongCallbacksAreRefused(t *testing.T) {
	f := serve(t, nil)
	f.newApp(t)
	add, unknown := relation.EventBlockAdd, relation.EventKind("Sns.Unknown")
	_, key := certificates(t)
	before, err := f.SetCallback(t.Context(), 7, operator.SetCallback{URL: ptr("http://x/"), Token: ptr(callbackToken)})
	if err != nil {
		t.Fatal(err)
	}
	for name, req := range map[string]operator.SetCallback{
		"URL":             {URL: ptr("ftp://x/?key=" + leaktest.URLSecret)},
		"hidden query":    {URL: ptr("http://x/?key=***")},
		"no retry":        {Retry: ptr(relation.RetryPolicy(""))},
		"no app error":    {AppError: ptr(relation.AppErrorPolicy(""))},
		"retry":           {Retry: ptr(relation.RetryPolicy("on"))},
		"max attempts":    {MaxAttempts: ptr(-1)},
		"max age":         {MaxAgeMS: ptr(int64(1))},
		"app error":       {AppError: ptr(relation.AppErrorPolicy("ignore"))},
		"CA":              {URL: ptr("https://x/"), CA: ptr(key)},
		"CA in clear":     {CA: ptr(before.URL)},
		"mutual TLS":      {MutualTLS: ptr(true)},
		"listen":          {Listen: ptr(true)},
		"token":           {Token: ptr(callbackToken + " ")},
		"timeout":         {TimeoutMS: ptr(int64(1))},
		"concurrency":     {Concurrency: ptr(-1)},
		"enable unknown":  {Enable: []relation.EventKind{unknown}},
		"disable unknown": {Disable: []relation.EventKind{unknown}},
		"both":            {Enable: []relation.EventKind{add}, Disable: []relation.EventKind{add}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.SetCallback(t.Context(), 7, req)
			refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
		})
	}
	f.watch.Secret("the key that was given as a CA", strings.Split(key, "\n")[1])
	if after, err := f.Callback(t.Context(), 7); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("after the refusals %+v, err %v, want %+v", after, err, before)
	}
}

// The setting was a boolean once; who still sends one is told.
func TestRetryIsAWord(t *testing.T) {
	f := serve(t, nil)
	f.newApp(t)
	status, body := f.do(t, http.MethodPatch, "/operator/v1/apps/7/callback", `{"retry":true}`, authorized())
	if status != 400 || !strings.Contains(body, `field \"retry\" must not be a JSON bool`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestCallbackTest(t *testing.T) {
	want := operator.CallbackReport{Reason: "status", Detail: "503", DurationMS: 12, Steps: []operator.CallbackStep{{Name: "connect", OK: true, DurationMS: 1}}}
	var failure error
	f := serve(t, func(o *operator.Options) {
		o.TestCallback = func(_ context.Context, app *relation.App) (operator.CallbackReport, error) {
			if app.SDKAppID != 7 || app.Callback.URL != "http://x/" {
				t.Errorf("tested %+v", app)
			}
			return want, failure
		}
	})
	f.newApp(t)
	_, err := f.TestCallback(t.Context(), 7)
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid) // no URL yet
	if _, err := f.SetCallback(t.Context(), 7, operator.SetCallback{URL: ptr("http://x/")}); err != nil {
		t.Fatal(err)
	}
	if got, err := f.TestCallback(t.Context(), 7); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("report %+v, err %v, want %+v", got, err, want)
	}
	failure = errors.New("cannot")
	_, err = f.TestCallback(t.Context(), 7)
	refused(t, err, http.StatusInternalServerError, operator.CodeInternal)
}
