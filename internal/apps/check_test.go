package apps_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// valid is an app that uses every setting.
func valid() *relation.App {
	return &relation.App{
		SDKAppID: 7, Name: "shop Größe", Admins: []string{"ops", "root"}, BlocklistLimit: 100_000,
		Keys:  []relation.AppKey{{Secret: strings.Repeat("k", 16), Created: time.Unix(1, 0)}},
		Rates: relation.Rates{App: 10, Command: 0.5, Special: map[string]float64{"black_list_add": 3}},
		Callback: relation.Callback{
			URL: "https://[::1]:8443/hook?a=b", Token: "t", TimeoutMS: 60_000, Concurrency: 1024,
			Off: []relation.EventKind{relation.EventBlockAdd, relation.EventBlockDelete},
			On:  []relation.EventKind{relation.EventState},
		},
		DevicesPerPlatform: 20, WebOrigins: []string{"https://chat.example.net", "https://*.example.net:8443"},
	}
}

func TestCheckAccepts(t *testing.T) {
	if err := apps.Check(valid(), webhook.ValidateURL); err != nil {
		t.Error(err)
	}
}

func TestCheckNamesEachProblem(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(*relation.App)
		wanted string // the problem begins so
	}{
		{"no id", func(a *relation.App) { a.SDKAppID = 0 }, "sdkappid must be"},
		{"no name", func(a *relation.App) { a.Name = "" }, "the name must be"},
		{"long name", func(a *relation.App) { a.Name = strings.Repeat("ö", 65) }, "the name must be"},
		{"line feed in name", func(a *relation.App) { a.Name = "a\nb" }, "the name must be"},
		{"blank around name", func(a *relation.App) { a.Name = " a" }, "the name must be"},
		{"no key", func(a *relation.App) { a.Keys = nil }, "the app needs a secret key"},
		{"short key", func(a *relation.App) { a.Keys[0].Secret = strings.Repeat("k", 15) }, "a secret key must be"},
		{"long key", func(a *relation.App) { a.Keys[0].Secret = strings.Repeat("k", 257) }, "a secret key must be"},
		{"blank in key", func(a *relation.App) { a.Keys[0].Secret = "0123456789 abcdefg" }, "a secret key must be"},
		{"same key twice", func(a *relation.App) { a.Keys = append(a.Keys, a.Keys[0]) }, "this secret key is one of"},
		{"nine keys", func(a *relation.App) {
			for c := range 8 {
				a.Keys = append(a.Keys, relation.AppKey{Secret: strings.Repeat(string(rune('a'+c)), 20)})
			}
		}, "an app has at most 8 keys"},
		{"no admin", func(a *relation.App) { a.Admins = nil }, "an app has 1 to 10 admins"},
		{"eleven admins", func(a *relation.App) { a.Admins = strings.Split("abcdefghijk", "") }, "an app has 1 to 10 admins"},
		{"bad admin", func(a *relation.App) { a.Admins = []string{"ä"} }, `admin "ä" is not`},
		{"admin twice", func(a *relation.App) { a.Admins = []string{"x", "x"} }, `admin "x" is named twice`},
		{"limit below", func(a *relation.App) { a.BlocklistLimit = -1 }, "the blocklist limit must be"},
		{"limit above", func(a *relation.App) { a.BlocklistLimit = 100_001 }, "the blocklist limit must be"},
		{"rate below", func(a *relation.App) { a.Rates.App = -1 }, "the rate of the app"},
		{"rate infinite", func(a *relation.App) { a.Rates.Command = math.Inf(1) }, "the rate of each command"},
		{"rate not a number", func(a *relation.App) { a.Rates.Special["x"] = math.NaN() }, `the rate of command "x"`},
		{"rate of nothing", func(a *relation.App) { a.Rates.Special[""] = 1 }, "rates: "},
		{"URL", func(a *relation.App) { a.Callback.URL = "ftp://u:hunter2@h/" }, "callback URL must start"},
		{"token", func(a *relation.App) { a.Callback.Token = "a b" }, "the callback token must"},
		{"timeout below", func(a *relation.App) { a.Callback.TimeoutMS = 99 }, "the callback timeout must"},
		{"timeout above", func(a *relation.App) { a.Callback.TimeoutMS = 60_001 }, "the callback timeout must"},
		{"concurrency", func(a *relation.App) { a.Callback.Concurrency = 1025 }, "the callback concurrency must"},
		{
			"command", func(a *relation.App) { a.Callback.Off = []relation.EventKind{"Sns.X"} },
			`there is no callback command "Sns.X"; the commands are Sns.CallbackBlackListAdd, Sns.CallbackBlackListDelete, State.StateChange`,
		},
		{"command on", func(a *relation.App) { a.Callback.On = []relation.EventKind{"Sns.X"} }, `there is no callback command "Sns.X"`},
		{
			"off what is off", func(a *relation.App) { a.Callback.Off = []relation.EventKind{relation.EventState} },
			`callback command "State.StateChange" is off by itself`,
		},
		{
			"on what is on", func(a *relation.App) { a.Callback.On = []relation.EventKind{relation.EventBlockAdd} },
			`callback command "Sns.CallbackBlackListAdd" is on by itself`,
		},
		{"devices below", func(a *relation.App) { a.DevicesPerPlatform = -1 }, "the devices per platform must be"},
		{"devices above", func(a *relation.App) { a.DevicesPerPlatform = 21 }, "the devices per platform must be"},
		{"origin", func(a *relation.App) { a.WebOrigins[0] = "https://x/" }, `web origin "https://x/" must end after`},
		{"origin twice", func(a *relation.App) { a.WebOrigins[1] = a.WebOrigins[0] }, `web origin "https://chat.example.net" is named twice`},
		{"origin with a password", func(a *relation.App) { a.WebOrigins[1] = "https://u:hunter2@x" }, "web origin 2 must hold no user name"},
		{"101 origins", func(a *relation.App) {
			for n := range 99 {
				a.WebOrigins = append(a.WebOrigins, fmt.Sprintf("https://x%d", n))
			}
		}, "an app has at most 100 web origins, not 101"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			app := valid()
			test.spoil(app)
			err := apps.Check(app, webhook.ValidateURL)
			var invalid *apps.InvalidError
			if !errors.As(err, &invalid) || !errors.Is(err, relation.ErrParameter) {
				t.Fatalf("err = %v, want an InvalidError", err)
			}
			if len(invalid.Problems) != 1 || !strings.HasPrefix(invalid.Problems[0], test.wanted) {
				t.Errorf("problems %q, want one that begins %q", invalid.Problems, test.wanted)
			}
			for _, secret := range []string{app.Callback.Token, "hunter2", strings.Repeat("k", 15)} {
				if len(secret) > 1 && strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells a secret: %v", err)
				}
			}
		})
	}
}

func TestCheckTellsAllProblemsAtOnce(t *testing.T) {
	app := valid()
	app.Name, app.Admins, app.Callback.URL = "", nil, "x"
	var invalid *apps.InvalidError
	if !errors.As(apps.Check(app, webhook.ValidateURL), &invalid) || len(invalid.Problems) != 3 {
		t.Errorf("problems %q, want three", invalid)
	}
}
