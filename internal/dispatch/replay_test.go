package dispatch

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// replayWorld is a world with replays that can run.
func replayWorld(t *testing.T, rc http.Handler, m *memoryReplays) *world {
	w := newWorld(t, rc)
	w.o.Replays = m
	return w
}

func (w *world) replayed(m *memoryReplays, id string, limit time.Duration) relation.Replay {
	w.t.Helper()
	w.until("the replay is done", limit, func() bool { return m.job(id).State == relation.ReplayDone })
	return m.job(id)
}

var running = relation.Replay{ID: "job-1", State: relation.ReplayRunning}

func TestReplaySendsAllInOrderAndMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{}
		m := newMemoryReplays(1000, 7)
		w := replayWorld(t, rc, m)
		w.start()
		m.order(w.d, running)
		r := w.replayed(m, "job-1", time.Minute)
		w.stop()
		if r.Delivered != 1000 || r.Failed != 0 || r.Cursor != "old000999" || r.Note != "" {
			t.Errorf("at the end: %+v", r)
		}
		last := map[string]string{}
		for _, d := range rc.seen() {
			if d.Replay != "job-1" || d.Attempt != 1 || d.ID <= last[d.Owner] {
				t.Fatalf("after %s came %+v", last[d.Owner], d)
			}
			last[d.Owner] = d.ID
		}
		if got := m.delivered(); len(got) != 1000 || m.settled[0].Attempt.Replay != "job-1" || m.settled[0].Attempt.Number != 1 {
			t.Errorf("%d settled, the first is %+v", len(got), m.settled[0])
		}
		rc.checkOneAtATime(t)
		if m.saves > 20 {
			t.Errorf("the progress was stored %d times", m.saves)
		}
	})
}

func TestReplayKeepsToItsRateAndFollowsItsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{}
		m := newMemoryReplays(100_000, 50)
		w := replayWorld(t, rc, m)
		w.start()
		job := running
		job.Rate = 10
		m.order(w.d, job)
		pass(100 * time.Second)
		if n := len(rc.seen()); n < 990 || n > 1010 {
			t.Errorf("%d events in 100 s at 10 a second", n)
		}
		before := len(rc.seen())
		job.Rate = 100
		m.order(w.d, job)
		pass(10 * time.Second)
		if n := len(rc.seen()) - before; n < 980 || n > 1030 {
			t.Errorf("%d events in 10 s at 100 a second", n)
		}
		w.stop()
	})
}

func TestReplayIsPausedResumedAndCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: answerAfter(100 * time.Millisecond)}
		m := newMemoryReplays(2000, 500)
		w := replayWorld(t, rc, m)
		w.start()
		m.order(w.d, running)
		pass(time.Second)
		state := func(s relation.ReplayState) {
			job := m.job("job-1")
			job.State = s
			m.order(w.d, job)
			pass(time.Second)
		}
		state(relation.ReplayPaused)
		sent := len(rc.seen())
		if sent == 0 || sent == 2000 {
			t.Fatalf("%d were sent before the pause", sent)
		}
		pass(time.Hour)
		r := m.job("job-1")
		if n := len(rc.seen()); n != sent || r.State != relation.ReplayPaused || r.Delivered != int64(sent) {
			t.Errorf("%d were sent during the pause; progress %+v after %d", n-sent, r, sent)
		}
		state(relation.ReplayRunning)
		if n := len(rc.seen()); n == sent {
			t.Error("nothing was sent after the pause")
		}
		state(relation.ReplayCancelled)
		sent = len(rc.seen())
		pass(time.Hour)
		if n := len(rc.seen()); n != sent || m.job("job-1").State != relation.ReplayCancelled {
			t.Errorf("%d were sent after the end; %+v", n-sent, m.job("job-1"))
		}
		w.stop()
		if got := rc.ids(""); len(distinct(got)) != len(got) {
			t.Error("events were sent twice")
		}
	})
}

