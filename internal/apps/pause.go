package apps

import (
	"context"
	"strings"
	"unicode"

	"github.com/kithchat/kith/internal/relation"
)

// Pause holds the app's events back until Resume. A pause by the operator replaces what is there; one by the endpoint only
// counts where there is none, and its reason is cut to what fits. Without a Since it is from now on. Errors are those of
// Update.
func (r *Registry) Pause(ctx context.Context, sdkAppID uint32, pause relation.Pause) (*relation.App, error) {
	if pause.Since.IsZero() {
		pause.Since = r.now()
	}
	if pause.By == relation.PausedByEndpoint {
		pause.Reason = fit(pause.Reason)
		if app, ok := r.App(sdkAppID); ok && app.Callback.Paused != nil {
			return app, nil // each answer under way says so again
		}
	}
	return r.Update(ctx, sdkAppID, func(app *relation.App) error {
		if app.Callback.Paused == nil || pause.By != relation.PausedByEndpoint {
			app.Callback.Paused = &pause
		}
		return nil
	})
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
