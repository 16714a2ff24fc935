package storetest

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func appTests() []test {
	return []test{
		{name: "create, update and list", run: appLife},
		{name: "a record comes back whole", run: appWhole},
		{name: "admins are imported", run: adminsImported},
		{name: "apps that exist, apps that do not", run: appErrors},
		{name: "delete takes everything along", run: deleteApp},
		{name: "delete goes on after a restart", run: deleteAppRestart},
	}
}

// appIDs returns the apps' ids in the order of the answer.
func appIDs(x *fixture) []uint32 {
	x.Helper()
	apps, err := x.Apps(x.ctx)
	x.ok("apps", err)
	var ids []uint32
	for _, app := range apps {
		ids = append(ids, app.SDKAppID)
	}
	return ids
}

func appLife(x *fixture) {
	for _, id := range []uint32{math.MaxUint32, 1, 20, 3} {
		x.create(id)
	}
	equal(x, "apps", appIDs(x), []uint32{1, 3, 20, appID, math.MaxUint32})
	app := newApp(20, x.clock.Now())
	app.Disabled, app.Name = true, "renamed"
	x.ok("update", x.UpdateApp(x.ctx, app))
	x.ok("delete", x.DeleteApp(x.ctx, 3))
	for range 2 {
		equal(x, "apps", appIDs(x), []uint32{1, 20, appID, math.MaxUint32})
		apps, err := x.Apps(x.ctx)
		x.ok("apps", err)
		equal(x, "updated app", text(apps[1]), text(app))
		equal(x, "another app", text(apps[2]), text(x.app))
		x.restart()
	}
}

