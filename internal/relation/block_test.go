package relation

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// at is the time of the calls.
var at = time.Unix(1767225600, 0)

// list is a small world to decide on: who is imported, and who is on mira's list.
type list struct {
	accounts []string
	blocked  []string
	limit    int
	off      bool // callbacks are off
}

func (l list) command(targets ...string) BlockCommand {
	app := &App{SDKAppID: 1600077123, BlocklistLimit: l.limit}
	if !l.off {
		app.Callback.URL = "http://127.0.0.1:9000/callback"
	}
	return BlockCommand{App: app, Owner: "mira.k", Targets: targets, Origin: Origin{ClientIP: "203.0.113.9", Platform: "RESTAPI"}}
}

func (l list) snapshot(targets ...string) Snapshot {
	snap := Snapshot{Owner: Owner{Exists: true, Blocks: len(l.blocked)}}
	for _, target := range targets {
		snap.Accounts = append(snap.Accounts, Account{
			Exists:  target == "mira.k" || slices.Contains(l.accounts, target),
			Blocked: slices.Contains(l.blocked, target),
		})
	}
	return snap
}

func TestDecideBlock(t *testing.T) {
	world := list{accounts: []string{"ann", "rob", "tom"}, blocked: []string{"tom"}}
	full := list{accounts: []string{"ann", "rob", "tom"}, blocked: []string{"tom"}, limit: 2}
	over := list{accounts: []string{"ann", "tom", "rob"}, blocked: []string{"tom", "rob"}, limit: 1}
	for _, tt := range []struct {
		name    string
		list    list
		targets []string
		want    []Outcome
		block   []string
	}{
		{"one", world, []string{"ann"}, []Outcome{Done}, []string{"ann"}},
		{"order of the request", world, []string{"rob", "ann"}, []Outcome{Done, Done}, []string{"rob", "ann"}},
		{"already listed", world, []string{"tom", "ann"}, []Outcome{AlreadyListed, Done}, []string{"ann"}},
		{"twice in one call", world, []string{"ann", "rob", "ann"}, []Outcome{Done, Done, AlreadyListed}, []string{"ann", "rob"}},
		{"oneself", world, []string{"mira.k", "ann"}, []Outcome{Self, Done}, []string{"ann"}},
		{"unknown", world, []string{"nobody", "Ann"}, []Outcome{UnknownAccount, UnknownAccount}, nil},
		{"full in mid-batch", full, []string{"ann", "rob"}, []Outcome{Done, ListFull}, []string{"ann"}},
		{"full, but listed", full, []string{"ann", "tom", "rob"}, []Outcome{Done, AlreadyListed, ListFull}, []string{"ann"}},
		{"more than a lowered limit", over, []string{"ann"}, []Outcome{ListFull}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			change, outcomes := decideBlock(tt.list.command(tt.targets...), tt.list.snapshot(tt.targets...), at)
			if !reflect.DeepEqual(outcomes, tt.want) {
				t.Errorf("outcomes %v, want %v", outcomes, tt.want)
			}
			want := Change{At: at, Block: tt.block, Events: event(EventBlockAdd, tt.block)}
			if !reflect.DeepEqual(change, want) {
				t.Errorf("change %+v, want %+v", change, want)
			}
		})
	}
}

func TestDecideUnblock(t *testing.T) {
	world := list{accounts: []string{"ann", "rob", "tom"}, blocked: []string{"tom", "rob"}}
	for _, tt := range []struct {
		name    string
		targets []string
		want    []Outcome
		unblock []string
	}{
		{"one", []string{"tom"}, []Outcome{Done}, []string{"tom"}},
		{"order of the request", []string{"rob", "tom"}, []Outcome{Done, Done}, []string{"rob", "tom"}},
		{"not listed", []string{"ann", "tom"}, []Outcome{NotListed, Done}, []string{"tom"}},
		{"twice in one call", []string{"tom", "tom"}, []Outcome{Done, NotListed}, []string{"tom"}},
		{"oneself", []string{"mira.k"}, []Outcome{NotListed}, nil},
		{"unknown", []string{"nobody"}, []Outcome{UnknownAccount}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			change, outcomes := decideUnblock(world.command(tt.targets...), world.snapshot(tt.targets...), at)
			if !reflect.DeepEqual(outcomes, tt.want) {
				t.Errorf("outcomes %v, want %v", outcomes, tt.want)
			}
			want := Change{At: at, Unblock: tt.unblock, Events: event(EventBlockDelete, tt.unblock)}
			if !reflect.DeepEqual(change, want) {
				t.Errorf("change %+v, want %+v", change, want)
			}
		})
	}
}

// event is the one event of a call that changed targets, none of a call that changed nothing.
func event(kind EventKind, targets []string) []NewEvent {
	if len(targets) == 0 {
		return nil
	}
	return []NewEvent{{Kind: kind, Targets: targets, Origin: Origin{ClientIP: "203.0.113.9", Platform: "RESTAPI"}}}
}

func TestPromise2OneEventForEachCallThatChangedSomething(t *testing.T) {
	names := []string{"ann", "rob", "tom", "lia", "mira.k", "nobody"}
	rapid.Check(t, func(t *rapid.T) {
		world := list{
			accounts: rapid.SliceOfDistinct(rapid.SampledFrom(names[:4]), rapid.ID[string]).Draw(t, "accounts"),
			limit:    rapid.IntRange(1, 5).Draw(t, "limit"),
			off:      rapid.Bool().Draw(t, "off"),
		}
		for _, name := range world.accounts {
			if rapid.Bool().Draw(t, name) {
				world.blocked = append(world.blocked, name)
			}
		}
		targets := rapid.SliceOfN(rapid.SampledFrom(names), 1, 8).Draw(t, "targets")
		for kind, rule := range map[EventKind]blockRule{EventBlockAdd: decideBlock, EventBlockDelete: decideUnblock} {
			change, outcomes := rule(world.command(targets...), world.snapshot(targets...), at)
			var done []string
			for i, outcome := range outcomes {
				if outcome == Done {
					done = append(done, targets[i])
				}
			}
			if changed := append(change.Block, change.Unblock...); !slices.Equal(changed, done) {
				t.Fatalf("%s changes %q and reports %q", kind, changed, done)
			}
			if want := event(kind, done); !world.off && !reflect.DeepEqual(change.Events, want) || world.off && change.Events != nil {
				t.Fatalf("%s makes %+v, want %+v (callbacks off: %v)", kind, change.Events, want, world.off)
			}
		}
	})
}

func TestSwitchedOffCommandsMakeNoEvent(t *testing.T) {
	world := list{accounts: []string{"ann"}}
	cmd := world.command("ann")
	cmd.App.Callback.Off = []EventKind{EventBlockDelete}
	if change, _ := decideBlock(cmd, world.snapshot("ann"), at); len(change.Events) != 1 {
		t.Errorf("a block makes %d events, want 1", len(change.Events))
	}
	world.blocked = []string{"ann"}
	if change, _ := decideUnblock(cmd, world.snapshot("ann"), at); len(change.Events) != 0 || len(change.Unblock) != 1 {
		t.Errorf("an unblock that is switched off: %+v", change)
	}
}
