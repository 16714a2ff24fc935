package apps_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
)

func TestPauseAndResume(t *testing.T) {
	now := noon
	store := newTableStore()
	r := openAt(t, store, &now)
	create(t, r, apps.New{SDKAppID: 7})
	pause := func(p relation.Pause) relation.Pause {
		t.Helper()
		app, err := r.Pause(t.Context(), 7, p)
		if err != nil {
			t.Fatal(err)
		}
		if live, _ := r.App(7); live != app {
			t.Error("what was returned is not live")
		}
		return *app.Callback.Paused
	}
	gone := relation.Pause{By: relation.PausedByEndpoint, Reason: "410 Gone", Since: noon.Add(-time.Minute)}
	pauseGone := func(when string, want relation.Pause) {
		t.Helper()
		seen, _ := r.App(7)
		for range 2 { // each answer under way says so again
			if err := r.PauseGone(t.Context(), 7, seen.Updated, gone); err != nil {
				t.Fatal(err)
			}
		}
		if app, _ := r.App(7); app.Callback.Paused == nil || *app.Callback.Paused != want {
			t.Errorf("by the endpoint %s: %+v, want %+v", when, app.Callback.Paused, want)
		}
	}
	pauseGone("first", gone)
	now = now.Add(time.Hour)
	byHand := relation.Pause{By: relation.PausedByOperator, Reason: "moving house"}
	want := relation.Pause{By: relation.PausedByOperator, Reason: "moving house", Since: now}
	if got := pause(byHand); got != want {
		t.Errorf("by the operator: %+v, want %+v", got, want)
	}
	pauseGone("during that", want)
	if live, _ := openAt(t, store, &now).App(7); *live.Callback.Paused != want {
		t.Errorf("on disk %+v, want %+v", *live.Callback.Paused, want)
	}
	for range 2 { // resuming what goes is no error
		if app, err := r.Resume(t.Context(), 7); err != nil || app.Callback.Paused != nil {
			t.Errorf("resumed %+v, err %v", app, err)
		}
	}
}

// TestPauseOfARecordThatWasWrittenSince has the word of an endpoint arrive after somebody resumed it, or gave it another URL.
func TestPauseOfARecordThatWasWrittenSince(t *testing.T) {
	now := noon
	r := openAt(t, newTableStore(), &now)
	create(t, r, apps.New{SDKAppID: 7})
	seen, _ := r.App(7)
	now = now.Add(time.Millisecond)
	if _, err := r.Resume(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if err := r.PauseGone(t.Context(), 7, seen.Updated, relation.Pause{Since: now}); err != nil {
		t.Fatal(err)
	}
	if app, _ := r.App(7); app.Callback.Paused != nil {
		t.Errorf("paused: %+v", app.Callback.Paused)
	}
	if err := r.PauseGone(t.Context(), 9, seen.Updated, relation.Pause{Since: now}); !errors.Is(err, relation.ErrNoApp) {
		t.Errorf("of no app: %v", err)
	}
}

// What an endpoint answers becomes a reason that fits; what an operator gives is refused when it does not.
func TestPauseReasons(t *testing.T) {
	now := noon
	for _, reason := range []string{"a\nb", "\xff", " x ", strings.Repeat("ö", apps.MaxPauseReason+1)} {
		r := openAt(t, newTableStore(), &now)
		create(t, r, apps.New{SDKAppID: 7})
		_, err := r.Pause(t.Context(), 7, relation.Pause{By: relation.PausedByOperator, Reason: reason})
		if !errors.Is(err, relation.ErrParameter) || !strings.Contains(err.Error(), "the reason of a pause must be") {
			t.Errorf("%q by the operator: %v", reason, err)
		}
		seen, _ := r.App(7)
		if err := r.PauseGone(t.Context(), 7, seen.Updated, relation.Pause{Since: now, Reason: reason}); err != nil {
			t.Errorf("%q by the endpoint: %v", reason, err)
			continue
		}
		app, _ := r.App(7)
		if got := app.Callback.Paused.Reason; !utf8.ValidString(got) || utf8.RuneCountInString(got) > apps.MaxPauseReason {
			t.Errorf("%q became %q", reason, got)
		}
	}
	r := openAt(t, newTableStore(), &now)
	create(t, r, apps.New{SDKAppID: 7})
	if _, err := r.Pause(t.Context(), 7, relation.Pause{By: "me"}); !errors.Is(err, relation.ErrParameter) {
		t.Errorf("by somebody else: %v", err)
	}
	if _, err := r.Pause(t.Context(), 9, relation.Pause{By: relation.PausedByOperator}); !errors.Is(err, relation.ErrNoApp) {
		t.Errorf("of no app: %v", err)
	}
	if _, err := r.Resume(t.Context(), 9); !errors.Is(err, relation.ErrNoApp) {
		t.Errorf("of no app: %v", err)
	}
}
