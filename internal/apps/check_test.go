package apps_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/leaktest"
	"github.com/kithchat/kith/internal/relation"
)

// bundle is a CA bundle; making one takes time.
var bundle = func() string { cert, _ := makeCertificate(); return cert }()

// valid is an app that uses every setting.
func valid() *relation.App {
	return &relation.App{
		SDKAppID: 7, Name: "shop Größe", Admins: []string{"ops", "root"}, BlocklistLimit: 100_000,
		Keys:  []relation.AppKey{{Secret: strings.Repeat("k", 16), Created: time.Unix(1, 0)}},
		Rates: relation.Rates{App: 10, Command: 0.5, Special: map[string]float64{"black_list_add": 3}},
		Callback: relation.Callback{
			URL: "https://[::1]:8443/hook?a=b", Token: leaktest.CallbackToken, TimeoutMS: 60_000, Concurrency: 1024,
			Off: []relation.EventKind{relation.EventBlockAdd, relation.EventBlockDelete},
			On:  []relation.EventKind{relation.EventState}, Retry: relation.RetryTimeouts, AppError: relation.AppErrorPark,
			MaxAttempts: 1000, MaxAgeMS: 30 * 24 * 3600 * 1000,
			SigningKeys: []relation.SigningKey{
				{ID: "a", Secret: leaktest.SigningKey, Created: time.Unix(1, 0)},
				{ID: "b", Secret: leaktest.SigningPair, Created: time.Unix(1, 0), Expires: time.Unix(2, 0)},
			},
			CA: bundle, MutualTLS: true, ClientCert: &relation.ClientCertificate{Cert: "c", Key: "k", NotAfter: time.Unix(9, 0)},
			Paused: &relation.Pause{Since: time.Unix(1, 0), By: relation.PausedByOperator, Reason: "moving house"},
		},
		Tokens:             []relation.AppToken{{ID: "t", Name: "laptop", Hash: "h", Created: time.Unix(1, 0)}},
		DevicesPerPlatform: 20, WebOrigins: []string{"https://chat.example.net", "https://*.example.net:8443"},
	}
}

func TestCheckAccepts(t *testing.T) {
	for name, change := range map[string]func(*relation.App){
		"every setting":          func(*relation.App) {},
		"capital scheme":         func(a *relation.App) { a.Callback.URL = "HTTPS://x/" },
		"no URL yet":             func(a *relation.App) { a.Callback.URL = "" },
		"listening":              func(a *relation.App) { a.Callback.URL, a.Callback.Listen = "", true },
		"no callback":            func(a *relation.App) { a.Callback = relation.Callback{} },
		"a second":               func(a *relation.App) { a.Callback.MaxAgeMS = 1000 },
		"a pause for no reason":  func(a *relation.App) { a.Callback.Paused.Reason = "" },
		"a pause by the backend": func(a *relation.App) { a.Callback.Paused.By = relation.PausedByEndpoint },
	} {
		app := valid()
		change(app)
		if err := apps.Check(app, checks); err != nil {
			t.Errorf("%s: %v", name, err)
		}
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
		{"key that looks sealed", func(a *relation.App) { a.Keys[0].Secret = "sealed:0123456789" }, "a secret key must not begin with sealed:"},
		{"token that looks sealed", func(a *relation.App) { a.Callback.Token = "sealed:v1:" }, "the callback token must not begin with sealed:"},
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
		{"token", func(a *relation.App) { a.Callback.Token = "a " + leaktest.CallbackToken }, "the callback token must"},
		{"retry policy", func(a *relation.App) { a.Callback.Retry = "on" }, "the retry policy must be failures, timeouts or off"},
		{"app error policy", func(a *relation.App) { a.Callback.AppError = "drop" }, "the app error policy must be retry, accept or park"},
		{"attempts below", func(a *relation.App) { a.Callback.MaxAttempts = -1 }, "the most attempts must be"},
		{"attempts above", func(a *relation.App) { a.Callback.MaxAttempts = 1001 }, "the most attempts must be"},
		{"age below", func(a *relation.App) { a.Callback.MaxAgeMS = 999 }, "the time for retries must be"},
		{"age above", func(a *relation.App) { a.Callback.MaxAgeMS = 30*24*3600*1000 + 1 }, "the time for retries must be"},
		{"six signing keys", func(a *relation.App) {
			for c := range 4 {
				a.Callback.SigningKeys = append(a.Callback.SigningKeys, relation.SigningKey{ID: fmt.Sprint(c), Secret: leaktest.SigningKey})
			}
		}, "an app has at most 5 signing keys"},
		{"signing key twice", func(a *relation.App) { a.Callback.SigningKeys[1].ID = "a" }, "this signing key is one of"},
		{"signing key without id", func(a *relation.App) { a.Callback.SigningKeys[1].ID = "" }, "a signing key has no id"},
		{"signing key", func(a *relation.App) { a.Callback.SigningKeys[1].Secret = "whsk_x" }, "the signing key is wrong: "},
		{"CA", func(a *relation.App) { a.Callback.CA = "hunter2" }, "the CA bundle has something else"},
		{
			"mutual TLS in clear", func(a *relation.App) { a.Callback.URL, a.Callback.CA = "http://x/", "" },
			"mutual TLS needs a callback URL that begins with https://",
		},
		{
			"CA in clear", func(a *relation.App) { a.Callback.URL, a.Callback.MutualTLS = "http://x/", false },
			"a CA bundle needs a callback URL that begins with https://",
		},
		{"URL and listen", func(a *relation.App) { a.Callback.Listen = true }, "callbacks go either to a URL or to who listens"},
		{"pause by nobody", func(a *relation.App) { a.Callback.Paused.By = "" }, "a pause is by operator or endpoint"},
		{"reason", func(a *relation.App) { a.Callback.Paused.Reason = " " }, "the reason of a pause must be"},
		{"name of a token", func(a *relation.App) { a.Tokens[0].Name = "a\nb" }, "the name of a token must be"},
		{"21 tokens", func(a *relation.App) { a.Tokens = make([]relation.AppToken, 21) }, "an app has at most 20 tokens"},
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
			err := apps.Check(app, checks)
			var invalid *apps.InvalidError
			if !errors.As(err, &invalid) || !errors.Is(err, relation.ErrParameter) {
				t.Fatalf("err = %v, want an InvalidError", err)
			}
			if len(invalid.Problems) != 1 || !strings.HasPrefix(invalid.Problems[0], test.wanted) {
				t.Errorf("problems %q, want one that begins %q", invalid.Problems, test.wanted)
			}
			leaktest.Check(t, "the error", err.Error())
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
	if !errors.As(apps.Check(app, checks), &invalid) || len(invalid.Problems) != 3 {
		t.Errorf("problems %q, want three", invalid)
	}
}
