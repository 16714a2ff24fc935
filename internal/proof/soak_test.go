package proof

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/pgtest"
)

// TestSoak is a short soak on each engine. `make soak` is a long one.
func TestSoak(t *testing.T) {
	for _, c := range []struct {
		engine string
		length time.Duration
		store  func(*testing.T, *SoakOptions)
	}{
		{"sqlite", 12 * time.Second, func(*testing.T, *SoakOptions) {}},
		{"postgres", 8 * time.Second, func(t *testing.T, o *SoakOptions) {
			server := pgtest.Start(t, pgtest.Options{NoSync: true})
			o.Store = server.NewDatabase(t)
			o.RestartStore = server.Relaunch
		}},
	} {
		t.Run(c.engine, func(t *testing.T) {
			seed := *seedFlag
			if seed == 0 {
				seed = rand.Uint64()
			}
			o := SoakOptions{For: c.length, Drain: 3 * time.Minute, Dir: t.TempDir(), Seed: seed, Owners: 40, Rate: 200, Say: t.Logf}
			c.store(t, &o)
			sum, err := Soak(t.Context(), o)
			if err != nil {
				t.Fatalf("%v\n%v", err, sum)
			}
			for _, problem := range sum.Problems {
				t.Error(problem)
			}
			t.Log(sum)
			if !sum.Passed() || sum.ServerKills == 0 || sum.ReceiverKills == 0 {
				t.Error("nothing was proved, or something was refuted")
			}
		})
	}
}
