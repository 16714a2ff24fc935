package isolation

import (
	"testing"
	"testing/synctest"
	"time"
)

// tell makes attempts of an app for so long, each as soon as it may begin, and returns how many a second began.
func tell(s *Isolation, app uint32, d time.Duration) int {
	n := 0
	for end := time.Now().Add(d); time.Now().Before(end); n++ {
		wait, ok := s.Attempt(app)
		for ; !ok; wait, ok = s.Attempt(app) {
			pass(longestWait)
		}
		pass(max(wait, 10*time.Microsecond))
	}
	return int(float64(n) / d.Seconds())
}

func about(n, want int) bool { return n >= want*95/100 && n <= want*105/100 }

func TestAttemptsOfOneAppAreNotLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newIsolation(time.Now, func() float64 { return 100 })
		for range 100_000 {
			if wait, ok := s.Attempt(1); wait != 0 || !ok {
				t.Fatalf("it has to wait for %v, may at all %t", wait, ok)
			}
			pass(time.Microsecond)
		}
	})
}

// On a busy machine each of several apps is told a thousand changes a second; with processors to spare it becomes more, but only
// while it is wanted, and with one app at work there is no limit.
func TestAttemptsOfSeveralApps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		machine := &busyMachine{100}
		s := newIsolation(time.Now, machine.length)
		s.Attempt(2)
		pass(lookEvery)
		s.Attempt(1)
		pass(lookEvery)
		tell(s, 1, time.Second)
		for _, app := range []uint32{1, 2} {
			if n := tell(s, app, time.Second); !about(n, rateLeast) {
				t.Errorf("on a busy machine app %d is told %d times a second", app, n)
			}
		}
		machine.queue = 0
		for range 100 {
			pass(lookEvery)
			s.Attempt(2)
		}
		if s.rate != rateLeast && s.rate != rateLeast+rateLeast/16 { // once, for the wait before
			t.Errorf("the rate rose to %d while nobody wanted it", s.rate)
		}
		tell(s, 1, time.Second)
		if n := tell(s, 1, time.Second); n < 10*rateLeast {
			t.Errorf("with processors to spare app 1 is told %d times a second", n)
		}
		pass(rivalFor + lookEvery)
		s.Attempt(1)
		for range 1000 {
			if wait, ok := s.Attempt(1); wait != 0 || !ok {
				t.Fatalf("the other had nothing to do for a minute, and it has to wait for %v, may at all %t", wait, ok)
			}
		}
	})
}

// Few attempts wait at a time, and who was quiet may begin some at once.
func TestAttemptsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newIsolation(time.Now, func() float64 { return 100 })
		s.Attempt(2)
		pass(lookEvery)
		s.Attempt(1)
		pass(time.Second)
		ask := func() (now, later int) {
			for {
				switch wait, ok := s.Attempt(1); {
				case !ok:
					return now, later
				case wait == 0:
					now++
				case wait > longestWait:
					t.Fatalf("it has to wait for %v", wait)
				default:
					later++
				}
			}
		}
		at := s.rate * 4 / 5 // the machine is busy
		now, later := ask()
		if want := int(burst.Seconds()*float64(at)) + 1; now != want {
			t.Errorf("%d may begin at once, want %d", now, want)
		}
		if want := int(longestWait.Seconds() * float64(at)); later != want {
			t.Errorf("%d wait, want %d", later, want)
		}
	})
}

// Of an app that floods, what was accepted is told first.
func TestAttemptsGoBeforeCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlood(t, 100)
		f.call(2, -1)
		pass(lookEvery)
		for i := range 50 {
			f.call(1, i)
		}
		rate := f.rate
		f.turnover(1, 1)
		if f.rate != rate || f.limit >= limitStart {
			t.Errorf("calls wait on a busy machine: %d calls, %d attempts a second", f.limit, f.rate)
		}
		f.machine.queue = 0
		limit := f.limit
		for range 100 {
			f.Attempt(1)
		}
		f.turnover(1, 1)
		if f.rate <= rate || f.limit != limit {
			t.Errorf("calls and attempts wait: %d calls, %d attempts a second", f.limit, f.rate)
		}
	})
}

// A nil Isolation limits nobody.
func TestNoIsolation(t *testing.T) {
	var s *Isolation
	if wait, ok := s.Attempt(1); wait != 0 || !ok || s.Enter(t.Context(), 1) != nil || s.Held() != nil {
		t.Error("it limits somebody")
	}
	s.Leave(1)
}
