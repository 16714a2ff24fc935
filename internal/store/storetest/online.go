package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kithchat/kith/internal/relation"
)

func onlineTests() []test {
	return []test{
		{name: "devices come and go", run: devicesComeAndGo},
		{name: "devices of many apps", run: devicesOfManyApps},
		{name: "a device leaves and comes in one change", run: deviceReplaced},
		{name: "devices of a deleted account", run: deviceOfDeleted},
		{name: "devices of a deleted app", run: deviceOfDeletedApp},
		{name: "many devices at once", run: devicesAtOnce},
		{name: "what a state event tells", run: stateEvents},
	}
}

// online returns the devices recorded, of all apps.
func (x *fixture) online() []relation.OnlineDevice {
	x.Helper()
	var devices []relation.OnlineDevice
	x.ok("online", x.Online(x.ctx, func(d relation.OnlineDevice) { devices = append(devices, d) }))
	slices.SortFunc(devices, compareOnline)
	of := make(map[relation.AccountKey][]relation.Device)
	for _, d := range devices {
		of[d.AccountKey] = append(of[d.AccountKey], d.Device)
	}
	for key, want := range of {
		got, err := x.OnlineOf(x.ctx, key)
		x.ok("devices of one account", err)
		equal(x, "devices of one account", got, want)
	}
	none, err := x.OnlineOf(x.ctx, relation.AccountKey{SDKAppID: appID, UserID: "nobody at all"})
	x.ok("devices of nobody", err)
	equal(x, "devices of nobody", len(none), 0)
	return devices
}

func device(id, platform string) relation.Device {
	return relation.Device{ID: id, Origin: relation.Origin{ClientIP: "2001:db8::" + fmt.Sprint(len(platform)), Platform: platform}}
}

func (x *fixture) stateApp() *relation.App {
	app := *x.app
	app.Callback.On = []relation.EventKind{relation.EventState}
	return &app
}

func (x *fixture) enter(user string, d relation.Device, kicked ...relation.Device) relation.AccountHead {
	x.Helper()
	head, err := x.svc.Enter(x.ctx, relation.EnterCommand{App: x.app, UserID: user, Device: d, Kicked: kicked})
	x.ok("enter", err)
	return head
}

func (x *fixture) leave(user string, d relation.Device) {
	x.Helper()
	x.ok("leave", x.svc.Leave(x.ctx, relation.LeaveCommand{
		App: x.app, UserID: user, Device: d, Recorded: true, Action: relation.ActionLogout, Reason: relation.ReasonUnregister,
	}))
}

// wantOnline wants these devices of the fixture's app and no other.
func wantOnline(x *fixture, what string, want ...relation.OnlineDevice) {
	x.Helper()
	for i := range want {
		want[i].SDKAppID = x.app.SDKAppID
	}
	equal(x, what, x.online(), want)
}

func of(user string, d relation.Device) relation.OnlineDevice {
	return relation.OnlineDevice{AccountKey: relation.AccountKey{UserID: user}, Device: d}
}

func devicesComeAndGo(x *fixture) {
	wantOnline(x, "nobody")
	x.enter("bob", device("tab", "Web")) // nothing is recorded for an app that is not told
	wantOnline(x, "an app that is not told")
	x.app = x.stateApp()
	tab, phone, lower := device("tab", "Web"), device("Phone", "iOS"), device("phone", "Android")
	head := x.enter("alice", tab)
	equal(x, "imported by the login", x.imported("alice"), []bool{true})
	equal(x, "head", head, x.account("alice"))
	x.enter("alice", phone)
	x.enter("Alice", lower)
	x.enter("alice", lower)
	for range 2 {
		wantOnline(x, "recorded", of("Alice", lower), of("alice", phone), of("alice", lower), of("alice", tab))
		x.restart()
	}
	moved := device("tab", "Windows")
	x.enter("alice", moved, phone)
	wantOnline(x, "replaced", of("Alice", lower), of("alice", lower), of("alice", moved))
	x.leave("alice", lower)
	x.leave("alice", phone) // has left already
	wantOnline(x, "left", of("Alice", lower), of("alice", moved))
	x.leave("Alice", lower)
	x.leave("alice", tab)
	x.leave("nobody", tab)
	wantOnline(x, "all left")
}

func devicesOfManyApps(x *fixture) {
	first := x.app
	var want []relation.OnlineDevice
	for _, id := range []uint32{appID + 1, 7, appID} {
		x.app = first
		if id != appID {
			x.app = x.create(id)
		}
		x.app = x.stateApp()
		for _, user := range []string{"b", "a", "a ", "A", "_", "c"} {
			x.importAll("no device of " + user)
			for _, d := range []relation.Device{device("2", "Web"), device("10", "Web"), device("\"' $1?", "Mac"), device("a", "iPad")} {
				x.enter(user, d)
				row := of(user, d)
				row.SDKAppID = id
				want = append(want, row)
			}
		}
	}
	slices.SortFunc(want, compareOnline)
	equal(x, "devices of all apps", x.online(), want)
}

