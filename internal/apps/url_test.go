package apps_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
)

// A rule that became stricter holds for URLs that are set, and does not keep the rest of the record from changing.
func TestURLThatStaysIsNotJudgedAgain(t *testing.T) {
	var rule error
	r, err := apps.Open(t.Context(), newTableStore(), apps.Options{CheckURL: func(string) error { return rule }})
	if err != nil {
		t.Fatal(err)
	}
	create(t, r, apps.New{SDKAppID: 7, Callback: relation.Callback{URL: "http://10.0.0.1/"}})
	rule = errors.New("not there")
	if _, err := r.Update(t.Context(), 7, func(app *relation.App) error { app.Name = "shop"; return nil }); err != nil {
		t.Errorf("another setting: %v", err)
	}
	if _, err := r.Update(t.Context(), 7, func(app *relation.App) error { app.Callback.URL = "http://10.0.0.2/"; return nil }); !errors.Is(err, relation.ErrParameter) {
		t.Errorf("another URL: %v", err)
	}
	if _, err := r.Create(t.Context(), apps.New{Callback: relation.Callback{URL: "http://10.0.0.1/"}}); !errors.Is(err, relation.ErrParameter) {
		t.Errorf("another app: %v", err)
	}
}

// Another URL is another endpoint: that the old one is gone is no reason to hold events back. An operator's pause stays.
func TestAnotherURLEndsThePauseOfTheEndpoint(t *testing.T) {
	now := noon
	r := openAt(t, newTableStore(), &now)
	create(t, r, apps.New{SDKAppID: 7, Callback: relation.Callback{URL: "http://x/"}})
	for by, stays := range map[string]bool{relation.PausedByEndpoint: false, relation.PausedByOperator: true} {
		if _, err := r.Pause(t.Context(), 7, relation.Pause{By: by}); err != nil {
			t.Fatal(err)
		}
		app, err := r.Update(t.Context(), 7, func(app *relation.App) error { app.Callback.Token = "t" + by; return nil })
		if err != nil || app.Callback.Paused == nil {
			t.Errorf("%s: another token: %+v, err %v, want the pause", by, app, err)
		}
		app, err = r.Update(t.Context(), 7, func(app *relation.App) error { app.Callback.URL += "y"; return nil })
		if err != nil || (app.Callback.Paused != nil) != stays {
			t.Errorf("%s: another URL: paused %v, err %v", by, app.Callback.Paused, err)
		}
		if _, err := r.Resume(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
}
