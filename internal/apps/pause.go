package apps

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/kithchat/kith/internal/relation"
)

// Pause holds the app's events back until Resume, instead of a pause that is there. Without a Since it is from now on. Errors
// are those of Update.
func (r *Registry) Pause(ctx context.Context, sdkAppID uint32, pause relation.Pause) (*relation.App, error) {
	if pause.Since.IsZero() {
		pause.Since = r.now()
	}
	return r.Update(ctx, sdkAppID, func(app *relation.App) error {
		app.Callback.Paused = &pause
		return nil
	})
}

// errOvertaken ends an update that came too late.
var errOvertaken = errors.New("the record was written since")

// PauseGone is the pause of an endpoint that said that it is gone, while the record with this Updated was in force. A later
// record is left as it is: it can be another URL's, or somebody resumed the endpoint. So is a pause that is there. The reason
// is cut to what fits. Errors are those of Update.
func (r *Registry) PauseGone(ctx context.Context, sdkAppID uint32, seen time.Time, pause relation.Pause) error {
	pause.By, pause.Reason = relation.PausedByEndpoint, fit(pause.Reason)
	_, err := r.Update(ctx, sdkAppID, func(app *relation.App) error {
		if app.Callback.Paused != nil || !app.Updated.Equal(seen) {
			return errOvertaken
		}
		app.Callback.Paused = &pause
		return nil
	})
	if errors.Is(err, errOvertaken) {
		return nil
	}
	return err
}

// Resume lets the app's events go again, whoever paused them. Errors are those of Update.
func (r *Registry) Resume(ctx context.Context, sdkAppID uint32) (*relation.App, error) {
	return r.Update(ctx, sdkAppID, func(app *relation.App) error {
		app.Callback.Paused = nil
		return nil
	})
}

// fit makes a text that came from elsewhere fit for a reason.
func fit(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	if runes := []rune(text); len(runes) > MaxPauseReason {
		text = string(runes[:MaxPauseReason])
	}
	return strings.TrimSpace(text)
}
