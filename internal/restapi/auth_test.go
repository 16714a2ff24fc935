package restapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

// countingKicks counts look-ups and answers a fixed time.
type countingKicks struct {
	lookups  atomic.Int64
	kickedAt int64
	err      error
}

func (k *countingKicks) KickedAt(context.Context, uint32, string) (int64, error) {
	k.lookups.Add(1)
	return k.kickedAt, k.err
}

// TestAuthenticationOrder walks the verification table: each row is right in all earlier checks and wrong in all later
// ones that it can be wrong in.
func TestAuthenticationOrder(t *testing.T) {
	f := newFixture(t, &nullStore{}, func(o *Options) { o.Kicks = &countingKicks{kickedAt: testStart.Unix() - 5} })
	disabled := testAppRecord(2)
	disabled.Disabled, disabled.Keys = true, nil
	f.apps.put(disabled)
	keyless := testAppRecord(3)
	keyless.Keys = nil
	f.apps.put(keyless)

	sign := func(key string, app uint32, userID string, issued, expire int64) string {
		sig, err := usersig.Sign(key, usersig.Ticket{SDKAppID: app, Identifier: userID, Issued: issued, Expire: expire})
		if err != nil {
			t.Fatal(err)
		}
		return "&usersig=" + sig
	}
	now := testStart.Unix()
	const app, admin = "sdkappid=1400000000", "&identifier=" + testAdmin
	tests := []struct {
		name, query string
		want        api.Code
	}{
		{"nothing", "", api.CodeSDKAppIDMissing},
		{"sdkappid empty", "sdkappid=", api.CodeSDKAppIDMissing},
		{"sdkappid not a number", "sdkappid=abc", api.CodeSDKAppIDMissing},
		{"sdkappid negative", "sdkappid=-1", api.CodeSDKAppIDMissing},
		{"sdkappid too large", "sdkappid=99999999999999999999", api.CodeAppUnknown},
		{"app unknown", "sdkappid=1", api.CodeAppUnknown},
		{"app disabled, without key", "sdkappid=2", api.CodeAppDisabled},
		{"app without key, no identifier", "sdkappid=3", api.CodeNoKey},
		{"identifier missing", app, api.CodeIdentifierMissing},                         // 52
		{"identifier empty", app + "&identifier=&usersig=", api.CodeIdentifierMissing}, // 52
		{"usersig missing", app + admin, api.CodeIdentifierMissing},                    // 52
		{"usersig empty", app + admin + "&usersig=", api.CodeTicketEmpty},
		{"usersig malformed", app + admin + "&usersig=abc", api.CodeTicketMalformed},
		{"other app and account", app + admin + sign("other", 9, "other", 1, 1), api.CodeTicketSDKAppID},
		{"other account", app + admin + sign("other", testApp, "other", 1, 1), api.CodeTicketIdentifier},
		{"other case of the account", app + "&identifier=Administrator" + sign(testKey, testApp, testAdmin, now, 60), api.CodeTicketIdentifier},
		{"other key, expired", app + admin + sign("other", testApp, testAdmin, 1, 1), api.CodeTicketSignature},
		{"expired a second ago, kicked", app + admin + sign(testKey, testApp, testAdmin, now-61, 60), api.CodeTicketExpired},
		{"issued before the kick", app + admin + sign(testKey, testApp, testAdmin, now-6, 60), api.CodeTicketRevoked}, // 55
		{"issued before the kick, no admin", app + "&identifier=bob" + sign(testKey, testApp, "bob", now-6, 60), api.CodeTicketRevoked},
		{"no admin", app + "&identifier=bob" + sign(testKey, testApp, "bob", now, 60), api.CodeSnsAdmin}, // 53
		{"last second", app + admin + sign(testKey, testApp, testAdmin, now-5, 5), api.OK},
		{"clock of the signer ahead", app + admin + sign(testKey, testApp, testAdmin, now+90, 60), api.OK},
		{"no random, no contenttype", app + admin + sign(testKey, testApp, testAdmin, now, 60), api.OK}, // 56
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f.t = t
			// Twice: what was remembered must not change the answer.
			for range 2 {
				f.wantCode(f.envelope(f.post("/v4/"+deleteCmd+"?"+tt.query, `{"From_Account":"bob","To_Account":["x"]}`)), tt.want)
			}
		})
	}
}

// TestNotAdmin: open questions 53 and 54. Acting on oneself is no exception.
func TestNotAdmin(t *testing.T) {
	f := newFixture(t, &nullStore{}, nil)
	query := fmt.Sprintf("sdkappid=%d&identifier=bob&usersig=%s", f.app, f.sign("bob", 60))
	sameJSON(t, f.post("/v4/"+addCmd+"?"+query, `{"From_Account":"bob","To_Account":["x"]}`),
		failSns(30004, "the identifier is not an admin of the app"))
	sameJSON(t, f.post("/v4/"+importCmd+"?"+query, `{"UserID":"x"}`),
		failLogin(70403, "the identifier is not an admin of the app"))
}

