package dispatch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// TestEverythingAtOnce commits events of some accounts while, in random order and all at once, the endpoint answers, fails,
// hangs and says 410, the store refuses and loses answers, the app is paused, disabled, pointed elsewhere, deleted and made
// anew, listeners come and go, replays run, events are parked and hurried, the clock is set, and Kith is restarted. Then the
// endpoint fails for a while, and must be left alone. Then all becomes calm, and everything must be settled, in order, with
// nothing left in memory.
func TestEverythingAtOnce(t *testing.T) {
	for seed := range uint64(modelSeeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newModel(t, seed).run() })
		})
	}
}

const (
	modelSeeds = 24
	modelSteps = 400
	// modelTimeout is the least timeout of attempts.
	modelTimeout = 500 * time.Millisecond
)

// model is a world whose every part misbehaves at random.
type model struct {
	*world
	t       *testing.T
	rnd     *dice
	journal *modelJournal
	replays *memoryReplays

	appMu     sync.Mutex // guards app and exists
	life      int        // of the app; its accounts have other names in each
	app       relation.App
	exists    bool
	parks     bool // it had a policy that gives events up
	edits     int64
	committed []relation.Event
	dropped   map[string]bool // ids of events that went with their app
	orders    int             // of replays
	owners    int
	listening []relation.Listening
	listeners sync.WaitGroup
	parking   sync.WaitGroup
	asked     map[string]bool // ids of events that somebody wanted to be parked

	mu   sync.Mutex
	mode string // of the receivers
	skew time.Duration
	sick bool // the stores fail now and then
}

// dice are random numbers for several goroutines.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *dice) n(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

// once in n times.
func (d *dice) once(n int) bool { return d.n(n) == 0 }

func (d *dice) upTo(most time.Duration) time.Duration { return time.Duration(d.n(int(most))) }

// moody is an Isolation that has attempts wait at random, and lets none begin for so many of every seven seconds.
type moody struct {
	rnd *dice
	off int64
}

func (m moody) Attempt(uint32) (time.Duration, bool) {
	if time.Now().Unix()%7 < m.off {
		return 0, false
	}
	return max(0, m.rnd.upTo(10*time.Millisecond)-5*time.Millisecond), !m.rnd.once(3)
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		t: t, rnd: &dice{r: rand.New(rand.NewPCG(seed, 7))}, journal: newModelJournal(),
		replays: newMemoryReplays(150, 1), mode: "well", dropped: map[string]bool{}, asked: map[string]bool{}, sick: true,
	}
	m.world = newWorld(t, http.HandlerFunc(m.receive))
	m.net.serve(t, "b.test:80", http.HandlerFunc(m.receive))
	m.apps.set()
	m.outbox.now = m.now
	m.outbox.failWith(m.failing)
	m.replays.fail = m.failing
	m.o.Now = m.now
	m.o.Outbox = &slowOutbox{m.outbox, m}
	m.o.Replays = m.replays
	m.o.Random = func() float64 { return float64(m.rnd.n(1000)) / 1000 }
	m.o.Isolation = moody{m.rnd, int64(seed / 9 % 3)}
	m.o.MaxLanes, m.o.MaxBytes = []int{1, 4, 1024}[seed%3], 4<<10
	m.owners = []int{2, 6, 40}[seed/3%3]
	m.o.Pause = func(_ context.Context, _ uint32, seen time.Time, p relation.Pause) error {
		if err := m.failing("pause"); err != nil {
			return err
		}
		m.appMu.Lock()
		defer m.appMu.Unlock()
		if m.exists && m.app.Updated.Equal(seen) {
			m.edits++
			m.app.Callback.Paused, m.app.Updated = &p, time.Unix(m.edits, 0)
			app := m.app
			m.apps.set(&app)
		}
		return nil
	}
	return m
}

func (m *model) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Add(m.skew)
}

// failing fails an operation of a store now and then.
func (m *model) failing(string) error {
	m.mu.Lock()
	sick := m.sick
	m.mu.Unlock()
	if sick && m.rnd.once(8) {
		return errInjected
	}
	return nil
}

func (m *model) set(mode string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mode = mode
}

func (m *model) owner(n int) string { return fmt.Sprintf("user%d.%d", n, m.life) }

// run plays, calms down and checks.
func (m *model) run() {
	m.start()
	m.change(m.create)
	for range modelSteps {
		m.step()
		if m.rnd.once(3) {
			pass(m.rnd.upTo(2 * time.Second))
		}
	}
	m.fail()
	m.calm()
	m.parking.Wait()
	m.check()
	m.stop()
	m.listeners.Wait()
}

// modelAge is so long that no event is given up for its age, however the clock is set.
const modelAge = int64(20 * 365 * 24 * time.Hour / time.Millisecond)

// fail has the endpoint fail for an hour and the stores now and then. However much waits, it gets few requests.
func (m *model) fail() {
	m.t.Helper()
	mode := []string{"failing", "broken", "hanging", "busy", "gone"}[m.rnd.n(5)]
	m.set(mode)
	m.reset()
	pass(10 * time.Minute)
	before := m.journal.count()
	pass(time.Hour)
	most := 60*60/24 + 10 // a probe each half minute, less a fifth
	if mode == "gone" {
		most = 0
	}
	if n := m.journal.count() - before; n > most {
		m.t.Errorf("%d requests in an hour in which the endpoint was %s, want %d at most", n, mode, most)
	}
}

// calm ends all misbehaviour.
func (m *model) calm() {
	m.mu.Lock()
	m.sick, m.mode = false, "well"
	m.mu.Unlock()
	m.reset()
}

// reset has the app's events go to its URL.
func (m *model) reset() {
	for len(m.listening) > 0 {
		m.leave()
	}
	m.change(func() {
		if !m.exists {
			m.create()
		}
		m.app.Disabled, m.app.Callback = false, relation.Callback{URL: "http://a.test/cb", MaxAgeMS: modelAge}
	})
	for _, r := range m.jobs() {
		if r.State == relation.ReplayPaused {
			m.orderTo(r.ID, relation.ReplayRunning) // or it stays as it is
		}
	}
}
