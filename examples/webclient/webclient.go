// Package webclient is an example: a web page on the TypeScript SDK, and the part of an app backend that such a page needs.
// Two users stand side by side, each with a connection of its own to Kith's gateway; beside them is what the app backend
// hears of them. `kith demo --web` serves it.
//
// What a real app takes over is in ticket.go (the app backend hands out UserSigs after its own login) and in the page's
// pane.js (log in, follow the list, renew, react to the end of a session). What only a demo has is in action.go: it lets
// whoever opens the page act as the demo's users, so the page must be served on loopback only, and New's handler refuses
// requests that were made for another host or by another site's page.
//
// The page loads nothing from elsewhere, and no URL holds a secret. A Page is safe for concurrent use and starts no
// goroutines.
package webclient

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// Options says whose page it is. All but the functions and Now are required.
type Options struct {
	// Kith is where the REST API and the gateway are, as http://host:port.
	Kith string
	// SDKAppID, Key and Admin are the app, the secret key that signs its UserSigs, and the UserID that calls the REST API.
	SDKAppID uint32
	Key      string
	Admin    string
	// Users are the UserIDs on the page, side by side. Others get no UserSig.
	Users []string

	// Restart stops Kith and starts it again, for a button. nil: there is none.
	Restart func(context.Context) error
	// SetDevices sets how many tabs a user can have connected, for a switch. nil: there is none.
	SetDevices func(ctx context.Context, limit int) error

	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Page serves the page. Make it with New.
type Page struct {
	Options
	log     callbackLog
	logins  logins
	client  *http.Client
	handler http.Handler
}

// New checks the options and returns the page.
func New(o Options) (*Page, error) {
	if o.Kith == "" || o.SDKAppID == 0 || o.Key == "" || o.Admin == "" || len(o.Users) == 0 {
		return nil, errors.New("webclient: Kith, SDKAppID, Key, Admin and Users are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Page{Options: o, client: &http.Client{Timeout: restTimeout, Transport: &http.Transport{}}}
	mux := http.NewServeMux()
	p.serveFiles(mux)
	mux.HandleFunc("GET /settings", p.serveSettings)
	mux.HandleFunc("GET /callbacks", p.serveCallbacks)
	mux.HandleFunc("POST /usersig", p.serveUserSig)
	p.serveActions(mux)
	// Refuses POST requests that another site's page makes the browser send.
	p.handler = protect(http.NewCrossOriginProtection().Handler(mux))
	return p, nil
}

// ServeHTTP serves the page, its files and what they ask for.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// Close closes idle connections to Kith.
func (p *Page) Close() { p.client.CloseIdleConnections() }

// known tells whether the page shows this user.
func (p *Page) known(userID string) bool { return slices.Contains(p.Users, userID) }
