package dispatch

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// load drives a limiter with attempts that take as long as takes says, given how many are under way, for some time. It
// returns how many were answered in the second half, and the limit at the end.
func drive(l *limiter, takes func(inFlight int, at time.Duration) time.Duration, lasts time.Duration) int {
	type attempt struct{ began, ends time.Duration }
	var under []attempt
	done := 0
	for now := time.Duration(0); now < lasts; {
		for len(under) < l.at() {
			under = append(under, attempt{now, now + takes(len(under)+1, now)})
		}
		first := slices.MinFunc(under, func(a, b attempt) int { return cmp.Compare(a.ends, b.ends) })
		now = first.ends
		if took := now - first.began; took >= l.timeout {
			l.refused(len(under))
		} else {
			l.answered(took, len(under))
			if now > lasts/2 {
				done++
			}
		}
		i := slices.Index(under, first)
		under = slices.Delete(under, i, i+1)
	}
	return done
}

func always(d time.Duration) func(int, time.Duration) time.Duration {
	return func(int, time.Duration) time.Duration { return d }
}

func TestLimitOfAnEndpointThatIsSteady(t *testing.T) {
	for _, took := range []time.Duration{100 * time.Microsecond, 5 * time.Millisecond, 300 * time.Millisecond, time.Second, 1900 * time.Millisecond} {
		l := newLimiter(128, 2*time.Second)
		drive(&l, always(took), 40*took)
		if l.at() != 128 {
			t.Errorf("an endpoint that always takes %v gets %d of 128", took, l.at())
		}
	}
}

func TestLimitDoublesFromOneAfterARecovery(t *testing.T) {
	l := newLimiter(128, 2*time.Second)
	l.recover()
	for round, want := range []int{1, 2, 4, 8, 16, 32, 64, 128, 128} {
		if l.at() != want {
			t.Errorf("round %d: %d, want %d", round, l.at(), want)
		}
		if n := l.at(); !l.ramped() || n == 128 {
			for range n {
				l.answered(10*time.Millisecond, n)
			}
		}
	}
	if !l.ramped() {
		t.Error("at full speed, and still recovering")
	}
}

func TestLimitBearsJitter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	l := newLimiter(128, 2*time.Second)
	drive(&l, func(int, time.Duration) time.Duration {
		took := 200 * time.Microsecond * time.Duration(1+random.IntN(20))
		if random.IntN(50) == 0 {
			took += 80 * time.Millisecond // a pause of the garbage collector, or of the machine
		}
		return took
	}, time.Second)
	if l.at() != 128 {
		t.Errorf("a quick endpoint with jitter gets %d of 128", l.at())
	}
}

// An endpoint that works on one request at a time is not given 128: it would answer none of them in time.
func TestLimitOfAnEndpointThatIsOverrun(t *testing.T) {
	var free time.Duration
	serial := func(each time.Duration) func(int, time.Duration) time.Duration {
		free = 0
		return func(_ int, now time.Duration) time.Duration {
			free = max(free, now) + each
			return free - now
		}
	}
	l := newLimiter(128, 2*time.Second)
	done := drive(&l, serial(50*time.Millisecond), 2*time.Minute)
	if l.at() > 16 || l.at() < 2 {
		t.Errorf("an endpoint that handles 20 a second gets %d at a time", l.at())
	}
	if done < 1100 {
		t.Errorf("%d answers in a minute, want 1200", done)
	}
}

func TestLimitFollowsAnEndpointThatBecomesSlow(t *testing.T) {
	l := newLimiter(128, 2*time.Second)
	drive(&l, always(50*time.Millisecond), 10*time.Second)
	least := 128
	drive(&l, func(_ int, _ time.Duration) time.Duration {
		least = min(least, l.at())
		return 600 * time.Millisecond
	}, 2*time.Minute)
	if least > 8 {
		t.Errorf("the limit fell to %d only", least)
	}
	if l.at() < 100 {
		t.Errorf("two minutes later, 600 ms being its pace, it gets %d", l.at())
	}
}

func TestLimitOfAnEndpointThatHangs(t *testing.T) {
	l := newLimiter(128, 2*time.Second)
	drive(&l, always(10*time.Millisecond), time.Second)
	drive(&l, always(2*time.Second), time.Minute)
	if l.at() != 1 {
		t.Errorf("an endpoint that hangs gets %d", l.at())
	}
	drive(&l, always(10*time.Millisecond), 5*time.Second)
	if l.at() < 64 {
		t.Errorf("5 s after it is well it gets %d", l.at())
	}
}

// One account whose callbacks hang is no reason to slow the others down.
func TestLimitBearsAFewThatHang(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	l := newLimiter(128, 2*time.Second)
	drive(&l, func(int, time.Duration) time.Duration {
		if random.IntN(20) == 0 {
			return 2 * time.Second
		}
		return 20 * time.Millisecond
	}, time.Minute)
	if l.at() < 100 {
		t.Errorf("with one of twenty that hangs, %d", l.at())
	}
}

func TestLimitGrowsOnlyWhileItIsUsed(t *testing.T) {
	l := newLimiter(128, 2*time.Second)
	for range 10_000 {
		l.answered(time.Millisecond, 2)
	}
	if l.at() != limitStart {
		t.Errorf("with two at a time the limit became %d", l.at())
	}
	if l := newLimiter(1, time.Second); l.at() != 1 {
		t.Errorf("a concurrency of 1 gives %d", l.at())
	}
}
