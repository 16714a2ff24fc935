package operator

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
)

// App is an app as it may be shown: without secrets, with the values in force.
type App struct {
	SDKAppID       uint32         `json:"sdkappid"`
	Name           string         `json:"name"`
	Disabled       bool           `json:"disabled"`
	Admins         []string       `json:"admins"`
	Keys           []Key          `json:"keys"` // newest first
	BlocklistLimit int            `json:"blocklist_limit"`
	Rates          relation.Rates `json:"rates"`
	Callback       Callback       `json:"callback"`
	// Tokens are the tokens of this API that are good for the app only, newest first.
	Tokens []Token `json:"tokens"`
	// DevicesPerPlatform is how many devices of one platform a user can have connected.
	DevicesPerPlatform int `json:"devices_per_platform"`
	// WebOrigins are the web origins whose pages may connect to the gateway; empty: all.
	WebOrigins []string  `json:"web_origins"`
	Created    time.Time `json:"created"`
	Updated    time.Time `json:"updated"`
}

// Key names a secret key.
type Key struct {
	Fingerprint string    `json:"fingerprint"`
	Created     time.Time `json:"created"`
}

// AppList is the answer to a listing, by SDKAppID.
type AppList struct {
	Apps []App `json:"apps"`
}

// AppSecret is an app together with its newest key. It is the answer that made the key; no other answer has it.
type AppSecret struct {
	App
	Key string `json:"key"`
}

// CreateApp describes an app to create. What is left out is made up.
type CreateApp struct {
	SDKAppID       uint32         `json:"sdkappid,omitempty"`
	Name           string         `json:"name,omitempty"`
	Key            string         `json:"key,omitempty"`
	Admins         []string       `json:"admins,omitempty"`
	BlocklistLimit int            `json:"blocklist_limit,omitempty"`
	Rates          relation.Rates `json:"rates,omitzero"`

	DevicesPerPlatform int      `json:"devices_per_platform,omitempty"`
	WebOrigins         []string `json:"web_origins,omitempty"` // empty: all
}

// UpdateApp changes what is not nil.
type UpdateApp struct {
	Name           *string   `json:"name,omitempty"`
	Disabled       *bool     `json:"disabled,omitempty"`
	Admins         *[]string `json:"admins,omitempty"`          // replaces all
	BlocklistLimit *int      `json:"blocklist_limit,omitempty"` // 0: the default
	RateApp        *float64  `json:"rate_app,omitempty"`        // calls a second, 0: no limit
	RateCommand    *float64  `json:"rate_command,omitempty"`
	// RateSpecial replaces the limits of single commands.
	RateSpecial        *map[string]float64 `json:"rate_special,omitempty"`
	DevicesPerPlatform *int                `json:"devices_per_platform,omitempty"` // 0: the default
	WebOrigins         *[]string           `json:"web_origins,omitempty"`          // replaces all; empty: all pages
}

// RotateKey adds a key, made up when empty. DropOld removes the older keys: all but the given one or, without a Key, all but
// the newest, and then adds none.
type RotateKey struct {
	Key     string `json:"key,omitempty"`
	DropOld bool   `json:"drop_old,omitempty"`
}

// Deleted confirms that an app is gone.
type Deleted struct {
	SDKAppID uint32 `json:"sdkappid"`
}

func (h *handler) listApps(http.ResponseWriter, *http.Request) (any, error) {
	list := AppList{Apps: []App{}}
	for _, app := range h.Registry.All() {
		list.Apps = append(list.Apps, show(app, h.Now()))
	}
	return list, nil
}

func (h *handler) createApp(_ http.ResponseWriter, r *http.Request) (any, error) {
	var req CreateApp
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if err := checkCommands(req.Rates.Special); err != nil {
		return nil, err
	}
	app, err := h.Registry.Create(r.Context(), apps.New{
		SDKAppID: req.SDKAppID, Name: req.Name, Key: req.Key, Admins: req.Admins,
		BlocklistLimit: req.BlocklistLimit, Rates: req.Rates,
		DevicesPerPlatform: req.DevicesPerPlatform, WebOrigins: req.WebOrigins,
	})
	if err != nil {
		return nil, err
	}
	return AppSecret{App: show(app, h.Now()), Key: app.Keys[0].Secret}, nil
}

