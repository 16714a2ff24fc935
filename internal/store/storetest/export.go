package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func exportTests() []test {
	return []test{
		{name: "all lists in order", run: exportLists},
		{name: "a list of many pages", run: exportLargeList},
		{name: "an export ends with the error of its reader", run: exportErrors},
		{name: "an export and what came after it lead to the present", run: exportConsistent},
		{name: "an export holds up nobody", run: exportHoldsUpNobody},
		{name: "what came after an export and is not kept", run: exportForgotten},
		{name: "what came after an export and is not recorded", run: exportUnrecorded, with: func(o *Options) { o.Retention = 0 }},
	}
}

// export returns all parts of an export of the fixture's app, and its position.
func (x *fixture) export() (position string, parts []relation.ListExport) {
	x.Helper()
	begun := 0
	err := x.ExportBlocklists(x.ctx, x.app.SDKAppID,
		func(p string) error { position = p; begun++; return nil },
		func(part relation.ListExport) error { parts = append(parts, part); return nil })
	x.ok("export", err)
	equal(x, "begun", begun, 1)
	return position, parts
}

func exportLists(x *fixture) {
	position, parts := x.export()
	equal(x, "position of nothing", position, "")
	equal(x, "lists of nobody", parts, nil)
	x.importAll("b", "a", "B", "c", "gone")
	now := x.clock.Now().Unix()
	x.block("b", "a", "c", "gone")
	x.block("a", "gone")
	x.block("B", "b")
	x.unblock("b", "c")
	x.delete("gone")
	last := x.reported(4)[3]
	x.create(appID + 1)
	x.until("the entries of the deleted account are gone", func() bool { return x.count("a") == 0 && x.count("b") == 1 })
	want := []relation.ListExport{
		{Owner: "B", Sequence: 1, Entries: []relation.BlockEntry{{UserID: "b", Since: now}}},
		{Owner: "b", Sequence: x.account("b").Sequence, Entries: []relation.BlockEntry{{UserID: "a", Since: now}}},
	}
	for _, v := range []relation.Verdict{relation.Delivered, relation.Dead, relation.Delivered, relation.Delivered} {
		position, parts = x.export()
		equal(x, "position", position, last.ID)
		equal(x, "lists", parts, want)
		x.settle(x.attempted(v, x.heads(far, 1)[0].Event))
		x.restart()
	}
}

func exportLargeList(x *fixture) {
	const n = 2*relation.MaxBlockPage + 7
	ids := names("target", n)
	large := *x.app
	large.BlocklistLimit = n
	x.app = &large
	x.importAll("owner", "other")
	x.importAll(ids...)
	for batch := range slices.Chunk(ids, 500) {
		x.block("owner", batch...)
	}
	x.block("other", ids[0])
	_, parts := x.export()
	var lengths []int
	var got []string
	for _, part := range parts[1:] {
		equal(x, "owner", part.Owner, "owner")
		lengths = append(lengths, len(part.Entries))
		for _, e := range part.Entries {
			got = append(got, e.UserID)
		}
	}
	equal(x, "first owner", parts[0].Owner, "other")
	equal(x, "parts", lengths, []int{relation.MaxBlockPage, relation.MaxBlockPage, 7})
	equal(x, "entries", got, ids)
}

func exportErrors(x *fixture) {
	x.importAll("a", "b")
	x.block("a", "b")
	enough := errors.New("the disk is full")
	nothing := func(string) error { return nil }
	err := x.ExportBlocklists(x.ctx, appID, nothing, func(relation.ListExport) error { return enough })
	if !errors.Is(err, enough) || errors.Is(err, relation.ErrUnavailable) {
		x.Fatalf("got error %v", err)
	}
	each := func(relation.ListExport) error { x.Error("goes on after an error"); return nil }
	if err := x.ExportBlocklists(x.ctx, appID, func(string) error { return enough }, each); !errors.Is(err, enough) {
		x.Fatalf("got error %v", err)
	}
	if err := x.ExportBlocklists(x.ctx, appID+1, nothing, each); !errors.Is(err, relation.ErrNoApp) {
		x.Fatalf("an app that is not there: got error %v", err)
	}
	ctx, cancel := context.WithCancel(x.ctx)
	cancel()
	if err := x.ExportBlocklists(ctx, appID, nothing, func(relation.ListExport) error { return ctx.Err() }); !errors.Is(err, context.Canceled) {
		x.Fatalf("cancelled: got error %v", err)
	}
}

// lists are blocklists without order.
type lists map[string]map[string]bool

func (l lists) set(owner, target string, blocked bool) {
	if l[owner] == nil {
		l[owner] = make(map[string]bool)
	}
	if l[owner][target] = blocked; !blocked {
		delete(l[owner], target)
	}
	if len(l[owner]) == 0 {
		delete(l, owner)
	}
}

// exported returns an export as lists.
func (x *fixture) exported() (position string, all lists) {
	x.Helper()
	position, parts := x.export()
	all = make(lists)
	for _, part := range parts {
		for _, e := range part.Entries {
			all.set(part.Owner, e.UserID, true)
		}
	}
	return position, all
}

