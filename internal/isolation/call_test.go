package isolation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// busyMachine says how long the run queue is.
type busyMachine struct{ queue float64 }

func (m *busyMachine) length() float64 { return m.queue }

func pass(d time.Duration) { time.Sleep(d) } // on synctest's clock

// flood is an Isolation in a synctest bubble, with calls that wait.
type flood struct {
	*Isolation
	t       *testing.T
	machine *busyMachine
	mu      sync.Mutex
	begun   []int // numbers of calls, in the order in which they began
}

func newFlood(t *testing.T, queue float64) *flood {
	m := &busyMachine{queue}
	return &flood{Isolation: newIsolation(time.Now, m.length), t: t, machine: m}
}

// call begins a call in the background, or has it wait.
func (f *flood) call(app uint32, number int) {
	go func() {
		if err := f.Enter(f.t.Context(), app); err != nil {
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.begun = append(f.begun, number)
	}()
	synctest.Wait()
}

func (f *flood) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.begun)
}

// turnover has one call after another end and look at the machine. Calls with numbers from 0 begin in order.
func (f *flood) turnover(app uint32, n int) {
	for range n {
		pass(lookEvery)
		f.Leave(app)
		synctest.Wait()
		f.mu.Lock()
		begun := slices.DeleteFunc(slices.Sorted(slices.Values(f.begun)), func(i int) bool { return i < 0 })
		f.mu.Unlock()
		if len(begun) > 0 && begun[len(begun)-1] != len(begun)-1 {
			f.t.Fatalf("calls that came later begin before others: %v", begun)
		}
	}
}

func TestCallsLeavesOneAppAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlood(t, 100)
		for i := range 1000 {
			f.call(1, i)
		}
		if f.count() != 1000 {
			t.Errorf("%d of 1000 calls began", f.count())
		}
	})
}

// On a busy machine an app that floods is held back, in order; another one's calls begin at once. As soon as there are
// processors to spare, all begin.
func TestCallsHoldsAFloodBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlood(t, 100)
		f.call(2, -1)
		pass(lookEvery)
		for i := range 200 {
			f.call(1, i)
		}
		if n := f.count() - 1; n != limitStart {
			t.Errorf("%d calls of the flood began, want %d", n, limitStart)
		}
		f.call(2, -2)
		if f.begun[len(f.begun)-1] != -2 {
			t.Error("the other app's call waits")
		}
		f.Leave(2)
		f.Leave(2)
		f.turnover(1, 30)
		f.mu.Lock()
		under := f.apps[1].under
		f.mu.Unlock()
		if under != limitLeast {
			t.Errorf("on a busy machine %d calls are under way, want %d", under, limitLeast)
		}
		f.machine.queue = 0
		f.turnover(1, under+60)
		if n := f.count() - 2; n < 100 {
			t.Errorf("with processors to spare %d calls began, want most", n)
		}
	})
}

// Who called a minute ago is no rival any more, and is forgotten.
func TestCallsForgetsRivals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlood(t, 100)
		f.call(2, -1)
		f.Leave(2)
		pass(lookEvery)
		for i := range 50 {
			f.call(1, i)
		}
		if f.count() == 51 {
			t.Fatal("nothing was held back")
		}
		pass(rivalFor)
		f.turnover(1, 1)
		if f.count() != 51 || len(f.apps) != 1 {
			t.Errorf("a minute later %d of 51 calls have begun, %d apps are known", f.count(), len(f.apps))
		}
	})
}

// Calls of some apps begin, wait, give up and end at random: never more of an app are under way than the limit was, and
// nobody is forgotten.
func TestCallsRandomCalls(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 3))
				f := newFlood(t, 100)
				var began, gaveUp atomic.Int64
				var calls sync.WaitGroup
				const n = 2000
				for range n {
					app := uint32(1 + rnd.IntN(3))
					patience, takes := time.Duration(1+rnd.IntN(300))*time.Millisecond, time.Duration(rnd.IntN(80))*time.Millisecond
					calls.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), patience)
						defer cancel()
						if err := f.Enter(ctx, app); err != nil {
							if !errors.Is(err, context.DeadlineExceeded) {
								t.Error(err)
							}
							gaveUp.Add(1)
							return
						}
						began.Add(1)
						pass(takes)
						f.Leave(app)
					})
					pass(time.Duration(rnd.IntN(2000)) * time.Microsecond)
				}
				calls.Wait()
				if began.Load()+gaveUp.Load() != n || gaveUp.Load() == 0 || began.Load() == 0 {
					t.Errorf("%d began, %d gave up", began.Load(), gaveUp.Load())
				}
				for app, of := range f.apps {
					if of.under != 0 || len(of.waiting) != 0 {
						t.Errorf("left of app %d: %d under way, %d wait", app, of.under, len(of.waiting))
					}
				}
			})
		})
	}
}
