package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/gateway"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/restapi"
	"github.com/kithchat/kith/usersig"
)

// refused sends a login that must be refused with a code, and checks that the connection is closed with the error's refusal.
func refused(c *client, p api.LoginParams, code api.Code, why api.Refusal) {
	c.t.Helper()
	frame := c.call(api.MethodLogin, p)
	if frame.Error == nil || frame.Error.Code != code || frame.Error.Data.Refusal != why {
		c.t.Errorf("answer %s %+v, want code %d, refusal %d", frame.Result, frame.Error, code, why)
	}
	if got := c.end(); got != why {
		c.t.Errorf("closed with %d, want %d", got, why)
	}
}

// TestTheLeakDetectorWorks: a fixture that cannot see a leak proves nothing.
func TestTheLeakDetectorWorks(t *testing.T) {
	for _, secret := range []string{ticket("mira.k", time.Now(), time.Hour), testKey} {
		if !leaks(`level=INFO msg="it is ` + secret + `"`) {
			t.Errorf("%s passes", secret)
		}
	}
}

func TestOrigins(t *testing.T) {
	allowed := []string{
		"https://chat.example.net", "https://*.example.org", "http://localhost:3000", "http://[::1]:8080", "https://*.example.com:8443",
	}
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.updateApp(func(app *relation.App) { app.WebOrigins = allowed })
		for origin, want := range map[string]bool{
			"":                                   true, // no browser
			"https://chat.example.net":           true,
			"HTTPS://Chat.Example.net":           true,
			"http://chat.example.net":            false,
			"https://chat.example.net:444":       false,
			"https://chat.example.net.evil.com":  false,
			"https://evil.com/chat.example.net":  false,
			"https://a.example.org":              true,
			"https://a.b.example.org":            true,
			"https://example.org":                false,
			"https://evilexample.org":            false,
			"https://a.example.org:8443":         false,
			"https://a.example.com:8443":         true,
			"https://a.example.com":              false,
			"http://localhost:3000":              true,
			"http://localhost":                   false,
			"http://[::1]:8080":                  true,
			"http://[::2]:8080":                  false,
			"null":                               false,
			"file://":                            false,
			"https://":                           false,
			"*":                                  false,
			"https://*.example.org@evil.com":     false,
			"https://evil.com#https://x.org":     false,
			"chrome-extension://chat.example.ne": false,
		} {
			t.Log(origin)
			c := b.from(home, origin)
			if want {
				must[api.LoginResult](c, api.MethodLogin, loginOf("mira.k", "tab-1"))
			} else {
				refused(c, loginOf("mira.k", "tab-1"), api.CodeNotAdmin, api.RefusalOrigin)
			}
		}
	})
}

func TestAnyOriginWhereNoneIsNamed(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		must[api.LoginResult](b.from(home, "null"), api.MethodLogin, loginOf("mira.k", "tab-1"))
	})
}

// TestReplayedLogin: the ticket of another session that is still there, on the same connection and on another one.
func TestReplayedLogin(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		p := loginOf("mira.k", "tab-1")
		c := b.enters(p)
		other := loginOf("rob", "tab-1")
		for _, again := range []api.LoginParams{p, other} { // nobody becomes somebody else by a second login
			if frame := c.call(api.MethodLogin, again); frame.Error == nil || frame.Error.Data.Refusal != api.RefusalMethod {
				t.Errorf("a second login: %s %+v", frame.Result, frame.Error)
			}
		}
		if info := must[api.SessionInfo](c, api.MethodSessionGet, nil); info.UserID != "mira.k" || len(info.Devices) != 1 {
			t.Errorf("after it: %+v", info)
		}
		thief := b.enters(p) // whoever has the ticket is the user, but the owner sees it
		if code := c.end(); code != api.RefusalReplaced {
			t.Errorf("the older connection ended with %d", code)
		}
		b.pass(time.Second)
		b.must(b.service.Kick(t.Context(), testApp, "mira.k"))
		if code := thief.end(); code != api.RefusalRevoked {
			t.Errorf("kicked with %d", code)
		}
		refused(b.from(home, ""), p, api.CodeTicketRevoked, api.RefusalRevoked)
	})
}

// TestForgedTickets: what else a ticket can be than good. The transcript refused.txt has the texts.
func TestForgedTickets(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		_, err := b.apps.Create(t.Context(), appOf(1600077124, "the-key-of-another-app-02"))
		b.must(err)
		sign := func(key string, k usersig.Ticket) string {
			k.Issued, k.Expire = time.Now().Unix(), 3600
			sig, err := usersig.Sign(key, k)
			b.must(err)
			return sig
		}
		mine := usersig.Ticket{SDKAppID: testApp, Identifier: "mira.k"}
		theirs := usersig.Ticket{SDKAppID: 1600077124, Identifier: "mira.k"}
		good := sign(testKey, mine)
		for name, tt := range map[string]struct {
			sig  string
			code api.Code
			why  api.Refusal
		}{
			"of the other app":                {sign("the-key-of-another-app-02", theirs), api.CodeTicketSDKAppID, api.RefusalTicket},
			"of the other app with our key":   {sign(testKey, theirs), api.CodeTicketSDKAppID, api.RefusalTicket},
			"for our app with the other key":  {sign("the-key-of-another-app-02", mine), api.CodeTicketSignature, api.RefusalKeyDropped},
			"of a name that differs in case":  {sign(testKey, usersig.Ticket{SDKAppID: testApp, Identifier: "Mira.k"}), api.CodeTicketIdentifier, api.RefusalTicket},
			"cut":                             {good[:len(good)-4], api.CodeTicketMalformed, api.RefusalTicket},
			"twice":                           {good + good, api.CodeTicketMalformed, api.RefusalTicket},
			"the key itself":                  {testKey, api.CodeTicketMalformed, api.RefusalTicket},
			"longer than any ticket could be": {strings.Repeat("eJ", 20_000), api.CodeTicketMalformed, api.RefusalTicket},
		} {
			p := loginOf("mira.k", "tab-1")
			p.UserSig = tt.sig
			t.Log(name)
			refused(b.from(home, ""), p, tt.code, tt.why)
		}
	})
}

// TestFailuresCountForBothDoors: tickets refused by REST and by the gateway count together, and a genuine one is let in.
func TestFailuresCountForBothDoors(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		verifier := auth.New(auth.Options{Apps: b.apps})
		rest := restapi.New(restapi.Options{Service: b.service, Apps: b.apps, Kicks: b.store, Auth: verifier})
		shared := b.options(func(o *gateway.Options) { o.Auth = verifier })
		b.g.Stop(t.Context())
		b.g = gateway.New(shared)
		b.told.Store(b.g)
		b.http.Config.Handler = b.g
		forged := loginOf("mira.k", "tab-1")
		forged.UserSig = ticket("rob", time.Now(), time.Hour)
		for range 5 {
			refused(b.from(home, ""), forged, api.CodeTicketIdentifier, api.RefusalTicket)
			target := "/v4/sns/black_list_get?sdkappid=1600077123&identifier=mira.k&contenttype=json&usersig=" + forged.UserSig
			rest.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, target, strings.NewReader("{}")))
		}
		refused(b.from(home, ""), forged, api.CodeTooManyFailures, api.RefusalFailures)
		must[api.LoginResult](b.from(home, ""), api.MethodLogin, loginOf("mira.k", "tab-1"))
		b.pass(time.Minute)
		refused(b.from(home, ""), forged, api.CodeTicketIdentifier, api.RefusalTicket)
	})
}
