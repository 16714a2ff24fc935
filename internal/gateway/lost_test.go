package gateway_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// lose loses the answer to the next commit. "committed" loses it after it happened, "commit" before.
func (f *fixture) lose(step string) {
	var lost atomic.Bool
	fault := func(at string) error {
		if at == step && lost.CompareAndSwap(false, true) {
			return errors.New("the answer was lost")
		}
		return nil
	}
	f.fault.Store(&fault)
}

func TestAChangeWhoseAnswerWasLost(t *testing.T) {
	f := newFixture(t, nil)
	f.imports("rob", "tom")
	c, _ := f.login("mira.k", "tab")
	app, _ := f.apps.App(testApp)
	f.lose("committed")
	_, err := f.service.Block(t.Context(), relation.BlockCommand{App: app, Owner: "mira.k", Targets: []string{"rob"}})
	if !errors.Is(err, relation.ErrUnavailable) {
		t.Fatalf("the answer was not lost: %v", err)
	}
	if at := decode[api.BlocklistPosition](t, c.notification(api.NotifyBlocklistReload)); at.Sequence != 1 {
		t.Errorf("told to reload to %+v", at)
	}
	f.restBlock("mira.k", "tom")
	if got := decode[api.BlocklistChange](t, c.notification(api.NotifyBlocklistChanged)); got.Sequence != 2 {
		t.Errorf("told of %+v after 1", got)
	}
}

// A device's own call whose answer was lost, and the list it then reads.
func TestACallWhoseAnswerWasLost(t *testing.T) {
	f := newFixture(t, nil)
	f.imports("rob")
	c, _ := f.login("mira.k", "tab")
	f.lose("committed")
	answer := c.call(api.MethodBlocklistAdd, api.BlocklistTargets{ToAccount: []string{"rob"}})
	if answer.Error == nil || answer.Error.Data.Refusal != api.RefusalUnavailable {
		t.Fatalf("answer %+v", answer)
	}
	c.notification(api.NotifyBlocklistReload)
	page := must[api.BlocklistPage](c, api.MethodBlocklistGet, api.BlocklistGetParams{Limit: 10})
	if len(page.BlackListItem) != 1 || page.Sequence != 1 {
		t.Errorf("the list is %+v", page)
	}
}

func TestAKickWhoseAnswerWasLost(t *testing.T) {
	f := newFixture(t, nil)
	p := loginOf("mira.k", "tab")
	p.UserSig = ticket("mira.k", time.Now().Add(-time.Minute), time.Hour)
	c := f.dial(nil)
	must[api.LoginResult](c, api.MethodLogin, p)
	f.lose("committed")
	if err := f.service.Kick(t.Context(), testApp, "mira.k"); err == nil {
		t.Fatal("the answer was not lost")
	}
	c.ends(api.RefusalRevoked)
}

func TestADeletionWhoseAnswerWasLost(t *testing.T) {
	f := newFixture(t, nil)
	c, _ := f.login("mira.k", "tab")
	f.lose("committed")
	if _, err := f.service.Delete(t.Context(), relation.AccountSet{SDKAppID: testApp, UserIDs: []string{"mira.k"}}); err == nil {
		t.Fatal("the answer was not lost")
	}
	c.ends(api.RefusalDeleted)
}

// A login whose answer was lost may have been told. Whatever becomes of the device, each Login has one end.
func TestALoginWhoseAnswerWasLost(t *testing.T) {
	for _, step := range []string{"commit", "committed"} {
		happened := step == "committed"
		t.Run(step+", and it comes again", func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, b *bubble) {
				b.fails(step, loginOf("mira.k", "tab"))
				c := b.enters(loginOf("mira.k", "tab"))
				b.wantStates("mira.k", webLogin)
				b.must(c.ws.CloseNow())
				b.pass(time.Minute)
				b.wantStates("mira.k", webLogin, webClosed)
			})
		})
		t.Run(step+", and it does not come again", func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, b *bubble) {
				b.fails(step, loginOf("mira.k", "tab"))
				b.pass(time.Minute)
				want := []string{webLogin, webClosed}
				if !happened {
					want = nil
				}
				b.wantStates("mira.k", want...)
				b.wantRecorded()
			})
		})
		t.Run(step+", and it put another out", func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, b *bubble) {
				b.switchOn()
				first := b.enters(loginOf("mira.k", "first"))
				b.fails(step, loginOf("mira.k", "second"))
				b.pass(2 * time.Second)
				if happened {
					first.ends(api.RefusalKicked)
					b.wantStates("mira.k", webLogin, webLogin+" Web")
					b.wantRecorded("mira.k/second")
				} else {
					must[struct{}](first, api.MethodPing, nil)
					b.wantStates("mira.k", webLogin)
					b.wantRecorded("mira.k/first")
				}
			})
		})
	}
}

// fails logs in while the answer to the login's commit is lost.
func (b *bubble) fails(step string, p api.LoginParams) {
	b.t.Helper()
	b.imports(p.UserID)
	b.switchOn()
	b.lose(step)
	answer := b.from(home, "").call(api.MethodLogin, p)
	if answer.Error == nil || answer.Error.Data.Refusal != api.RefusalUnavailable {
		b.t.Fatalf("answer %+v", answer)
	}
}

func TestALogoutWhoseAnswerWasLost(t *testing.T) {
	for _, step := range []string{"commit", "committed"} {
		t.Run(step, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, b *bubble) {
				b.switchOn()
				c := b.enters(loginOf("mira.k", "tab"))
				b.lose(step)
				must[struct{}](c, api.MethodLogout, nil)
				b.pass(time.Minute)
				b.wantStates("mira.k", webLogin, webLogout)
				b.wantRecorded()
			})
		})
	}
}
