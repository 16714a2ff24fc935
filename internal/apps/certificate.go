package apps

import (
	"context"
	"fmt"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// renewEvery is how often the certificates of all apps are looked at.
const renewEvery = time.Hour

// EnsureClientCert issues a client certificate for an app with mutual TLS that has none, or whose is due for renewal, and
// returns the app as it is then. Errors are those of Update and of Options.Issue.
func (r *Registry) EnsureClientCert(ctx context.Context, sdkAppID uint32) (*relation.App, error) {
	app, ok := r.App(sdkAppID)
	if !ok {
		return nil, NoApp(sdkAppID)
	}
	if !r.due(app) {
		return app, nil
	}
	return r.Update(ctx, sdkAppID, func(app *relation.App) error {
		if !r.due(app) { // somebody was faster
			return nil
		}
		return r.issue(app)
	})
}

// Renew calls EnsureClientCert for all apps, at once and then every hour, until ctx ends. What fails is logged and tried
// again an hour later: certificates are due long before they expire.
func (r *Registry) Renew(ctx context.Context) {
	ticker := time.NewTicker(renewEvery)
	defer ticker.Stop()
	for {
		for _, app := range r.All() {
			if !r.due(app) {
				continue
			}
			if _, err := r.EnsureClientCert(ctx, app.SDKAppID); err == nil {
				r.opts.Log.Info("client certificate issued", "app", app.SDKAppID)
			} else if ctx.Err() == nil {
				r.opts.Log.Error("cannot renew a client certificate; it is tried again in an hour", "app", app.SDKAppID, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// due reports whether the app needs another certificate than it has.
func (r *Registry) due(app *relation.App) bool {
	c := app.Callback
	if !c.MutualTLS || r.opts.Issue == nil {
		return false
	}
	return c.ClientCert == nil || !r.now().Before(r.opts.RenewAt(*c.ClientCert))
}

// issue gives the app a new certificate.
func (r *Registry) issue(app *relation.App) error {
	cert, err := r.opts.Issue(app.SDKAppID)
	if err != nil {
		return fmt.Errorf("issue the client certificate of app %d: %w", app.SDKAppID, err)
	}
	app.Callback.ClientCert = &cert
	return nil
}

// certify keeps the certificate in step with the setting: with mutual TLS there is one, without there is none.
func (r *Registry) certify(app *relation.App) error {
	c := &app.Callback
	switch {
	case !c.MutualTLS:
		c.ClientCert = nil
	case c.ClientCert != nil:
	case r.opts.Issue == nil:
		return invalid("mutual TLS needs a client certificate, and this server has no CA that issues any")
	default:
		return r.issue(app)
	}
	return nil
}
