package isolation

import (
	"testing"
	"testing/synctest"
	"time"
)

// attempts starts as many attempts of an app as may be under way.
func attempts(s *Isolation, app uint32, answers time.Duration) int {
	n := 0
	for n < 1000 && s.Attempt(app, n, answers) {
		n++
	}
	return n
}

func TestAttemptsOfOneAppAreNotLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newIsolation(time.Now, func() float64 { return 100 })
		for range 10 {
			if n := attempts(s, 1, 0); n != 1000 {
				t.Fatalf("%d attempts at a time", n)
			}
			pass(lookEvery)
		}
	})
}

// On a busy machine each of several apps gets the same few attempts at a time, of a slow endpoint as many as make the same rate;
// with processors to spare they become more, but only while they are wanted.
func TestAttemptsOfSeveralApps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		machine := &busyMachine{100}
		s := newIsolation(time.Now, machine.length)
		want := func(when string, app uint32, answers time.Duration, n int) {
			t.Helper()
			if got := attempts(s, app, answers); got != n {
				t.Errorf("%s: %d attempts at a time, want %d", when, got, n)
			}
		}
		attempts(s, 2, 0)
		attempts(s, 1, 0)
		pass(lookEvery)
		want("at first", 1, 0, limitStart)
		want("at first", 2, 300*time.Microsecond, limitStart)
		want("a slow endpoint", 2, 50*time.Millisecond, 50*limitStart)
		for range 20 {
			pass(lookEvery)
			attempts(s, 1, 0)
		}
		want("on a busy machine", 1, 0, limitLeast)
		if !s.Attempt(1, 0, 0) || !s.Attempt(2, limitLeast-1, 0) {
			t.Error("an app has nothing under way")
		}
		machine.queue = 0
		for range 20 {
			pass(lookEvery)
			s.Attempt(2, 0, 0)
		}
		want("after nobody wanted more", 1, 0, limitLeast+1) // the refusals before
		for range 20 {
			pass(lookEvery)
			attempts(s, 1, 0)
		}
		if n := attempts(s, 1, 0); n < 15 {
			t.Errorf("with processors to spare: %d attempts at a time", n)
		}
		pass(rivalFor + lookEvery)
		attempts(s, 1, 0)
		want("after the other had nothing to do for a minute", 1, 0, 1000)
	})
}

// A flood of calls and a backlog that goes out have one limit, and hold back each other.
func TestAttemptsAndCallsHaveOneLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlood(t, 100)
		f.call(2, -1)
		f.Attempt(1, 0, 0)
		pass(lookEvery)
		for i := range 50 {
			f.call(2, i)
		}
		if n, held := f.count(), f.Held()[2]; n != limitStart || held != 51-limitStart {
			t.Errorf("%d calls began and %d are held back, want %d and %d", n, held, limitStart, 51-limitStart)
		}
		if n := attempts(f.Isolation, 1, 0); n != limitStart {
			t.Errorf("%d attempts at a time, want %d", n, limitStart)
		}
	})
}

// A nil Isolation limits nobody.
func TestNoIsolation(t *testing.T) {
	var s *Isolation
	if !s.Attempt(1, 1000, 0) || s.Enter(t.Context(), 1) != nil || s.Held() != nil {
		t.Error("it limits somebody")
	}
	s.Leave(1)
}
