package auth

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

const testApp = 1400000000

// testStart is when every test begins.
var testStart = time.Unix(1767225600, 0)

// registry is a set of apps.
type registry map[uint32]*relation.App

func (r registry) App(id uint32) (*relation.App, bool) {
	app, ok := r[id]
	return app, ok
}

// fixture is a Verifier with a clock that is moved by hand.
type fixture struct {
	*Verifier
	t   testing.TB
	now time.Time
}

func newFixture(t testing.TB, apps ...*relation.App) *fixture {
	f, known := &fixture{t: t, now: testStart}, registry{}
	for _, app := range apps {
		known[app.SDKAppID] = app
	}
	f.Verifier = New(Options{Apps: known, Now: func() time.Time { return f.now }})
	return f
}

// appWith returns the record of the test's app with these keys.
func appWith(keys ...string) *relation.App {
	app := &relation.App{SDKAppID: testApp}
	for _, k := range keys {
		app.Keys = append(app.Keys, relation.AppKey{Secret: k})
	}
	return app
}

// sign makes a ticket of the test's app that lives a minute and was issued so many seconds ago.
func (f *fixture) sign(key, userID string, ago int64) string {
	f.t.Helper()
	sig, err := usersig.Sign(key, usersig.Ticket{
		SDKAppID: testApp, Identifier: userID, Issued: f.now.Unix() - ago, Expire: 60,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return sig
}

// code is the code of a failure, OK for nil, and -1 for an error that is no Failure.
func code(err error) api.Code {
	if err == nil {
		return api.OK
	}
	if f, ok := errors.AsType[Failure](err); ok {
		return f.Code
	}
	return -1
}

func TestApp(t *testing.T) {
	disabled := &relation.App{SDKAppID: 2, Disabled: true} // without a key, too
	keyless := &relation.App{SDKAppID: 3}
	f := newFixture(t, appWith("key"), disabled, keyless)
	for id, want := range map[uint32]api.Code{
		testApp: api.OK, 0: api.CodeAppUnknown, 1: api.CodeAppUnknown, 2: api.CodeAppDisabled, 3: api.CodeNoKey,
	} {
		app, err := f.App(id)
		if code(err) != want || (app != nil) != (want == api.OK) {
			t.Errorf("app %d: got %v, %v, want code %d", id, app, err, want)
		}
	}
}

func TestVerify(t *testing.T) {
	f := newFixture(t)
	app := appWith("k-new", "", "k-old")
	sig := f.sign("k-old", "mira", 0)
	for _, tt := range []struct {
		name, userID, userSig string
		want                  api.Code
		key                   string
	}{
		{"newest key", "mira", f.sign("k-new", "mira", 0), api.OK, "k-new"},
		{"oldest key", "mira", sig, api.OK, "k-old"},
		{"last second", "mira", f.sign("k-new", "mira", 60), api.OK, "k-new"},
		{"no UserID", "", sig, api.CodeIdentifierMissing, ""},
		{"no ticket", "mira", "", api.CodeTicketEmpty, ""},
		{"broken", "mira", sig[1:], api.CodeTicketMalformed, ""},
		{"of somebody else", "rob", sig, api.CodeTicketIdentifier, ""},
		{"of another key", "mira", f.sign("dropped", "mira", 0), api.CodeTicketSignature, ""},
		{"expired", "mira", f.sign("k-old", "mira", 61), api.CodeTicketExpired, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ticket, key, err := f.Verify(app, tt.userID, tt.userSig)
			if code(err) != tt.want || key != tt.key {
				t.Fatalf("key %q, error %v, want %q and code %d", key, err, tt.key, tt.want)
			}
			if want := map[bool]string{true: tt.userID}[err == nil]; ticket.Identifier != want {
				t.Errorf("ticket of %q, want %q", ticket.Identifier, want)
			}
			if err != nil {
				wantNoSecret(t, err, tt.userSig)
			}
		})
	}
}

// wantNoSecret fails the test if the error quotes a part of the ticket, or a key.
func wantNoSecret(t *testing.T, err error, userSig string) {
	t.Helper()
	if part := userSig[min(len(userSig), 10):min(len(userSig), 40)]; part != "" && strings.Contains(err.Error(), part) {
		t.Errorf("ticket leaked: %v", err)
	}
	if strings.Contains(err.Error(), "k-") {
		t.Errorf("key leaked: %v", err)
	}
}

// TestVerifyWithoutKey: the record may have changed since App.
func TestVerifyWithoutKey(t *testing.T) {
	f := newFixture(t)
	if _, _, err := f.Verify(appWith(), "mira", f.sign("key", "mira", 0)); code(err) != api.CodeNoKey {
		t.Errorf("got %v, want code %d", err, api.CodeNoKey)
	}
}

// TestTooManyFailures: forged tickets get 70050 after the tenth in a minute, a genuine one always passes.
func TestTooManyFailures(t *testing.T) {
	f := newFixture(t)
	app := appWith("key")
	send := func(userID, userSig string, want api.Code) {
		t.Helper()
		if _, _, err := f.Verify(app, userID, userSig); code(err) != want {
			t.Fatalf("got %v, want code %d", err, want)
		}
	}
	for range maxFailures {
		send("mira", "junk", api.CodeTicketMalformed)
	}
	send("mira", "junk", api.CodeTooManyFailures)
	send("mira", f.sign("key", "rob", 0), api.CodeTooManyFailures)
	send("mira", f.sign("other", "mira", 0), api.CodeTooManyFailures)
	send("rob", "junk", api.CodeTicketMalformed)   // other accounts are not concerned
	send("mira", f.sign("key", "mira", 0), api.OK) // its owner is not locked out
	send("mira", "", api.CodeTicketEmpty)          // nothing was forged
	f.now = testStart.Add(failureWindow - 1)
	send("mira", "junk", api.CodeTooManyFailures)
	f.now = testStart.Add(failureWindow) // the minute is over
	send("mira", "junk", api.CodeTicketMalformed)
	expired := f.sign("key", "mira", 0)
	f.now = f.now.Add(time.Hour)
	for range 2 * maxFailures { // genuine, so not counted
		send("mira", expired, api.CodeTicketExpired)
	}
	send("mira", "junk", api.CodeTicketMalformed)
}

func TestFailuresAreBounded(t *testing.T) {
	var f failures
	for i := range maxFailing + 100 {
		f.tooMany(account{1, fmt.Sprint(i)}, testStart)
	}
	f.tooMany(account{1, strings.Repeat("x", 33)}, testStart)
	if len(f.counts) != maxFailing {
		t.Fatalf("%d accounts counted, want %d", len(f.counts), maxFailing)
	}
}

// TestTimeFailure: what CheckTime finds gets its code; nothing else is touched.
func TestTimeFailure(t *testing.T) {
	ticket := usersig.Ticket{Issued: testStart.Unix(), Expire: 60}
	other := errors.New("other")
	for _, tt := range []struct {
		err  error
		want api.Code
	}{
		{ticket.CheckTime(testStart, testStart.Unix()), api.OK},
		{ticket.CheckTime(testStart, testStart.Unix()+1), api.CodeTicketRevoked},
		{ticket.CheckTime(testStart.Add(61*time.Second), 0), api.CodeTicketExpired},
		{other, -1},
	} {
		if got := TimeFailure(tt.err); code(got) != tt.want {
			t.Errorf("%v: got %v, want code %d", tt.err, got, tt.want)
		}
	}
	if got := TimeFailure(other); !errors.Is(got, other) {
		t.Errorf("got %v, want it as it was", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	f := newFixture(t, appWith("key"))
	sig := f.sign("key", "mira", 0)
	done := make(chan error)
	for i := range 8 {
		go func() {
			app, err := f.App(testApp)
			if err == nil && i%2 == 0 {
				_, _, err = f.Verify(app, "mira", sig)
			} else if err == nil {
				_, _, _ = f.Verify(app, "mira", "junk")
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
