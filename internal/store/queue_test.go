package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kithchat/kith/internal/relation"
)

func applyCall(app uint32, accounts int) *call {
	return &call{
		scope:  relation.Scope{SDKAppID: app, Accounts: make([]string, accounts)},
		decide: func(relation.Snapshot) relation.Change { return relation.Change{} },
		done:   make(chan error, 1),
	}
}

func settleCall(n int) *call {
	c := &call{settle: make([]relation.Settlement, n), done: make(chan error, 1)}
	for i := range c.settle {
		c.settle[i].Seq = int64(i)
	}
	return c
}

func mustPut(t *testing.T, q *queue, calls ...*call) {
	t.Helper()
	for _, c := range calls {
		if err := q.put(c); err != nil {
			t.Fatal(err)
		}
	}
}

func mustTake(t *testing.T, q *queue, work int) []*call {
	t.Helper()
	calls, err := q.take(nil, work)
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// However much one app has waiting, the next commit has calls of each app, and what has no room comes after that.
func TestQueueAppsTakeTurns(t *testing.T) {
	q := newQueue()
	for range 3000 {
		mustPut(t, q, applyCall(1, 2))
	}
	for range 40 {
		mustPut(t, q, applyCall(2, 1000))
	}
	b, c := applyCall(3, 1), applyCall(4, 1)
	mustPut(t, q, b, c)
	first := mustTake(t, q, 512)
	if !slices.Contains(first, b) || !slices.Contains(first, c) {
		t.Error("the next commit leaves out an app with one call")
	}
	work := 0
	for _, x := range first {
		work += x.work()
	}
	if work < 512-callWork || work > 512+callWork+1000 {
		t.Errorf("it is of %d, want about 512", work)
	}
	done := map[uint32]int{}
	for range 200 { // what two apps get is alike, though one has large calls and the other small ones
		for _, x := range mustTake(t, q, 512) {
			done[x.scope.SDKAppID] += x.work()
		}
		if done[2] >= 20*1004 {
			break
		}
	}
	if done[1] == 0 || done[2] == 0 || max(done[1], done[2]) > 2*min(done[1], done[2]) {
		t.Errorf("two apps that flood got %v", done)
	}
}

// Work that wants a transaction of its own gets one, and neither waits for ever nor holds up what came before it.
func TestQueueAlone(t *testing.T) {
	q := newQueue()
	alone := &call{alone: func(conn) error { return nil }, done: make(chan error, 1)}
	a, b := applyCall(1, 1), applyCall(1, 1)
	mustPut(t, q, a, alone, b)
	for i, want := range [][]*call{{a, b}, {alone}} {
		if got := mustTake(t, q, 512); !slices.Equal(got, want) {
			t.Errorf("commit %d has %d calls, want %d", i, len(got), len(want))
		}
	}
	for range 2000 {
		mustPut(t, q, applyCall(1, 1))
	}
	mustPut(t, q, alone)
	alone.state.Store(waiting)
	for i := range 3 {
		if slices.Contains(mustTake(t, q, 64), alone) {
			return
		}
		mustPut(t, q, applyCall(1, 1))
		if i == 2 {
			t.Error("it still waits after three commits")
		}
	}
}

// Many verdicts are taken in parts, beside calls. Their caller has one answer, after the last: what follows those that are
// durable, and the first error.
func TestQueueVerdictsInParts(t *testing.T) {
	q := newQueue()
	c := settleCall(300)
	mustPut(t, q, c)
	for range 1000 {
		mustPut(t, q, applyCall(1, 1))
	}
	odd := errors.New("odd")
	var got []int64
	for i := 0; len(got) < 300 && i < 100; i++ {
		calls := mustTake(t, q, 300)
		for _, x := range calls {
			for _, v := range x.settle {
				got = append(got, v.Seq)
			}
		}
		if len(got) < 300 && len(c.done) > 0 {
			t.Fatalf("answered after %d verdicts", len(got))
		}
		var err error
		if i == 1 {
			err = odd
		}
		for _, x := range calls {
			if x.settle != nil {
				x.next = []relation.EventKey{{Seq: int64(i)}}
			}
			x.answer(err)
		}
	}
	if len(got) != 300 || !slices.IsSorted(got) {
		t.Fatalf("the verdicts come as %v", got)
	}
	if err := <-c.done; !errors.Is(err, odd) {
		t.Errorf("answer: %v", err)
	}
	if len(c.next) == 0 || slices.ContainsFunc(c.next, func(k relation.EventKey) bool { return k.Seq == 1 }) {
		t.Errorf("next: %v", c.next)
	}
}

// Seeded random calls: each is taken exactly once unless it was withdrawn, those of an app in order, and nothing waits longer
// than turns allow.
func TestQueueRandomCalls(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			q := newQueue()
			var put []*call
			order := map[lineKey][]*call{}
			takes := map[*call]int{}
			verdicts := map[*call]int{}
			for range 300 {
				for range rnd.IntN(20) {
					c := applyCall(uint32(1+rnd.IntN(4)), rnd.IntN(120))
					switch rnd.IntN(8) {
					case 0:
						c = settleCall(1 + rnd.IntN(256))
					case 1:
						c = &call{alone: func(conn) error { return nil }, done: make(chan error, 1)}
					case 2:
						c.state.Store(withdrawn)
					}
					mustPut(t, q, c)
					put = append(put, c)
				}
				if len(q.turns) > 0 {
					takeRandom(t, q, rnd, order, takes, verdicts)
				}
			}
			for len(q.turns) > 0 {
				takeRandom(t, q, rnd, order, takes, verdicts)
			}
			if len(q.lines) != 0 {
				t.Errorf("%d lines are left", len(q.lines))
			}
			for _, c := range put {
				switch {
				case c.state.Load() == withdrawn && takes[c]+verdicts[c] > 0:
					t.Error("a withdrawn call was taken")
				case c.settle != nil && (verdicts[c] != len(c.settle) || len(c.done) != 1):
					t.Errorf("%d of %d verdicts were taken, %d answers", verdicts[c], len(c.settle), len(c.done))
				case c.settle == nil && c.state.Load() != withdrawn && takes[c] != 1:
					t.Errorf("a call was taken %d times", takes[c])
				}
			}
			for key, got := range order {
				var want []*call
				for _, c := range put {
					if lineOf(c) == key && c.state.Load() != withdrawn && c.settle == nil {
						want = append(want, c)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("calls of %+v are not in order", key)
				}
			}
		})
	}
}

func takeRandom(t *testing.T, q *queue, rnd *rand.Rand, order map[lineKey][]*call, takes, verdicts map[*call]int) {
	t.Helper()
	calls := mustTake(t, q, 1+rnd.IntN(2000))
	for _, c := range calls {
		if c.alone != nil && len(calls) != 1 {
			t.Error("work of its own is not alone")
		}
		switch {
		case c.whole != nil:
			verdicts[c.whole] += len(c.settle)
		case c.settle != nil:
			verdicts[c] += len(c.settle)
		default:
			takes[c]++
			order[lineOf(c)] = append(order[lineOf(c)], c)
		}
		c.answer(nil)
	}
}
