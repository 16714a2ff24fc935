package apps_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// openAt opens a registry whose clock the caller moves.
func openAt(t *testing.T, store relation.AppStore, now *time.Time) *apps.Registry {
	t.Helper()
	r, err := apps.Open(t.Context(), store, apps.Options{
		CheckURL: webhook.ValidateURL, Signing: signing, Now: func() time.Time { return *now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func addKey(t *testing.T, r *apps.Registry, spec apps.NewSigningKey) relation.SigningKey {
	t.Helper()
	key, err := r.AddSigningKey(t.Context(), 7, spec)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signs returns the ids of the keys that the app has, with the time until each signs.
func signs(r *apps.Registry, now time.Time) map[string]time.Duration {
	app, _ := r.App(7)
	keys := map[string]time.Duration{}
	for _, k := range app.Callback.SigningKeys {
		keys[k.ID] = -1
		if !k.Expires.IsZero() {
			keys[k.ID] = k.Expires.Sub(now)
		}
	}
	return keys
}

func TestSigningKeyRotation(t *testing.T) {
	now := noon
	store := newTableStore()
	r := openAt(t, store, &now)
	create(t, r, apps.New{SDKAppID: 7})
	first := addKey(t, r, apps.NewSigningKey{})
	if first.ID != apps.SigningKeyID(first.Secret) || !first.Created.Equal(noon) || !strings.HasPrefix(first.Secret, "whsec_") {
		t.Errorf("a key made up has id %q of %v", first.ID, first.Created)
	}
	second := addKey(t, r, apps.NewSigningKey{Kind: apps.KindHMAC, Grace: time.Hour})
	equalKeys(t, "an hour of grace", signs(r, now), map[string]time.Duration{second.ID: -1, first.ID: time.Hour})

	now = now.Add(30 * time.Minute)
	third := addKey(t, r, apps.NewSigningKey{Secret: leaktest.SigningKey, Grace: 2 * time.Hour})
	equalKeys(t, "the older end keeps", signs(r, now),
		map[string]time.Duration{third.ID: -1, second.ID: 2 * time.Hour, first.ID: 30 * time.Minute})

	now = now.Add(30 * time.Minute)
	if _, err := r.Update(t.Context(), 7, func(app *relation.App) error { app.Name = "any change"; return nil }); err != nil {
		t.Fatal(err)
	}
	want := map[string]time.Duration{third.ID: -1, second.ID: 90 * time.Minute}
	equalKeys(t, "pruned with the next change", signs(r, now), want)
	equalKeys(t, "and on disk", signs(openAt(t, store, &now), now), want)

	fourth := addKey(t, r, apps.NewSigningKey{Kind: apps.KindHMAC})
	equalKeys(t, "no grace: they stop at once", signs(r, now), map[string]time.Duration{fourth.ID: -1})
	pair := addKey(t, r, apps.NewSigningKey{Kind: apps.KindEd25519})
	if apps.SigningKeyKind(pair.Secret) != apps.KindEd25519 {
		t.Error("a key pair is no Ed25519 key")
	}
	equalKeys(t, "a key of another kind retires nothing", signs(r, now), map[string]time.Duration{pair.ID: -1, fourth.ID: -1})
	if _, err := r.DropSigningKey(t.Context(), 7, pair.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.DropSigningKey(t.Context(), 7, fourth.ID); err != nil {
		t.Fatal(err)
	}
	equalKeys(t, "dropped", signs(r, now), map[string]time.Duration{})
}

func equalKeys(t *testing.T, what string, got, want map[string]time.Duration) {
	t.Helper()
	same := len(got) == len(want)
	for id, left := range want {
		same = same && got[id] == left
	}
	if !same {
		t.Errorf("%s: keys %v, want %v", what, got, want)
	}
}

func TestWrongSigningKeys(t *testing.T) {
	now := noon
	r := openAt(t, newTableStore(), &now)
	create(t, r, apps.New{SDKAppID: 7})
	addKey(t, r, apps.NewSigningKey{Secret: leaktest.SigningKey})
	before, _ := r.App(7)
	for name, spec := range map[string]apps.NewSigningKey{
		"unknown kind":     {Kind: "rsa"},
		"other kind":       {Kind: apps.KindEd25519, Secret: leaktest.SigningKey},
		"no secret":        {Secret: leaktest.CallbackToken},
		"broken secret":    {Secret: leaktest.SigningKey[:20]},
		"the same again":   {Secret: leaktest.SigningKey, Grace: time.Hour},
		"public key":       {Secret: "whpk_" + leaktest.SigningPair[5:]},
		"grace below zero": {Grace: -1},
		"grace too long":   {Grace: apps.MaxSigningGrace + 1},
	} {
		_, err := r.AddSigningKey(t.Context(), 7, spec)
		if !errors.Is(err, relation.ErrParameter) {
			t.Errorf("%s: %v, want ErrParameter", name, err)
			continue
		}
		leaktest.Check(t, name, err.Error())
	}
	if _, err := r.DropSigningKey(t.Context(), 7, "nothing"); !errors.Is(err, relation.ErrParameter) {
		t.Errorf("dropping what is not there: %v", err)
	}
	if _, err := r.AddSigningKey(t.Context(), 9, apps.NewSigningKey{}); !errors.Is(err, relation.ErrNoApp) {
		t.Errorf("a key of no app: %v", err)
	}
	if after, _ := r.App(7); after != before {
		t.Error("a refused key changed the app")
	}
	for range apps.MaxSigningKeys - 1 {
		addKey(t, r, apps.NewSigningKey{Grace: time.Hour})
	}
	if _, err := r.AddSigningKey(t.Context(), 7, apps.NewSigningKey{Grace: time.Hour}); !errors.Is(err, relation.ErrParameter) {
		t.Errorf("one too many: %v", err)
	}
	now = now.Add(time.Hour)
	addKey(t, r, apps.NewSigningKey{Grace: time.Hour}) // the older ones have made room
}

// A registry to which nothing was handed in says so.
func TestSigningThatIsNotThere(t *testing.T) {
	r := open(t, newTableStore())
	create(t, r, apps.New{SDKAppID: 7})
	for name, spec := range map[string]apps.NewSigningKey{"made": {}, "given": {Secret: leaktest.SigningKey}} {
		_, err := r.AddSigningKey(context.Background(), 7, spec)
		if !errors.Is(err, relation.ErrParameter) || !strings.Contains(err.Error(), "this server cannot") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