func deviceReplaced(x *fixture) {
	x.importAll("alice")
	phone, tablet := device("1", "iOS"), device("1", "iPad")
	scope := relation.Scope{SDKAppID: appID, Owner: "alice"}
	put := func(change relation.Change) {
		x.Helper()
		change.At = x.clock.Now()
		x.ok("apply", x.Apply(x.ctx, scope, func(relation.Snapshot) relation.Change { return change }))
	}
	put(relation.Change{Online: []relation.Device{phone}})
	put(relation.Change{Offline: []string{"1", "2"}, Online: []relation.Device{tablet}})
	wantOnline(x, "left, then came", of("alice", tablet))
	put(relation.Change{Online: []relation.Device{device("2", "Web"), device("2", "Mac")}})
	wantOnline(x, "came twice", of("alice", tablet), of("alice", device("2", "Mac")))
	put(relation.Change{Offline: []string{"1", "1", "2"}})
	wantOnline(x, "left twice")
	equal(x, "what changes nothing else tells nothing", len(x.journal.told()), 0)
}

func deviceOfDeleted(x *fixture) {
	x.app = x.stateApp()
	x.importAll("bob")
	tab, phone := device("tab", "Web"), device("phone", "iOS")
	for range 5 {
		x.enter("alice", tab)
		x.enter("alice", phone)
		x.enter("bob", tab)
		x.delete("alice")
		wantOnline(x, "the deleted account's are gone at once", of("bob", tab))
		x.importAll("alice")
		wantOnline(x, "they do not come back", of("bob", tab))
		x.enter("alice", phone)
		wantOnline(x, "one of its second life", of("alice", phone), of("bob", tab))
		x.restart()
	}
}

func deviceOfDeletedApp(x *fixture) {
	first := x.app
	x.app = x.create(7)
	x.app = x.stateApp()
	for _, user := range names("user", 230) {
		x.enter(user, device("tab", "Web"))
	}
	x.ok("delete", x.DeleteApp(x.ctx, 7))
	equal(x, "devices of a deleted app", x.online(), nil)
	x.until("the id of the deleted app is free", func() bool { return x.CreateApp(x.ctx, *x.app) == nil })
	equal(x, "devices of the new app", x.online(), nil)
	x.enter("user0000", device("phone", "iOS"))
	wantOnline(x, "device of the new app", of("user0000", device("phone", "iOS")))
	x.app = first
}

// devicesAtOnce has many calls about the same few devices share commits: the last word on each counts.
func devicesAtOnce(x *fixture) {
	const callers, rounds = 16, 20
	ids := names("user", 4)
	x.importAll(ids...)
	last := make([]relation.Device, callers) // zero: gone
	together(x, callers, func(ctx context.Context, i int) error {
		scope := relation.Scope{SDKAppID: appID, Owner: ids[i%len(ids)]}
		for round := range rounds {
			d := device(fmt.Sprint("device", i), strings.Repeat("x", round))
			err := x.Apply(ctx, scope, func(relation.Snapshot) relation.Change {
				if (i+round)%3 == 0 {
					last[i] = relation.Device{}
					return relation.Change{Offline: []string{d.ID}}
				}
				last[i] = d
				return relation.Change{Online: []relation.Device{d}}
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	var want []relation.OnlineDevice
	for i, d := range last {
		if d.ID != "" {
			want = append(want, of(ids[i%len(ids)], d))
		}
	}
	slices.SortFunc(want, compareOnline)
	wantOnline(x, "the last words", want...)
}

// stateEvents follows events of logins through the outbox.
func stateEvents(x *fixture) {
	x.app = x.stateApp()
	x.importAll("bob")
	phone, tab := device("phone", "iOS"), device("tab", "Web")
	x.enter("alice", phone)
	x.clock.advance(1e9)
	x.block("alice", "bob")
	x.clock.advance(1e9)
	x.enter("alice", tab, phone, device("pad", "iPad"))
	x.clock.advance(1e9)
	x.leave("alice", tab)
	want := []relation.NewEvent{
		{Kind: relation.EventState, Origin: phone.Origin, State: &relation.StateChange{Action: "Login", Reason: "Register"}},
		{Kind: relation.EventBlockAdd, Targets: []string{"bob"}, Origin: x.command("", nil).Origin},
		{Kind: relation.EventState, Origin: tab.Origin, State: &relation.StateChange{
			Action: "Login", Reason: "Register", Kicked: []string{"iOS", "iPad"},
		}},
		{Kind: relation.EventState, Origin: tab.Origin, State: &relation.StateChange{Action: "Logout", Reason: "Unregister"}},
	}
	x.restart()
	told := x.reported(len(want))
	events := x.queue("alice")
	for i := range want {
		equal(x, "event as told", told[i].NewEvent, want[i])
		equal(x, "event in the queue", events[i].NewEvent, want[i])
		head := x.heads(far, 1)[0]
		equal(x, "event as due", head.NewEvent, want[i])
		x.settle(x.verdict(relation.Dead, head.Event))
	}
	letters := x.letters(3)
	slices.Reverse(letters)
	for i := range want {
		equal(x, "dead letter", letters[i].NewEvent, want[i])
	}
}
