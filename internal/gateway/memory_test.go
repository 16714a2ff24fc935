package gateway_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/gateway"
)

// blockMany blocks the first n of many accounts, as a REST call would.
func (f *fixture) blockMany(owner string, n int) {
	f.t.Helper()
	f.restBlock(owner, many(n)...)
}

func many(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("somebody-with-a-long-name-%04d", i)
	}
	return names
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The history of many users takes what it may take, by its own count and really, and who was idle longest is forgotten first.
func TestHistoryIsBounded(t *testing.T) {
	const limit, users, targets = 1 << 20, 60, 300
	f := newFixture(t, func(o *gateway.Options) { o.History = limit })
	f.imports(many(targets)...)
	before := heap()
	positions := make([]api.BlocklistPosition, users)
	for i := range users {
		user := fmt.Sprintf("user%d", i)
		c, news := f.login(user, "tab")
		positions[i] = news.Blocklist.BlocklistPosition
		f.blockMany(user, targets) // about 30 KB
		must[struct{}](c, api.MethodLogout, nil)
		c.end()
		if used, _ := f.g.Kept(); used > limit {
			t.Fatalf("after %d users the history counts %d bytes, the limit is %d", i+1, used, limit)
		}
	}
	if used, _ := f.g.Kept(); used < limit/2 {
		t.Errorf("only %d bytes are used", used)
	}
	if grown := heap() - before; grown > 2*limit {
		t.Errorf("the heap grew by %d bytes, the limit is %d", grown, limit)
	}
	for i, want := range map[int]bool{0: true, users / 3: true, users - 1: false, users - 10: false} {
		if _, news := f.resume(fmt.Sprintf("user%d", i), "tab", positions[i]); news.Reload != want {
			t.Errorf("user %d: reload %t, want %t", i, news.Reload, want)
		}
	}
}

// Histories of connected users count too: when they alone are too much, the newest changes are not kept, and still told.
func TestHistoryOfConnectedUsersIsBounded(t *testing.T) {
	const limit, users, targets = 100 << 10, 8, 300
	f := newFixture(t, func(o *gateway.Options) { o.History = limit })
	f.imports(many(targets)...)
	for i := range users {
		user := fmt.Sprintf("user%d", i)
		c, _ := f.login(user, "tab")
		f.blockMany(user, targets)
		if got := decode[api.BlocklistChange](t, c.notification(api.NotifyBlocklistChanged)); len(got.Added) != targets {
			t.Errorf("%s was told of %d", user, len(got.Added))
		}
		if used, _ := f.g.Kept(); used > limit {
			t.Fatalf("after %d users the history counts %d bytes, the limit is %d", i+1, used, limit)
		}
	}
}

// Users that came once are forgotten, however many they are.
func TestIdleUsersAreForgotten(t *testing.T) {
	const limit, users = 50 << 10, 400
	f := newFixture(t, func(o *gateway.Options) { o.History = limit })
	for i := range users {
		c, _ := f.login(fmt.Sprintf("user%d", i), "tab")
		must[struct{}](c, api.MethodLogout, nil)
		c.end()
	}
	if used, known := f.g.Kept(); used > limit || known > 110 || known < 50 {
		t.Errorf("%d users are known with %d bytes", known, used)
	}
}

// One list's history is bounded by itself, whatever memory there is.
func TestOneHistoryIsBounded(t *testing.T) {
	f := newFixture(t, nil)
	f.imports(append(many(600), "rob")...)
	_, news := f.login("mira.k", "tab")
	at := news.Blocklist.BlocklistPosition
	for range 4 { // about 60 KB each, and 40
		f.blockMany("mira.k", 600)
		f.restUnblock("mira.k", many(600)...)
	}
	if used, _ := f.g.Kept(); used > 96<<10 {
		t.Errorf("one history counts %d bytes", used)
	}
	at.Sequence = 7
	if _, news := f.resume("mira.k", "tab", at); news.Reload || len(news.Changes) != 1 {
		t.Errorf("the newest change is not kept: %d changes, reload %t", len(news.Changes), news.Reload)
	}
	at.Sequence = 2
	if _, news := f.resume("mira.k", "tab", at); !news.Reload {
		t.Errorf("%d changes are kept", len(news.Changes))
	}
}
