package dispatch

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An outage of the store is one line for each app, however long it lasts.
func TestOutageOfReadsIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		w := newWorld(t, &receiver{})
		w.o.Log = log.logger()
		w.start()
		told := func() int { return strings.Count(log.String(), "due events cannot be read") }
		for outage := 1; outage <= 2; outage++ {
			w.outbox.failWith(func(string) error { return errors.New("the database is away") })
			w.outbox.commit(appA, "mira", "x")
			pass(time.Hour)
			if told() != outage {
				t.Errorf("after %d outages: told %d times\n%s", outage, told(), log.String())
			}
			w.outbox.failWith(nil)
			w.drained(time.Hour)
		}
		w.stop()
	})
}

func TestAddresses(t *testing.T) {
	for n, want := range map[int]string{0: "0 addresses", 1: "1 address", 2: "2 addresses"} {
		if got := addresses(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