func TestReplayGoesOnAfterARestartFromItsCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: answerAfter(20 * time.Millisecond)}
		m := newMemoryReplays(5000, 300)
		w := replayWorld(t, rc, m)
		w.start()
		m.order(w.d, running)
		pass(500 * time.Millisecond)
		w.stop()
		sent := len(rc.seen())
		if r := m.job("job-1"); r.State != relation.ReplayRunning || r.Delivered != int64(sent) {
			t.Errorf("after the stop: %+v, with %d sent", r, sent)
		}
		w.start()
		w.replayed(m, "job-1", time.Minute)
		w.stop()
		if n := len(rc.seen()); n < 5000 || n > 5000+replayWindow {
			t.Errorf("%d requests for 5000 events", n)
		}
		if got := distinct(m.delivered()); len(got) != 5000 {
			t.Errorf("%d of 5000 events", len(got))
		}
	})
}

// A replay shares its accounts with live events: never two of one account at a time, and live ones keep half the room.
func TestReplayAndLiveEventsShareTheEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: answerAfter(50 * time.Millisecond)}
		m := newMemoryReplays(6000, 20)
		w := replayWorld(t, rc, m)
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb", Concurrency: 8}))
		w.start()
		m.order(w.d, running)
		pass(time.Second)
		committed := map[string]time.Time{}
		var live []string
		for n := range 400 {
			event := w.outbox.commit(appA, fmt.Sprintf("user%03d", n%20), "x")
			committed[event.ID] = time.Now()
			live = append(live, event.ID)
			pass(50 * time.Millisecond)
		}
		w.drained(10 * time.Second)
		replayed := 0
		for _, d := range rc.seen() {
			if d.Replay != "" {
				replayed++
			} else if took := d.At.Sub(committed[d.ID]); took > 300*time.Millisecond {
				t.Errorf("a live event waited for %v", took)
			}
		}
		if most := rc.mostAtOnce(); most > 8 || replayed < 1000 {
			t.Errorf("%d at a time, %d replayed meanwhile", most, replayed)
		}
		w.stop()
		rc.checkOneAtATime(t)
		var got []string
		for _, d := range rc.seen() {
			if d.Replay == "" && d.Took {
				got = append(got, d.ID)
			}
		}
		slices.Sort(got)
		slices.Sort(live)
		if !slices.Equal(got, live) {
			t.Errorf("%d live events arrived, want %d", len(got), len(live))
		}
	})
}

func TestReplayWaitsForAnEndpointThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(5 * time.Hour)
		rc := &receiver{answer: failUntil(&up)}
		m := newMemoryReplays(500, 100)
		w := replayWorld(t, rc, m)
		w.start()
		m.order(w.d, running)
		w.outbox.commit(appA, "mira.k", "x") // what probes
		pass(time.Hour)
		if r := m.job("job-1"); !strings.Contains(r.Note, "the endpoint is failing: status: 500") || r.Failed > 0 {
			t.Errorf("while the endpoint is down: %+v", r)
		}
		pass(5 * time.Hour)
		if r := w.replayed(m, "job-1", time.Minute); r.Delivered != 500 || r.Failed != 0 || r.Note != "" {
			t.Errorf("at the end: %+v", r)
		}
		w.stop()
	})
}

func TestReplayWaitsForAnEndpointThatIsPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{}
		m := newMemoryReplays(50, 10)
		w := replayWorld(t, rc, m)
		paused := testApp(appA, relation.Callback{URL: "http://a.test/cb", Paused: &relation.Pause{Reason: "moving house"}})
		w.apps.set(paused)
		w.start()
		m.order(w.d, running)
		pass(10 * time.Hour)
		if r := m.job("job-1"); len(rc.seen()) != 0 || r.Note != "waits: the endpoint is paused: moving house" {
			t.Errorf("%d sent, note %q", len(rc.seen()), r.Note)
		}
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb"}))
		w.d.AppsChanged()
		w.replayed(m, "job-1", time.Minute)
		w.stop()
	})
}

