package dispatch

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/kithchat/kith/internal/relation"
)

const (
	// replayWindow is how many events of a replay are in memory.
	replayWindow = 128
	// replayPage is how many are read at a time.
	replayPage = 64
	// replaySettle is how many attempts are stored in one commit, replayLinger how long the first waits for others.
	replaySettle = 64
	replayLinger = 10 * time.Millisecond
	// replaySave is the time between two notes of the progress.
	replaySave = time.Second
	// replayBlocked is the time between two looks at an endpoint that does not take anything.
	replayBlocked = 250 * time.Millisecond
	// replayBudget bounds for how long an event of a replay is tried.
	replayBudget = time.Hour
)

// replayJob carries out one replay. Its goroutine alone touches it, except for what is said to be for others.
//
// It reads pages behind the last event that it has read, and holds what is not settled. Only the first of these of each
// account is offered to the endpoint, so an account's events go out in order. The cursor is the event before the earliest
// that is not settled.
type replayJob struct {
	d       *Dispatcher
	replay  relation.Replay
	of      *endpoint     // the first that it met; another one is another app's
	limiter *rate.Limiter // for others too
	halted  atomic.Bool   // for others: nothing more is to be sent
	wake    chan struct{} // for others; capacity 1
	visits  chan returned // for others; has room for all guests
	open    []*replayItem // not settled, in order
	read    string        // id of the last event read
	reads   int64         // how many were
	end     bool          // nothing is left to read
	out     int           // guests at the endpoint
	given   []int64       // places of those that were given up and are not before the cursor

	unstored []relation.ReplaySettlement
	settling []*replayItem // those that unstored settles
	since    time.Time     // of the first of unstored
	saved    time.Time
	dirty    bool
	note     string
	blocked  time.Time // since when the endpoint takes nothing; zero: it does
	pageAt   time.Time // no page is read before; after a fault
}

// replayItem is an event of a replay.
type replayItem struct {
	event   relation.Event
	before  string // id of the event before it
	number  int64  // its place among those that the job read
	out     bool   // a guest at the endpoint
	due     time.Time
	faulty  bool // the last attempt failed, and not by the endpoint's answer to this event
	decided bool // delivered or given up
	settled bool // and stored as such
}

type returned struct {
	item  *replayItem
	visit visit
}

func newReplayJob(d *Dispatcher, r relation.Replay) *replayJob {
	j := &replayJob{
		d: d, replay: r, wake: make(chan struct{}, 1), visits: make(chan returned, replayWindow),
		limiter: rate.NewLimiter(rate.Inf, 1), saved: d.o.Now(),
	}
	j.setRate(r.Rate)
	return j
}

// setRate changes how many events a second are sent at most. Others may call it.
func (j *replayJob) setRate(perSecond float64) {
	limit := rate.Inf
	if perSecond > 0 {
		limit = rate.Limit(perSecond)
	}
	if j.limiter.Limit() == limit {
		return
	}
	j.limiter.SetLimit(limit)
	j.limiter.SetBurst(max(1, int(perSecond/20)))
	j.notify()
}

// halt makes the job end once what is under way is settled. Others may call it.
func (j *replayJob) halt() {
	j.halted.Store(true)
	j.notify()
}

func (j *replayJob) notify() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// run works until the replay is done or halted, or until ctx ends. What is under way then is still settled, and the progress
// stored.
func (j *replayJob) run(ctx context.Context) {
	if !j.begin(ctx) {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	for {
		wait := j.step(ctx)
		if j.over() {
			j.finish()
			return
		}
		timer.Reset(wait)
		select {
		case r := <-j.visits:
			j.took(r)
		case <-timer.C:
		case <-j.wake:
		case <-stop:
			stop = nil
			j.halted.Store(true)
		}
	}
}

// begin reads where the replay stands, once an earlier job can write no more: the list that named it may be older than that
// job's end. It reports false when the replay does not run any more.
func (j *replayJob) begin(ctx context.Context) bool {
	for wait := replayRetryBase; ; wait = min(2*wait, replayRetryCap) {
		r, err := j.d.o.Replays.Replay(ctx, j.replay.ID)
		switch {
		case ctx.Err() != nil, j.halted.Load(), errors.Is(err, relation.ErrNoReplay):
			return false
		case err == nil:
			j.replay, j.read = r, r.Cursor
			j.setRate(r.Rate)
			return r.State == relation.ReplayRunning
		}
		j.d.o.Log.Warn("a replay cannot be read; trying again", "replay", j.replay.ID, "error", err)
		sleep(ctx, wait)
	}
}

// over reports whether nothing is left to do or to wait for.
func (j *replayJob) over() bool {
	return j.out == 0 && len(j.unstored) == 0 && (j.halted.Load() || j.end && len(j.open) == 0)
}

// step does what can be done now, and returns for how long there is nothing else.
func (j *replayJob) step(ctx context.Context) time.Duration {
	for drained := false; !drained; {
		select {
		case r := <-j.visits:
			j.took(r)
		default:
			drained = true
		}
	}
	wait := j.store()
	if !j.halted.Load() {
		wait = min(wait, j.readOn(ctx), j.send())
	}
	return max(min(wait, j.save()), time.Millisecond)
}