func appWhole(x *fixture) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	app := relation.App{
		SDKAppID: 7, Name: `a "name" with ' and \ and é`, Disabled: true, Created: now, Updated: now.Add(time.Hour),
		Keys: []relation.AppKey{
			{Secret: "f7f1a6a2f2d8f2c5f0c1f8c8e5b3f9a1d6f4b2e0c8a6947261504938271605f4", Created: now.Add(time.Hour)},
			{Secret: `"'\ $1 ?1 {}`, Created: now},
		},
		Admins:         []string{"administrator", "second admin"},
		BlocklistLimit: 3000,
		Rates:          relation.Rates{App: 1.5, Command: 100, Special: map[string]float64{"black_list_add": 0.25}},
		Callback: relation.Callback{
			URL: "https://example.com/cb?a=b&c=%2F", Token: `to"k'en\`, Off: []relation.EventKind{relation.EventBlockAdd},
			TimeoutMS: 1234, Retry: relation.RetryOff, Concurrency: 9,
		},
	}
	x.ok("create", x.CreateApp(x.ctx, app))
	for range 2 {
		apps, err := x.Apps(x.ctx)
		x.ok("apps", err)
		equal(x, "record", text(apps[0]), text(app))
		app.Callback, app.Rates, app.Keys = relation.Callback{}, relation.Rates{}, app.Keys[:1]
		x.ok("update", x.UpdateApp(x.ctx, app))
		x.restart()
	}
	apps, err := x.Apps(x.ctx)
	x.ok("apps", err)
	equal(x, "record", text(apps[0]), text(app))
}

func adminsImported(x *fixture) {
	equal(x, "admin of a new app", x.imported("administrator", "second"), []bool{true, false})
	x.importAll("alice")
	x.block("administrator", "alice")
	app := *x.app
	app.Admins = []string{"second", "administrator", "alice"}
	x.ok("update", x.UpdateApp(x.ctx, app))
	equal(x, "admins", x.imported("administrator", "second"), []bool{true, true})
	equal(x, "list of an admin", x.list("administrator"), []string{"alice"})
	app.Admins = []string{"second"}
	x.ok("update", x.UpdateApp(x.ctx, app))
	equal(x, "who is admin no more", x.imported("administrator", "alice"), []bool{true, true})
	app.SDKAppID = 7
	app.Admins = nil
	x.ok("create without admins", x.CreateApp(x.ctx, app))
}

func appErrors(x *fixture) {
	app := newApp(appID, x.clock.Now())
	app.Name = "another"
	app.Admins = []string{"intruder"}
	want := func(what string, err, target error) {
		x.Helper()
		if !errors.Is(err, target) {
			x.Fatalf("%s: got error %v, want %v", what, err, target)
		}
	}
	want("create again", x.CreateApp(x.ctx, app), relation.ErrAppExists)
	app.SDKAppID = 7
	want("update", x.UpdateApp(x.ctx, app), relation.ErrNoApp)
	want("delete", x.DeleteApp(x.ctx, 7), relation.ErrNoApp)
	equal(x, "apps", appIDs(x), []uint32{appID})
	apps, err := x.Apps(x.ctx)
	x.ok("apps", err)
	equal(x, "record", text(apps[0]), text(x.app))
	equal(x, "admin of a refused record", x.imported("intruder"), []bool{false})
	x.ok("delete", x.DeleteApp(x.ctx, appID))
	want("delete again", x.DeleteApp(x.ctx, appID), relation.ErrNoApp)
	// A call that began before must change nothing: the id may be somebody else's next.
	want("change of a deleted app", x.Apply(x.ctx, relation.Scope{SDKAppID: appID, Accounts: []string{"late"}},
		func(relation.Snapshot) relation.Change {
			x.Error("a decision ran for a deleted app")
			return relation.Change{}
		}), relation.ErrNoApp)
	want("update a deleted app", x.UpdateApp(x.ctx, *x.app), relation.ErrNoApp)
	equal(x, "apps", appIDs(x), nil)
}

// fill puts accounts, lists, waiting events and dead letters into the fixture's app.
func fill(x *fixture) {
	x.Helper()
	owners := names("owner", 110)
	targets := names("target", 210)
	x.importAll(owners...)
	x.importAll(targets...)
	x.block("owner0000", targets...)
	for _, target := range []string{"target0000", "owner0001"} {
		together(x, len(owners), func(ctx context.Context, i int) error {
			_, err := x.svc.Block(ctx, x.command(owners[i], []string{target}))
			return err
		})
	}
	var settlements []relation.Settlement
	for _, h := range x.heads(far, 100)[:80] {
		settlements = append(settlements, x.verdict(relation.Dead, h.Event))
	}
	x.settle(settlements...)
	x.ok("kick", x.svc.Kick(x.ctx, x.app.SDKAppID, "owner0000"))
}

// recreate waits until the fixture's app is gone for good, makes it anew, and wants nothing left of the old one.
func recreate(x *fixture) {
	x.Helper()
	x.until("the id of the deleted app is free", func() bool {
		err := x.CreateApp(x.ctx, newApp(x.app.SDKAppID, x.clock.Now()))
		if err != nil && !errors.Is(err, relation.ErrAppExists) {
			x.Fatalf("create: %v", err)
		}
		return err == nil
	})
	equal(x, "imported", x.imported("owner0000", "target0000"), make([]bool, 2))
	equal(x, "heads", x.heads(far, 100), nil)
	equal(x, "dead letters", x.letters(100), nil)
	for _, s := range x.stats() {
		if s.SDKAppID == x.app.SDKAppID {
			x.Fatalf("stats of the new app: %+v", s)
		}
	}
	x.importAll("owner0000", "target0000")
	equal(x, "list", x.page("owner0000", 0, 10), relation.BlockPage{})
	equal(x, "queue", x.queue("owner0000"), nil)
	at, err := x.KickedAt(x.ctx, x.app.SDKAppID, "owner0000")
	x.ok("kicked at", err)
	equal(x, "kicked at", at, 0)
	equal(x, "block", x.block("owner0000", "target0000"), []relation.Outcome{relation.Done})
	equal(x, "heads", len(x.heads(far, 100)), 1)
}

func deleteApp(x *fixture) {
	x.importAll("owner0000", "target0000")
	x.block("owner0000", "target0000")
	first := x.app
	x.app = x.create(7)
	fill(x)
	x.ok("delete", x.DeleteApp(x.ctx, 7))
	equal(x, "apps", appIDs(x), []uint32{appID})
	recreate(x)
	x.app = first
	equal(x, "list in another app", x.list("owner0000"), []string{"target0000"})
	equal(x, "heads in another app", len(x.heads(far, 10)), 1)
}

func deleteAppRestart(x *fixture) {
	fill(x)
	x.ok("delete", x.DeleteApp(x.ctx, appID))
	x.restart()
	equal(x, "apps", appIDs(x), nil)
	recreate(x)
}