// What the app backend never takes is counted as failed, and neither stops other accounts nor later events of its own.
func TestReplayGivesUpWhatIsNeverTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: answerRefusing(func(d delivery) bool { return d.ID == "old000003" })}
		m := newMemoryReplays(600, 30)
		w := replayWorld(t, rc, m)
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb", MaxAttempts: 6}))
		w.start()
		m.order(w.d, running)
		pass(3 * time.Second)
		if n := len(rc.ids("")); n < replayWindow-30 {
			t.Errorf("only %d were delivered while one is refused", n)
		}
		r := w.replayed(m, "job-1", time.Minute)
		w.stop()
		if r.Delivered != 599 || r.Failed != 1 || !strings.Contains(r.Note, "app-error: ErrorCode 17; given up after 6 attempts") {
			t.Errorf("at the end: %+v", r)
		}
		var attempts []int
		for _, d := range rc.seen() {
			if d.ID == "old000003" {
				attempts = append(attempts, d.Attempt)
			}
		}
		if !slices.Equal(attempts, []int{1, 2, 3, 4, 5, 6}) {
			t.Errorf("attempts %v", attempts)
		}
	})
}

// pauseAndResume pauses a replay for five seconds, and lets it run for as long.
func (w *world) pauseAndResume(m *memoryReplays, id string) {
	for _, state := range []relation.ReplayState{relation.ReplayPaused, relation.ReplayRunning} {
		job := m.job(id)
		job.State = state
		m.order(w.d, job)
		pass(5 * time.Second)
	}
}

// What was delivered behind an event that is still tried is sent again after a pause, and yet counted once.
func TestReplayCountsNothingTwiceAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mended := time.Now().Add(30 * time.Second)
		rc := &receiver{answer: answerRefusing(func(d delivery) bool { return d.ID == "old000003" && d.At.Before(mended) })}
		m := newMemoryReplays(600, 30)
		w := replayWorld(t, rc, m)
		w.start()
		m.order(w.d, running)
		pass(5 * time.Second)
		w.pauseAndResume(m, "job-1")
		r := w.replayed(m, "job-1", time.Hour)
		w.stop()
		if again := len(rc.seen()); again <= 600 || r.Delivered != 600 || r.Total != 600 {
			t.Errorf("%d requests; at the end: %+v", again, r)
		}
	})
}

// What was given up behind an event that is still tried is counted once as well, and as what it is.
func TestReplayCountsNoFailureTwiceAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mended := time.Now().Add(30 * time.Second)
		refusing := answerRefusing(func(d delivery) bool { return d.ID == "old000040" })
		rc := &receiver{answer: func(d delivery, rw http.ResponseWriter, r *http.Request) bool {
			if d.ID == "old000003" && d.At.Before(mended) {
				rw.WriteHeader(http.StatusInternalServerError)
				return false
			}
			return refusing(d, rw, r)
		}}
		m := newMemoryReplays(600, 30)
		w := replayWorld(t, rc, m)
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb", AppError: relation.AppErrorPark}))
		w.start()
		m.order(w.d, running)
		pass(5 * time.Second)
		w.pauseAndResume(m, "job-1")
		r := w.replayed(m, "job-1", time.Hour)
		w.stop()
		if r.Delivered != 599 || r.Failed != 1 || strings.Contains(r.Note, "not kept") {
			t.Errorf("at the end: %+v", r)
		}
	})
}

// Retention goes on during a replay. What it removed before it was sent is told of.
func TestReplayTellsWhatIsNotKeptAnyMore(t *testing.T) {
	for dead, want := range map[bool]string{
		false: "500 of the events were not kept any more when it was their turn",
		true:  "500 of the events were no dead letters any more when it was their turn",
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemoryReplays(600, 30)
			w := replayWorld(t, &receiver{}, m)
			job := running
			job.SDKAppID, job.Selection.Dead, job.Total = appA, dead, 600
			m.jobs[job.ID], m.events = job, m.events[500:]
			w.start()
			r := w.replayed(m, "job-1", time.Hour)
			w.stop()
			if r.Delivered != 100 || r.Note != want {
				t.Errorf("at the end: %+v", r)
			}
		})
	}
}

