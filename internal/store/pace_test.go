package store

import (
	"testing"
	"time"
)

// On machines of all kinds the commits of a flood come to take about as long as they should, and few calls on an idle one
// teach nothing.
func TestPaceFindsTheLength(t *testing.T) {
	for _, m := range []struct {
		name                    string
		trip, sync, write, unit time.Duration // write is what a unit of work adds to the commit
		want                    time.Duration
	}{
		{"fast disk", 0, 300 * time.Microsecond, time.Microsecond, 10 * time.Microsecond, paceTarget},
		{"cheap work", 0, 300 * time.Microsecond, 0, time.Microsecond, paceTarget},
		{"slow disk", 0, 10 * time.Millisecond, time.Microsecond, 10 * time.Microsecond, 75 * time.Millisecond},
		{"very slow disk", 0, 100 * time.Millisecond, 0, 20 * time.Microsecond, paceSlowest},
		{"database far away", 2 * time.Millisecond, 2 * time.Millisecond, 0, 10 * time.Microsecond, 72 * time.Millisecond},
	} {
		t.Run(m.name, func(t *testing.T) {
			p := newPace()
			commit := func(work int) time.Duration {
				took := timing{begin: m.trip, commit: m.sync + time.Duration(work)*m.write}
				took.whole = paceTrips*took.begin + took.commit + time.Duration(work)*m.unit
				p.learn(work, took)
				return took.whole
			}
			check := func(when string) {
				t.Helper()
				if took := commit(p.room()); took > m.want*5/4 || took < m.want*3/4 {
					t.Errorf("%s: a full commit takes %v with room for %d, want about %v", when, took, p.room(), m.want)
				}
			}
			for range 200 {
				commit(6)
			}
			if p.room() != paceStart {
				t.Errorf("idle: room for %d, want %d", p.room(), paceStart)
			}
			for range 2000 {
				commit(p.room())
			}
			check("after a flood")
			for range 200 {
				commit(6)
			}
			check("after few calls")
			p.learn(p.room(), timing{whole: time.Minute})
			for range 100 {
				commit(p.room())
			}
			check("after a hiccup")
		})
	}
}

func TestPaceStaysInItsBounds(t *testing.T) {
	p := newPace()
	for range 100 {
		p.learn(p.room(), timing{whole: time.Hour})
	}
	if p.room() != paceLeast {
		t.Errorf("room for %d, want %d", p.room(), paceLeast)
	}
	for range 100 {
		p.learn(p.room(), timing{})
	}
	if p.room() != paceMost {
		t.Errorf("room for %d, want %d", p.room(), paceMost)
	}
}