// exportConsistent rebuilds the lists from exports that were made while they changed, and the events after each.
func exportConsistent(x *fixture) {
	const callers, calls, exports = 6, 60, 4
	users := names("user", 12)
	x.importAll(users...)
	x.block(users[0], users[1])
	type export struct {
		position string
		lists    lists
	}
	var done sync.WaitGroup
	done.Go(func() {
		together(x, callers, func(ctx context.Context, i int) error {
			rng := rand.New(rand.NewPCG(7, uint64(i)))
			for range calls {
				call := x.svc.Block
				if rng.IntN(2) == 0 {
					call = x.svc.Unblock
				}
				cmd := x.command(users[rng.IntN(len(users))], []string{users[rng.IntN(len(users))], users[rng.IntN(len(users))]})
				if _, err := call(ctx, cmd); err != nil {
					return err
				}
				if heads, err := x.Due(ctx, relation.DueQuery{SDKAppID: appID, Now: far, Limit: 2}); err == nil && len(heads) > 0 {
					verdict := []relation.Verdict{relation.Delivered, relation.Delivered, relation.Dead}[rng.IntN(3)]
					if _, err := x.Settle(ctx, []relation.Settlement{x.attempted(verdict, heads[0].Event)}); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
	var made []export
	for range exports {
		position, all := x.exported()
		made = append(made, export{position, all})
	}
	done.Wait()
	_, want := x.exported()
	events := x.records(relation.RecordQuery{}, 100)
	slices.Reverse(events)
	for i, e := range made {
		for _, event := range events {
			if event.ID > e.position {
				for _, target := range event.Targets {
					e.lists.set(event.Owner, target, event.Kind == relation.EventBlockAdd)
				}
			}
		}
		if !maps.EqualFunc(e.lists, want, maps.Equal[map[string]bool, map[string]bool]) {
			x.Fatalf("export %d at %s and the events after it make\n     %v\nwant %v", i, e.position, e.lists, want)
		}
	}
}

// since says what there is to replay after an export.
func (x *fixture) since(position string) error {
	x.Helper()
	s := relation.ReplaySelection{After: position}
	_, err := x.CreateReplay(x.ctx, relation.Replay{SDKAppID: x.app.SDKAppID, Selection: s})
	if _, counted := x.CountReplay(x.ctx, x.app.SDKAppID, s); errors.Is(counted, relation.ErrForgotten) != errors.Is(err, relation.ErrForgotten) {
		x.Fatalf("created %v, counted %v", err, counted)
	}
	return err
}

// exportForgotten has retention remove what came after an export. A replay from there would leave it out.
func exportForgotten(x *fixture) {
	x.importAll("a", "b", "c", "d")
	x.settle(x.attempted(relation.Delivered, commit(x, "a", "b")[0]))
	old, _ := x.export()
	x.settle(x.attempted(relation.Delivered, commit(x, "b", "a")[0]), x.attempted(relation.Dead, commit(x, "c", "a")[0]))
	x.clock.advance(time.Hour)
	young, _ := x.export()
	x.settle(x.attempted(relation.Delivered, commit(x, "d", "a")[0]))
	x.ok("while all is kept", x.since(old))
	x.clock.advance(retention - time.Minute)
	for range 2 { // what is too old is not seen any more, then it is removed
		if err := x.since(old); !errors.Is(err, relation.ErrForgotten) {
			x.Fatalf("got error %v, want ErrForgotten", err)
		}
		x.ok("a younger export", x.since(young))
		n, err := x.CountReplay(x.ctx, appID, relation.ReplaySelection{After: old, Dead: true})
		x.ok("dead letters", err)
		equal(x, "dead letters, which are always kept", n, 1)
		x.restart()
		x.until("old records are removed", func() bool { return x.recordStats()[appID] == 1 })
	}
	x.clock.advance(2 * retention)
	x.restart()
	x.until("all records are removed", func() bool { return x.recordStats()[appID] == 0 })
	position, _ := x.export()
	if err := x.since(position); err != nil && !errors.Is(err, relation.ErrNoEvent) {
		x.Fatalf("after another export: %v", err)
	}
}

// exportUnrecorded has a store that keeps no delivered event.
func exportUnrecorded(x *fixture) {
	x.importAll("a", "b", "c")
	x.settle(x.attempted(relation.Delivered, commit(x, "a", "b")[0]))
	position, _ := x.export()
	if position == "" {
		x.Fatal("an event that was delivered is not in the position")
	}
	late := commit(x, "b", "a")[0]
	if late.ID <= position {
		x.Fatalf("%s came after %s", late.ID, position)
	}
	x.settle(x.attempted(relation.Delivered, late))
	for range 2 {
		if err := x.since(position); !errors.Is(err, relation.ErrForgotten) {
			x.Fatalf("got error %v, want ErrForgotten", err)
		}
		x.restart()
	}
}

// exportHoldsUpNobody has more exports under way than there are readers, while others read and write.
func exportHoldsUpNobody(x *fixture) {
	const exports = 10
	x.importAll("a", "b", "c")
	x.block("a", "b")
	release, begun := make(chan struct{}), make(chan struct{}, exports)
	var done sync.WaitGroup
	for range exports {
		done.Go(func() {
			found := 0
			err := x.ExportBlocklists(x.ctx, appID, func(string) error {
				begun <- struct{}{}
				<-release
				return nil
			}, func(part relation.ListExport) error { found += len(part.Entries); return nil })
			if err != nil || found != 1 {
				x.Errorf("export: %d entries, %v", found, err)
			}
		})
	}
	for range exports {
		<-begun
	}
	x.block("a", "c")
	equal(x, "list", x.list("a"), []string{"b", "c"})
	close(release)
	done.Wait()
}

// lookAtExport prints the export of an app.
func (s *side) lookAtExport() string {
	s.Helper()
	position, parts := s.export()
	for i := range parts {
		parts[i].Sequence = 0
	}
	place := "none"
	for i, e := range s.stream {
		if e.ID == position {
			place = fmt.Sprint(i)
		}
	}
	return fmt.Sprintf("export at %s: %s\n", place, text(parts))
}