func TestReplayUnderFaults(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { replayUnderFaults(t, seed) })
		})
	}
}

// replayUnderFaults replays while the receiver and the store fail at random, live events are committed, and the dispatcher is
// restarted now and then, for half of the seeds. For the other half the order holds.
func replayUnderFaults(t *testing.T, seed uint64) {
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	rc := &receiver{answer: prompt(rand.New(rand.NewPCG(seed, 2)))}
	m := newMemoryReplays(1500, 1+random.IntN(60))
	faults := rand.New(rand.NewPCG(seed, 3))
	m.fail = func(string) error {
		if faults.IntN(6) == 0 {
			return errors.New("injected fault")
		}
		return nil
	}
	w := replayWorld(t, rc, m)
	w.start()
	m.order(w.d, running)
	for n := range 200 {
		w.outbox.commit(appA, fmt.Sprintf("user%03d", n%10), "x")
		pass(time.Duration(random.IntN(400)) * time.Millisecond)
		if seed%2 == 0 && random.IntN(50) == 0 {
			w.stop()
			w.start()
		}
	}
	w.replayed(m, "job-1", 100*time.Hour)
	w.drained(time.Hour)
	w.stop()
	rc.checkOneAtATime(t)
	last := map[string]string{}
	for _, d := range rc.seen() {
		if d.Replay == "" || !d.Took || seed%2 == 0 {
			continue
		}
		if d.ID <= last[d.Owner] {
			t.Fatalf("%s came after %s", d.ID, last[d.Owner])
		}
		last[d.Owner] = d.ID
	}
	if got := distinct(m.delivered()); len(got) != 1500 {
		t.Errorf("%d of 1500 events were delivered", len(got))
	}
}

func TestReplayOfManyEventsKeepsFewInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: func(_ delivery, _ http.ResponseWriter, r *http.Request) bool {
			<-r.Context().Done()
			return false
		}}
		m := newMemoryReplays(10_000, 5000)
		w := replayWorld(t, rc, m)
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb", TimeoutMS: time.Hour.Milliseconds()}))
		w.start()
		m.order(w.d, running)
		pass(time.Minute)
		m.mu.Lock()
		if m.pages > replayWindow/replayPage {
			t.Errorf("%d pages were read, and nothing was settled", m.pages)
		}
		m.mu.Unlock()
		e := (*w.d.endpoints.Load())[appA]
		e.mu.Lock()
		if e.guests.busy > limitStart/2 {
			t.Errorf("%d guests under way", e.guests.busy)
		}
		e.mu.Unlock()
		w.apps.set()
		w.d.AppsChanged()
		w.d.cancelAttempts()
		w.stop()
	})
}

// The hours for which a replay waits for its endpoint are not taken from the time of the events that had failed before.
func TestReplayThatWaitsLosesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(5 * time.Hour)
		rc := &receiver{}
		before, after := map[string]bool{}, map[string]bool{}
		rc.answer = func(d delivery, w http.ResponseWriter, _ *http.Request) bool {
			rc.mu.Lock()
			down := d.At.Before(up)
			again := before[d.ID] && !after[d.ID]
			(map[bool]map[string]bool{true: before, false: after})[down][d.ID] = true
			rc.mu.Unlock()
			if down || again {
				w.WriteHeader(http.StatusInternalServerError)
				return false
			}
			_, _ = io.WriteString(w, answerOK)
			return true
		}
		m := newMemoryReplays(500, 100)
		w := replayWorld(t, rc, m)
		w.start()
		m.order(w.d, running)
		r := w.replayed(m, "job-1", 10*time.Hour)
		w.stop()
		if r.Delivered != 500 || r.Failed != 0 || len(before) < opensAfter {
			t.Errorf("after %d failures: %+v", len(before), r)
		}
	})
}