func TestTicketIsRemembered(t *testing.T) {
	kicks := &countingKicks{}
	f := newFixture(t, &nullStore{}, func(o *Options) { o.Kicks = kicks })
	target := f.target(existsCmd)
	send := func(want api.Code, lookups int64) {
		t.Helper()
		before := kicks.lookups.Load()
		f.wantCode(f.envelope(f.post(target, `{"CheckItem":[{"UserID":"a"}]}`)), want)
		if got := kicks.lookups.Load() - before; got != lookups {
			t.Errorf("%d kick look-ups, want %d", got, lookups)
		}
	}
	send(api.OK, 1)
	send(api.OK, 0)

	f.h.tickets.kicked() // somebody was kicked
	send(api.OK, 1)
	send(api.OK, 0)

	rotated := testAppRecord(f.app) // a new key beside the old one
	rotated.Keys = append([]relation.AppKey{{Secret: "new"}}, rotated.Keys...)
	f.apps.put(rotated)
	send(api.OK, 1)
	send(api.OK, 0)

	rotated.Keys = rotated.Keys[:1] // the old key goes
	f.apps.put(rotated)
	send(api.CodeTicketSignature, 0)

	f.apps.put(testAppRecord(f.app))
	send(api.OK, 1)
	noAdmin := testAppRecord(f.app)
	noAdmin.Admins = nil
	f.apps.put(noAdmin)
	send(api.CodeAccountAdmin, 1)

	f.apps.put(testAppRecord(f.app))
	send(api.OK, 1)
	f.clock.advance(86400 * time.Second)
	send(api.OK, 0) // the last second
	f.clock.advance(time.Second)
	send(api.CodeTicketExpired, 0)
}

// TestKickDuringVerification: a ticket whose kick time was read before a kick, and is remembered after it, does not count.
func TestKickDuringVerification(t *testing.T) {
	cache, app := newTickets(10), &relation.App{}
	key := ticketKey{1, "a", "sig"}
	epoch := cache.epoch()
	cache.kicked()
	cache.put(key, verified{app: app, epoch: epoch})
	if _, ok := cache.get(key, app); ok {
		t.Error("a ticket from before the kick is still remembered")
	}
	cache.put(key, verified{app: app, epoch: cache.epoch()})
	if _, ok := cache.get(key, app); !ok {
		t.Error("a ticket from after the kick is not remembered")
	}
}

// TestTicketCacheIsBounded: neither many tickets, nor long ones, nor those of plain users fill the memory.
func TestTicketCacheIsBounded(t *testing.T) {
	f := newFixture(t, &nullStore{}, func(o *Options) { o.TicketCache = 50 })
	app, _ := f.apps.App(f.app)
	check := func(userID, sig string) {
		t.Helper()
		if err := f.h.checkTicket(t.Context(), app, userID, sig); err != nil {
			t.Fatal(err)
		}
	}
	check("bob", f.sign("bob", 60))
	long, err := usersig.Sign(testKey, usersig.Ticket{
		SDKAppID: f.app, Identifier: testAdmin, Issued: testStart.Unix(), Expire: 60, UserBuf: randomish(2000),
	})
	if err != nil || len(long) <= maxCachedTicket {
		t.Fatalf("ticket of %d bytes: %v", len(long), err)
	}
	check(testAdmin, long)
	if n := f.h.tickets.cache.EstimatedSize(); n != 0 {
		t.Fatalf("%d tickets kept, want none", n)
	}
	for i := range 500 {
		check(testAdmin, f.sign(testAdmin, int64(60+i)))
	}
	if n := f.h.tickets.cache.EstimatedSize(); n == 0 || n > 50 {
		t.Fatalf("%d tickets kept, want 1 to 50", n)
	}
}

// randomish returns bytes that compress badly.
func randomish(n int) []byte {
	b, x := make([]byte, n), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// TestTooManyFailures: failing requests get 70050 after the tenth in a minute, a genuine ticket always passes.
func TestTooManyFailures(t *testing.T) {
	f := newFixture(t, &nullStore{}, nil)
	send := func(userID, sig string, want api.Code) {
		t.Helper()
		query := fmt.Sprintf("?sdkappid=%d&identifier=%s&usersig=%s", f.app, userID, sig)
		f.wantCode(f.envelope(f.post("/v4/"+existsCmd+query, `{"CheckItem":[{"UserID":"a"}]}`)), want)
	}
	for range 10 {
		send(testAdmin, "junk", api.CodeTicketMalformed)
	}
	send(testAdmin, "junk", api.CodeTooManyFailures)
	send(testAdmin, f.sign("bob", 60), api.CodeTooManyFailures)
	send("bob", "junk", api.CodeTicketMalformed)   // other accounts are not concerned
	send(testAdmin, f.sign(testAdmin, 60), api.OK) // the real admin is not locked out
	f.clock.advance(time.Minute - time.Nanosecond)
	send(testAdmin, "junk", api.CodeTooManyFailures)
	f.clock.advance(time.Nanosecond)
	send(testAdmin, "junk", api.CodeTicketMalformed)

	expired := f.sign(testAdmin, 1)
	f.clock.advance(time.Hour)
	for range 20 {
		send(testAdmin, expired, api.CodeTicketExpired) // genuine, so not counted
	}
}

// TestRefusedTicketsCountTogether: with those that another door refused.
func TestRefusedTicketsCountTogether(t *testing.T) {
	f := newFixture(t, &nullStore{}, func(o *Options) { o.Auth = auth.New(auth.Options{Apps: o.Apps, Now: o.Now}) })
	app, err := f.h.auth.App(f.app)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, _, err := f.h.auth.Verify(app, testAdmin, "junk"); err == nil {
			t.Fatal("junk is a ticket")
		}
	}
	query := fmt.Sprintf("?sdkappid=%d&identifier=%s&usersig=junk", f.app, testAdmin)
	f.wantCode(f.envelope(f.post("/v4/"+existsCmd+query, `{}`)), api.CodeTooManyFailures)
}

