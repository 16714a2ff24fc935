package apps_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, store relation.AppStore) *apps.Registry {
	t.Helper()
	r, err := apps.Open(t.Context(), store, apps.Options{CheckURL: webhook.ValidateURL, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func create(t *testing.T, r *apps.Registry, spec apps.New) *relation.App {
	t.Helper()
	app, err := r.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func TestCreateMakesUpWhatIsLeftOut(t *testing.T) {
	r := open(t, newTableStore())
	app := create(t, r, apps.New{})
	if app.SDKAppID < 1_400_000_000 || app.SDKAppID > 1_799_999_999 {
		t.Errorf("SDKAppID = %d", app.SDKAppID)
	}
	if len(app.Keys) != 1 || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(app.Keys[0].Secret) {
		t.Errorf("keys: %d, want one of 64 hex digits", len(app.Keys))
	}
	if want := fmt.Sprintf("app %d", app.SDKAppID); app.Name != want || !slices.Equal(app.Admins, []string{"administrator"}) {
		t.Errorf("name %q, admins %q", app.Name, app.Admins)
	}
	if !app.Created.Equal(noon) || !app.Updated.Equal(noon) || !app.Keys[0].Created.Equal(noon) {
		t.Errorf("created %v, updated %v, key %v, want %v", app.Created, app.Updated, app.Keys[0].Created, noon)
	}
	if other := create(t, r, apps.New{}); other.SDKAppID == app.SDKAppID || other.Keys[0].Secret == app.Keys[0].Secret {
		t.Error("the second app has the SDKAppID or the key of the first")
	}
}

func TestCreateRefusesATakenSDKAppID(t *testing.T) {
	r := open(t, newTableStore())
	create(t, r, apps.New{SDKAppID: 7})
	if _, err := r.Create(t.Context(), apps.New{SDKAppID: 7}); !errors.Is(err, relation.ErrAppExists) {
		t.Errorf("err = %v, want ErrAppExists", err)
	}
}

func TestChangesAreLiveAndSurviveReopening(t *testing.T) {
	store := newTableStore()
	r := open(t, store)
	for _, id := range []uint32{30, 10, 20} {
		create(t, r, apps.New{SDKAppID: id})
	}
	before, _ := r.App(10)
	after, err := r.Update(t.Context(), 10, func(app *relation.App) error {
		app.Name, app.SDKAppID = "shop", 99
		app.Admins = append(app.Admins, "ops")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if live, _ := r.App(10); live != after || live.Name != "shop" || live.SDKAppID != 10 {
		t.Errorf("live = %+v", live)
	}
	if before.Name != "app 10" || len(before.Admins) != 1 {
		t.Errorf("an app that was handed out has changed: %+v", before)
	}
	if err := r.Delete(t.Context(), 20); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.App(20); ok {
		t.Error("app 20 is still there")
	}
	reopened := open(t, store)
	if got, want := reopened.All(), r.All(); !reflect.DeepEqual(got, want) {
		t.Errorf("after reopening %+v, want %+v", got, want)
	}
	if all := r.All(); len(all) != 2 || all[0].SDKAppID != 10 || all[1].SDKAppID != 30 {
		t.Errorf("All is not ordered by SDKAppID: %+v", all)
	}
}

// An app that was handed out shares nothing with the copy that a change works on.
func TestChangesDoNotReachWhatWasHandedOut(t *testing.T) {
	r := open(t, newTableStore())
	spec := apps.New{
		SDKAppID: 7, Admins: []string{"ops"}, Rates: relation.Rates{Special: map[string]float64{"kick": 1}},
		WebOrigins: []string{"https://a"}, DevicesPerPlatform: 3,
		Callback: relation.Callback{
			Off: []relation.EventKind{relation.EventBlockAdd}, On: []relation.EventKind{relation.EventState},
		},
	}
	before := create(t, r, spec)
	if before.DevicesPerPlatform != 3 || !slices.Equal(before.WebOrigins, spec.WebOrigins) {
		t.Errorf("created %+v", before)
	}
	_, err := r.Update(t.Context(), 7, func(app *relation.App) error {
		app.Admins[0], app.WebOrigins[0], app.Rates.Special["kick"] = "x", "https://x", 2
		app.Callback.Off[0], app.Callback.On = relation.EventBlockDelete, slices.Delete(app.Callback.On, 0, 1)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	again := []any{before.Admins, before.WebOrigins, before.Rates.Special, before.Callback.Off, before.Callback.On}
	if want := []any{spec.Admins, spec.WebOrigins, spec.Rates.Special, spec.Callback.Off, spec.Callback.On}; !reflect.DeepEqual(again, want) {
		t.Errorf("handed out %v, want %v", again, want)
	}
	if now, _ := r.App(7); now.WebOrigins[0] != "https://x" || len(now.Callback.On) != 0 {
		t.Errorf("now %+v", now)
	}
}

// A change that spoils everything it can reach from its copy leaves what was handed out as it was.
func TestChangesWorkOnADeepCopy(t *testing.T) {
	refusal := errors.New("spoilt enough")
	store := newTableStore()
	store.apps[7] = *valid()
	r := open(t, store)
	_, err := r.Update(t.Context(), 7, func(app *relation.App) error {
		spoil(reflect.ValueOf(app).Elem())
		return refusal
	})
	if live, _ := r.App(7); !errors.Is(err, refusal) || !reflect.DeepEqual(live, valid()) {
		t.Errorf("what was handed out is now %+v, err %v", live, err)
	}
}

// spoil zeroes whatever slices, maps and pointers lead to. The value must be of a kind that valid fills in.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for _, field := range v.Fields() {
			spoil(field)
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
			v.Index(i).SetZero()
		}
	case reflect.Map:
		v.Clear()
	case reflect.Pointer:
		if v.IsNil() {
			panic("valid leaves a pointer out")
		}
		v.Elem().SetZero()
	}
}

func TestUnknownApp(t *testing.T) {
	r := open(t, newTableStore())
	_, update := r.Update(t.Context(), 5, func(*relation.App) error { return nil })
	_, rotate := r.RotateKey(t.Context(), 5, apps.Rotation{})
	_, drop := r.DropKey(t.Context(), 5, "")
	for name, err := range map[string]error{
		"update": update, "rotate": rotate, "drop": drop, "delete": r.Delete(t.Context(), 5),
	} {
		if !errors.Is(err, relation.ErrNoApp) || !strings.Contains(err.Error(), "5") {
			t.Errorf("%s: %v, want ErrNoApp that names the app", name, err)
		}
	}
}

func TestFailedChangeHasNoEffect(t *testing.T) {
	store := newTableStore()
	r := open(t, store)
	before := create(t, r, apps.New{SDKAppID: 7})
	var calls int
	r.Watch(func() { calls++ })

	refusal := errors.New("refused")
	if _, err := r.Update(t.Context(), 7, func(app *relation.App) error { app.Name = "x"; return refusal }); !errors.Is(err, refusal) {
		t.Errorf("err = %v, want the error of the change", err)
	}
	if _, err := r.Update(t.Context(), 7, func(app *relation.App) error { app.Name = ""; return nil }); !errors.Is(err, relation.ErrParameter) {
		t.Errorf("err = %v, want ErrParameter", err)
	}
	if live, _ := r.App(7); live != before || calls != 0 {
		t.Errorf("the app changed, or the hook was called %d times", calls)
	}
}

func TestLostAnswerIsReadAgain(t *testing.T) {
	store := newTableStore()
	r := open(t, store)
	var calls int
	r.Watch(func() { calls++ })
	store.failAfter = relation.ErrUnavailable // committed, but the answer was lost
	if _, err := r.Create(t.Context(), apps.New{SDKAppID: 7}); !errors.Is(err, relation.ErrUnavailable) {
		t.Fatalf("err = %v", err)
	}
	if _, ok := r.App(7); !ok || calls != 1 {
		t.Errorf("app live: %t, hook calls %d: the registry differs from the store", ok, calls)
	}
}

func TestKeyRotation(t *testing.T) {
	r := open(t, newTableStore())
	app := create(t, r, apps.New{SDKAppID: 7, Key: "first-key-0123456"})
	first := app.Keys[0]

	app, err := r.RotateKey(t.Context(), 7, apps.Rotation{Key: "second-key-012345"})
	if err != nil || len(app.Keys) != 2 || app.Keys[0].Secret != "second-key-012345" || app.Keys[1] != first {
		t.Fatalf("after a rotation: %d keys, err %v; want the new one first and the old one kept", len(app.Keys), err)
	}
	if _, err := r.RotateKey(t.Context(), 7, apps.Rotation{Key: first.Secret}); !errors.Is(err, relation.ErrParameter) {
		t.Errorf("adding a key again: %v, want ErrParameter", err)
	}
	if app, err = r.DropKey(t.Context(), 7, apps.Fingerprint(first)); err != nil || len(app.Keys) != 1 {
		t.Fatalf("drop: %v", err)
	}
	if _, err := r.DropKey(t.Context(), 7, apps.Fingerprint(first)); !errors.Is(err, relation.ErrParameter) {
		t.Errorf("dropping it again: %v, want ErrParameter", err)
	}
	if _, err := r.DropKey(t.Context(), 7, apps.Fingerprint(app.Keys[0])); !errors.Is(err, relation.ErrParameter) {
		t.Errorf("dropping the last key: %v, want ErrParameter", err)
	}
	if _, err := r.RotateKey(t.Context(), 7, apps.Rotation{DropOld: true}); !errors.Is(err, relation.ErrParameter) {
		t.Errorf("dropping the old keys where there are none: %v, want ErrParameter", err)
	}
	if app, err = r.RotateKey(t.Context(), 7, apps.Rotation{}); err != nil || len(app.Keys) != 2 || len(app.Keys[0].Secret) != 64 {
		t.Fatalf("a key made up: %d keys, err %v", len(app.Keys), err)
	}
	newest := app.Keys[0]
	if app, err = r.RotateKey(t.Context(), 7, apps.Rotation{DropOld: true}); err != nil || len(app.Keys) != 1 || app.Keys[0] != newest {
		t.Errorf("end of the rotation: %d keys, err %v; want the newest alone", len(app.Keys), err)
	}
	if app, err = r.RotateKey(t.Context(), 7, apps.Rotation{Key: "third-key-0123456", DropOld: true}); err != nil || len(app.Keys) != 1 || app.Keys[0].Secret != "third-key-0123456" {
		t.Errorf("replacing all keys: %d keys, err %v", len(app.Keys), err)
	}
}

func TestCallbackGetsDefaultsWhenSet(t *testing.T) {
	r, err := apps.Open(t.Context(), newTableStore(), apps.Options{
		CheckURL: webhook.ValidateURL, CallbackTimeout: 5 * time.Second, CallbackConcurrency: 9,
	})
	if err != nil {
		t.Fatal(err)
	}
	bare := create(t, r, apps.New{})
	own := create(t, r, apps.New{Callback: relation.Callback{URL: "http://x/", TimeoutMS: 700, Concurrency: 3}})
	set, err := r.Update(t.Context(), bare.SDKAppID, func(app *relation.App) error { app.Callback.URL = "http://x/"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if bare.Callback.TimeoutMS != 0 || own.Callback.TimeoutMS != 700 || own.Callback.Concurrency != 3 {
		t.Errorf("bare %+v, own %+v", bare.Callback, own.Callback)
	}
	if set.Callback.Timeout() != 5*time.Second || set.Callback.Concurrency != 9 {
		t.Errorf("set %+v", set.Callback)
	}
}

// TestReadersNeverSeeHalfAChange runs readers beside writers; the race detector watches, and each reader checks that
// name and admin of one app belong together.
func TestReadersNeverSeeHalfAChange(t *testing.T) {
	r := open(t, newTableStore())
	create(t, r, apps.New{SDKAppID: 1, Name: "n0", Admins: []string{"n0"}})
	ctx, cancel := context.WithCancel(t.Context())
	var readers, writers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				for _, app := range r.All() {
					if app.Name != app.Admins[0] {
						t.Errorf("name %q, admin %q", app.Name, app.Admins[0])
						return
					}
				}
			}
		})
	}
	var seen sync.Map
	r.Watch(func() { app, _ := r.App(1); seen.Store(app.Name, true) })
	for w := range 4 {
		writers.Go(func() {
			for i := range 50 {
				name := fmt.Sprintf("n%d-%d", w, i)
				_, err := r.Update(ctx, 1, func(app *relation.App) error {
					app.Name, app.Admins[0] = name, name
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	cancel()
	readers.Wait()
	if app, _ := r.App(1); func() bool { _, ok := seen.Load(app.Name); return !ok }() {
		t.Errorf("no hook saw the last change, %q", app.Name)
	}
}