func (h *handler) showApp(_ http.ResponseWriter, r *http.Request) (any, error) {
	app, err := h.app(r)
	if err != nil {
		return nil, err
	}
	return show(app, h.Now()), nil
}

func (h *handler) updateApp(_ http.ResponseWriter, r *http.Request) (any, error) {
	var req UpdateApp
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if req.RateSpecial != nil {
		if err := checkCommands(*req.RateSpecial); err != nil {
			return nil, err
		}
	}
	app, err := h.change(r, func(app *relation.App) error {
		set(&app.Name, req.Name)
		set(&app.Disabled, req.Disabled)
		set(&app.Admins, req.Admins)
		set(&app.BlocklistLimit, req.BlocklistLimit)
		set(&app.Rates.App, req.RateApp)
		set(&app.Rates.Command, req.RateCommand)
		set(&app.Rates.Special, req.RateSpecial)
		set(&app.DevicesPerPlatform, req.DevicesPerPlatform)
		set(&app.WebOrigins, req.WebOrigins)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return app, nil
}

func (h *handler) deleteApp(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := appID(r)
	if err != nil {
		return nil, err
	}
	if err := h.Registry.Delete(r.Context(), id); err != nil {
		return nil, err
	}
	return Deleted{SDKAppID: id}, nil
}

func (h *handler) rotateKey(_ http.ResponseWriter, r *http.Request) (any, error) {
	var req RotateKey
	id, err := appID(r)
	if err != nil {
		return nil, err
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	app, err := h.Registry.RotateKey(r.Context(), id, apps.Rotation{Key: req.Key, DropOld: req.DropOld})
	if err != nil {
		return nil, err
	}
	if req.DropOld && req.Key == "" {
		return AppSecret{App: show(app, h.Now())}, nil // nothing new to tell
	}
	return AppSecret{App: show(app, h.Now()), Key: app.Keys[0].Secret}, nil
}

func (h *handler) dropKey(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := appID(r)
	if err != nil {
		return nil, err
	}
	app, err := h.Registry.DropKey(r.Context(), id, r.PathValue("fingerprint"))
	if err != nil {
		return nil, err
	}
	return show(app, h.Now()), nil
}

// checkCommands refuses limits of commands that do not exist, which would limit nothing.
func checkCommands(limits map[string]float64) error {
	known := api.Commands()
	for _, command := range slices.Sorted(maps.Keys(limits)) {
		if !slices.Contains(known, command) {
			return badRequest("rates: there is no command %q; the commands are %s", command, strings.Join(known, ", "))
		}
	}
	return nil
}

// app returns the app that the path names.
func (h *handler) app(r *http.Request) (*relation.App, error) {
	id, err := appID(r)
	if err != nil {
		return nil, err
	}
	app, ok := h.Registry.App(id)
	if !ok {
		return nil, apps.NoApp(id)
	}
	return app, nil
}

// change updates the app that the path names and answers with it.
func (h *handler) change(r *http.Request, change func(*relation.App) error) (App, error) {
	id, err := appID(r)
	if err != nil {
		return App{}, err
	}
	app, err := h.Registry.Update(r.Context(), id, change)
	if err != nil {
		return App{}, err
	}
	return show(app, h.Now()), nil
}

// set stores the new value, if there is one.
func set[T any](target *T, value *T) {
	if value != nil {
		*target = *value
	}
}

// show takes the secrets out of a record and puts the values in force in.
func show(app *relation.App, now time.Time) App {
	a := App{
		SDKAppID: app.SDKAppID, Name: app.Name, Disabled: app.Disabled, Admins: slices.Clone(app.Admins),
		Keys: make([]Key, len(app.Keys)), BlocklistLimit: app.BlocklistRoom(0), Rates: app.Rates,
		DevicesPerPlatform: app.Devices(), WebOrigins: append([]string{}, app.WebOrigins...),
		Callback: showCallback(app, now), Tokens: showTokens(app.Tokens), Created: app.Created, Updated: app.Updated,
	}
	for i, key := range app.Keys {
		a.Keys[i] = Key{Fingerprint: apps.Fingerprint(key), Created: key.Created}
	}
	return a
}
