package apps_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/seal"
)

func boxOf(t *testing.T, keys ...byte) *seal.Box {
	t.Helper()
	var all [][]byte
	for _, k := range keys {
		all = append(all, bytes.Repeat([]byte{k}, seal.KeySize))
	}
	b, err := seal.New(all...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// secretive is an app with a secret of every kind, all of them known to leaktest but for the client certificate's.
func secretive(id uint32) relation.App {
	app := valid()
	app.SDKAppID = id
	app.Keys = []relation.AppKey{{Secret: leaktest.AppKey}, {Secret: "another-key-01234567"}}
	app.Callback.ClientCert.Key = "key-of-the-certificate"
	return *app
}

// onDisk checks that no secret is in what the store holds, and returns it.
func onDisk(t *testing.T, store *tableStore) string {
	t.Helper()
	text, err := json.Marshal(store.apps)
	if err != nil {
		t.Fatal(err)
	}
	leaktest.Check(t, "the disk", string(text))
	for _, secret := range []string{"another-key-01234567", "key-of-the-certificate"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the disk has %q in clear", secret)
		}
	}
	return string(text)
}

func sealedStores(t *testing.T, inner relation.AppStore, box *seal.Box) []relation.App {
	t.Helper()
	all, err := apps.Seal(inner, box).Apps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSecretsAreSealedOnDisk(t *testing.T) {
	inner := newTableStore()
	s := apps.Seal(inner, boxOf(t, 1))
	want := secretive(7)
	if err := s.CreateApp(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	created := onDisk(t, inner)
	if !reflect.DeepEqual(want, secretive(7)) {
		t.Error("sealing changed the caller's app")
	}
	if err := s.UpdateApp(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if updated := onDisk(t, inner); updated == created || strings.Count(updated, "sealed:v1:") != 6 {
		t.Errorf("on disk: %s", updated)
	}
	if got := sealedStores(t, inner, boxOf(t, 1)); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
	if err := s.DeleteApp(t.Context(), 7); err != nil || len(inner.apps) != 0 {
		t.Errorf("deleted: %v", err)
	}
}

func TestSealedSecretsNeedTheirKey(t *testing.T) {
	inner := newTableStore()
	if err := apps.Seal(inner, boxOf(t, 1)).CreateApp(t.Context(), secretive(7)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		box     *seal.Box
		problem string
	}{
		"no key":    {nil, "start with the master key"},
		"wrong key": {boxOf(t, 2, 3), "start with the right master key"},
	} {
		_, err := apps.Open(t.Context(), apps.Seal(inner, test.box), apps.Options{CheckURL: checks.URL, Signing: signing})
		if err == nil || !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s: %v, want %q", name, err, test.problem)
		}
	}
	if _, err := apps.Seal(inner, boxOf(t, 2)).Reseal(t.Context(), func() error { return nil }); err == nil {
		t.Error("resealed without the old key")
	}
}

// A sealed value opens for its app and its field only.
func TestSealedSecretsCannotBeSwapped(t *testing.T) {
	box := boxOf(t, 1)
	for name, swap := range map[string]func(a, b *relation.App){
		"between apps":   func(a, b *relation.App) { a.Keys[0], b.Keys[0] = b.Keys[0], a.Keys[0] },
		"between fields": func(a, _ *relation.App) { a.Keys[0].Secret, a.Callback.Token = a.Callback.Token, a.Keys[0].Secret },
		"signing key":    func(a, _ *relation.App) { a.Callback.SigningKeys[0].Secret = a.Callback.ClientCert.Key },
	} {
		inner := newTableStore()
		for _, id := range []uint32{7, 8} {
			if err := apps.Seal(inner, box).CreateApp(t.Context(), secretive(id)); err != nil {
				t.Fatal(err)
			}
		}
		a, b := inner.apps[7], inner.apps[8]
		swap(&a, &b)
		inner.apps[7], inner.apps[8] = a, b
		if _, err := apps.Seal(inner, box).Apps(t.Context()); err == nil || !strings.Contains(err.Error(), "belongs elsewhere") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReseal(t *testing.T) {
	inner := newTableStore()
	for _, id := range []uint32{7, 8} {
		if err := inner.CreateApp(t.Context(), secretive(id)); err != nil {
			t.Fatal(err)
		}
	}
	firsts := 0
	reseal := func(box *seal.Box, want int) {
		t.Helper()
		n, err := apps.Seal(inner, box).Reseal(t.Context(), func() error { firsts++; return nil })
		if err != nil || n != want {
			t.Errorf("resealed %d, err %v, want %d", n, err, want)
		}
		got := sealedStores(t, inner, box)
		for _, app := range got {
			if want := secretive(app.SDKAppID); !reflect.DeepEqual(app, want) {
				t.Errorf("read %+v, want %+v", app, want)
			}
		}
	}
	reseal(nil, 0)
	if firsts != 0 {
		t.Error("without a key something was done")
	}
	reseal(boxOf(t, 1), 2)
	onDisk(t, inner)
	reseal(boxOf(t, 1), 0)
	reseal(boxOf(t, 2, 1), 2)
	reseal(boxOf(t, 2), 0)
	if firsts != 2 {
		t.Errorf("first was called %d times, want once a rewriting", firsts)
	}
	mixed := inner.apps[7]
	mixed.Callback.Token = leaktest.CallbackToken
	inner.apps[7] = mixed
	reseal(boxOf(t, 2), 1)
	onDisk(t, inner)

	inner.apps[7] = secretive(7)
	refusal := errors.New("not now")
	if _, err := apps.Seal(inner, boxOf(t, 2)).Reseal(t.Context(), func() error { return refusal }); !errors.Is(err, refusal) {
		t.Errorf("err = %v, want that of first", err)
	}
	inner.refuse(true)
	if n, err := apps.Seal(inner, boxOf(t, 2)).Reseal(t.Context(), func() error { return nil }); !errors.Is(err, relation.ErrUnavailable) || n != 0 {
		t.Errorf("the store refuses: %d, %v", n, err)
	}
}