// TestSecretsStayInside runs every failing path of authentication and searches log and answer for what must not leak.
func TestSecretsStayInside(t *testing.T) {
	f := newFixture(t, &nullStore{}, func(o *Options) { o.Kicks = &countingKicks{err: errors.New("disk on fire")} })
	sig := f.sign(testAdmin, 60)
	foreign := f.sign("bob", 60)
	var answers []string
	for _, query := range []string{
		"identifier=" + testAdmin + "&usersig=" + sig, // internal error
		"identifier=" + testAdmin + "&usersig=" + foreign,
		"identifier=" + testAdmin + "&usersig=" + sig[1:],
		"identifier=" + testAdmin + "&usersig=" + sig + "%zz",
		"identifier=bob&usersig=" + sig,
	} {
		answers = append(answers, string(f.post(fmt.Sprintf("/v4/%s?sdkappid=%d&%s", kickCmd, f.app, query), `{}`)))
	}
	all := strings.Join(answers, "\n") + f.log.String()
	for _, secret := range []string{testKey, sig[:40], sig[1:40], foreign[:40]} {
		if strings.Contains(all, secret) {
			t.Errorf("%q leaked:\n%s", secret, all)
		}
	}
	if strings.Contains(strings.Join(answers, ""), "disk on fire") || !strings.Contains(f.log.String(), "disk on fire") {
		t.Error("the reason of an internal error belongs into the log and nowhere else")
	}
}

// slowBody is a body during whose arrival something happens.
type slowBody struct {
	io.Reader
	meanwhile func()
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.meanwhile != nil {
		b.meanwhile()
		b.meanwhile = nil
	}
	return b.Reader.Read(p)
}

// change is an Isolation during whose wait something happens.
type change struct {
	turns
	meanwhile func()
}

func (c *change) Enter(ctx context.Context, sdkAppID uint32) error {
	c.meanwhile()
	return c.turns.Enter(ctx, sdkAppID)
}

// TestAppChangesBeforeTheCall: what counts is the app as it is when the call is carried out, and not when it began to arrive or
// to wait for its turn.
func TestAppChangesBeforeTheCall(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fixture, relation.App)
		want   api.Code
	}{
		"nothing changes": {func(*fixture, relation.App) {}, api.OK},
		"renamed":         {func(f *fixture, app relation.App) { app.Name = "other"; f.apps.put(app) }, api.OK},
		"disabled":        {func(f *fixture, app relation.App) { app.Disabled = true; f.apps.put(app) }, api.CodeAppDisabled},
		"deleted":         {func(f *fixture, app relation.App) { f.apps.remove(app.SDKAppID) }, api.CodeAppUnknown},
		"key dropped": {func(f *fixture, app relation.App) {
			app.Keys = []relation.AppKey{{Secret: "the-key-that-stayed"}}
			f.apps.put(app)
		}, api.CodeTicketSignature},
		"admin removed": {func(f *fixture, app relation.App) { app.Admins = []string{"boss"}; f.apps.put(app) }, api.CodeSnsAdmin},
	} {
		t.Run(name, func(t *testing.T) {
			for _, waits := range []bool{false, true} {
				store := &nullStore{}
				isolation := &change{turns: make(turns, 1), meanwhile: func() {}}
				f := newFixture(t, store, func(o *Options) { o.Isolation = isolation })
				body := &slowBody{Reader: strings.NewReader(addABC)}
				happens := func() { test.change(f, testAppRecord(f.app)) }
				if waits {
					isolation.meanwhile = happens
				} else {
					body.meanwhile = happens
				}
				f.wantCode(f.envelope(f.body(f.do(httptest.NewRequest(http.MethodPost, f.target(deleteCmd), body)))), test.want)
				if changed := store.changes.Load() > 0; changed != (test.want == api.OK) {
					t.Errorf("waits for its turn %t: changed %t, with code %d", waits, changed, test.want)
				}
				f.h.Wait()
				if len(isolation.turns) != 0 {
					t.Error("the turn was not given back")
				}
			}
		})
	}
}
