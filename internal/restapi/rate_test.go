package restapi

import (
	"fmt"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

func TestRates(t *testing.T) {
	f := newFixture(t, &nullStore{}, nil)
	set := func(r relation.Rates) {
		app := testAppRecord(f.app)
		app.Rates = r
		f.apps.put(app)
	}
	del := func() api.Code { return f.call(deleteCmd, addABC).ErrorCode }
	check := func() api.Code { return f.call(existsCmd, `{"CheckItem":[{"UserID":"a"}]}`).ErrorCode }
	want := func(what string, got, want api.Code) {
		t.Helper()
		if got != want {
			t.Errorf("%s: code %d, want %d", what, got, want)
		}
	}
	for range 1000 {
		want("off by default", del(), api.OK)
	}

	set(relation.Rates{Command: 2})
	want("first", del(), api.OK)
	want("second", del(), api.OK)
	want("third", del(), api.CodeAPIRate)
	want("other command", check(), api.OK)
	f.clock.advance(500 * time.Millisecond)
	want("half a second later", del(), api.OK)
	want("and again", del(), api.CodeAPIRate)

	set(relation.Rates{Command: 2, Special: map[string]float64{"black_list_delete": 0}})
	want("special zero is no limit", del(), api.OK)

	set(relation.Rates{Special: map[string]float64{"account_check": 0.5}})
	f.clock.advance(10 * time.Second)
	want("less than one a second", check(), api.OK)
	want("less than one a second, again", check(), api.CodeAPIRate)
	f.clock.advance(2 * time.Second)
	want("two seconds later", check(), api.OK)
	want("without limit", del(), api.OK)

	set(relation.Rates{App: 1})
	want("app, first", del(), api.OK)
	want("app, other command", check(), api.CodeAppRate)
	set(relation.Rates{App: 5}) // a change does not refill the bucket
	want("app, raised", del(), api.CodeAppRate)
	f.clock.advance(200 * time.Millisecond)
	want("app, raised, later", del(), api.OK)
	set(relation.Rates{})
	want("off again", del(), api.OK)
}

// TestRatesCountOnlyAdmins: refused requests do not eat the app's allowance.
func TestRatesCountOnlyAdmins(t *testing.T) {
	f := newFixture(t, &nullStore{}, nil)
	app := testAppRecord(f.app)
	app.Rates = relation.Rates{App: 1}
	f.apps.put(app)
	user := fmt.Sprintf("/v4/%s?sdkappid=%d&identifier=bob&usersig=%s", deleteCmd, f.app, f.sign("bob", 60))
	for range 5 {
		f.wantCode(f.envelope(f.post(user, addABC)), api.CodeSnsAdmin)
		f.wantCode(f.envelope(f.post(user+"x", addABC)), api.CodeTicketMalformed)
	}
	f.wantCode(f.call(deleteCmd, addABC), api.OK)
	f.wantCode(f.call(deleteCmd, addABC), api.CodeAppRate)
}
