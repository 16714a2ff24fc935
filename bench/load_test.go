package main

import (
	"encoding/json"
	"testing"

	"github.com/kithchat/kith/api"
)

func TestListSet(t *testing.T) {
	l := listSet{Name: "x", First: 100, Owners: 50, Size: 120, Accounts: 150}
	if err := l.check(); err != nil {
		t.Fatal(err)
	}
	for owner := l.First; owner < l.First+l.Owners; owner++ {
		seen := map[int]bool{owner: true} // never oneself
		for i := range l.Accounts - 1 {
			target := l.target(owner, i)
			if target < 0 || target >= l.Accounts || seen[target] {
				t.Fatalf("entry %d of %d is %d, for the second time or out of range", i, owner, target)
			}
			seen[target] = true
		}
	}
	for _, bad := range []listSet{
		{First: 1, Owners: 10, Size: 1, Accounts: 10},
		{Owners: 10, Size: 10, Accounts: 10},
		{Owners: 10, Size: 10, Accounts: stride + 1},
	} {
		if bad.check() == nil {
			t.Errorf("%+v was not refused", bad)
		}
	}
}

// TestSourcesKeepAccount applies the calls of several phases to lists in memory: every unblock finds what it removes, every
// fill what is missing.
func TestSourcesKeepAccount(t *testing.T) {
	g := &generator{removed: map[string][]int{}}
	l := listSet{Name: "x", First: 10, Owners: 20, Size: 25, Accounts: 40}
	lists := map[string]map[string]bool{}
	phase := func(j job) (calls int) {
		t.Helper()
		j.Lists, j.Connections = l, 3
		s, err := g.source(j)
		if err != nil {
			t.Fatal(err)
		}
		for conn := range j.Connections {
			for c, ok := s.next(conn, nil); ok; c, ok = s.next(conn, nil) {
				calls++
				applyCall(t, j, c, lists)
			}
		}
		return calls
	}
	if n := phase(job{Kind: kindFill}); n != l.Owners {
		t.Errorf("%d calls filled the lists of %d owners", n, l.Owners)
	}
	for _, c := range []struct{ targets, depth, calls int }{
		{1, 12, 20 * 12}, // every second entry
		{10, 20, 20 * 2}, // the last five stay
		{100, 0, 20 * 1}, // more targets than entries
		{3, 0, 20 * 8},   // one entry stays
		{100, 5, 20 * 1}, // a call is never cut
		{1, 0, 20 * 25},  // everything
	} {
		if n := phase(job{Kind: kindUnblock, Targets: c.targets, Depth: c.depth}); n != c.calls {
			t.Errorf("targets %d, depth %d: %d calls, want %d", c.targets, c.depth, n, c.calls)
		}
		if n := phase(job{Kind: kindUnblock, Targets: c.targets, Depth: c.depth, Dry: true}); n != c.calls {
			t.Errorf("targets %d, depth %d: %d dry calls, want %d", c.targets, c.depth, n, c.calls)
		}
		phase(job{Kind: kindFill})
		for owner, list := range lists {
			if len(list) != l.Size {
				t.Fatalf("the list of %s has %d entries after it was filled", owner, len(list))
			}
		}
	}
}

// applyCall does to the lists what a call asks for, and compares the outcome with what the call wants.
func applyCall(t *testing.T, j job, c call, lists map[string]map[string]bool) {
	t.Helper()
	var request api.BlockRequest
	if err := json.Unmarshal(c.body, &request); err != nil {
		t.Fatalf("%s: %v", c.body, err)
	}
	if j.Dry {
		return
	}
	list := lists[request.FromAccount]
	if list == nil {
		list = map[string]bool{}
		lists[request.FromAccount] = list
	}
	changed := 0
	for _, target := range request.ToAccount {
		if list[target] == (j.Kind == kindUnblock) {
			changed++
		}
		if j.Kind == kindUnblock {
			delete(list, target)
		} else {
			list[target] = true
		}
	}
	if changed != c.want.items {
		t.Fatalf("%s %s changes %d entries, the generator wants %d", j.Kind, request.FromAccount, changed, c.want.items)
	}
}

func TestDirectIsTheCallback(t *testing.T) {
	l := listSet{Name: "x", Owners: 2, Size: 2, Accounts: 5}
	m := message{body: l.callback(1, 0, 2)}
	a, err := arrivalOf(&m, 7)
	if err != nil {
		t.Fatal(err)
	}
	if a.At != 7 || a.Key != pairKey(1, l.target(1, 0)) {
		t.Errorf("the receiver reads %+v out of %s", a, m.body)
	}
	var got api.BlackListCallback
	if err := json.Unmarshal(m.body, &got); err != nil || got.CallbackCommand != api.CallbackBlackListDelete || len(got.PairList) != 2 {
		t.Errorf("%s: %v", m.body, err)
	}
}

func TestWant(t *testing.T) {
	answer := func(status, body string) *message { return &message{start: []byte(status), body: []byte(body)} }
	const ok = `{"ResultItem":[{"To_Account":"a","ResultCode":0,"ResultInfo":""}],"ActionStatus":"OK","ErrorCode":0}`
	for _, c := range []struct {
		name   string
		answer *message
		want   want
		good   bool
	}{
		{"as expected", answer("HTTP/1.1 200 OK", ok), want{1}, true},
		{"an item failed", answer("HTTP/1.1 200 OK", ok), want{2}, false},
		{"the call failed", answer("HTTP/1.1 200 OK", `{"ErrorCode":30006}`), want{}, false},
		{"the server failed", answer("HTTP/1.1 500 Internal Server Error", ok), want{1}, false},
	} {
		if err := c.want.check(c.answer); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestOneCallAtLeast: however late the first call is, there is one, so that a phase has an answer and a rate.
func TestOneCallAtLeast(t *testing.T) {
	late := &sharedState{deadline: 1}
	for i, want := range []bool{true, false, false} {
		if _, ok := late.next(); ok != want {
			t.Errorf("call %d after the time: %t", i, ok)
		}
	}
}
