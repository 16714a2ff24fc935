package operator_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func TestSetCallback(t *testing.T) {
	f := serve(t, nil)
	ctx := t.Context()
	f.newApp(t)
	add, del := relation.EventBlockAdd, relation.EventBlockDelete
	want := operator.Callback{
		URL: "https://backend.example/hook?a=b", TokenSet: true, Enabled: []relation.EventKind{del},
		Disabled: []relation.EventKind{add, relation.EventState}, TimeoutMS: 700, Retry: false, Concurrency: 9,
	}
	got, err := f.SetCallback(ctx, 7, operator.SetCallback{
		URL: ptr(want.URL), Token: ptr(callbackToken), Enable: []relation.EventKind{del}, Disable: []relation.EventKind{add, add},
		TimeoutMS: ptr(int64(700)), Retry: ptr(false), Concurrency: ptr(9),
	})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("set %+v, err %v, want %+v", got, err, want)
	}
	if stored := f.store.apps[7].Callback; stored.Token != callbackToken {
		t.Error("the token was not stored")
	}
	want.Enabled, want.Disabled, want.Retry = []relation.EventKind{add, del}, []relation.EventKind{relation.EventState}, true
	got, err = f.SetCallback(ctx, 7, operator.SetCallback{Enable: []relation.EventKind{add}, Retry: ptr(true)})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("enabled %+v, err %v, want %+v", got, err, want)
	}
	want.URL, want.TokenSet = "", false
	if _, err = f.SetCallback(ctx, 7, operator.SetCallback{URL: ptr(""), Token: ptr("")}); err != nil {
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
	for name, req := range map[string]operator.SetCallback{
		"URL":             {URL: ptr("ftp://x/")},
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
