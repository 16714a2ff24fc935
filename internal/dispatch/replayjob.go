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
	limiter *rate.Limiter // for others too
	halted  atomic.Bool   // for others: nothing more is to be sent
	wake    chan struct{} // for others; capacity 1
	visits  chan returned // for others; has room for all guests
	open    []*replayItem // not settled, in order
	read    string        // id of the last event read
	end     bool          // nothing is left to read
	out     int           // guests at the endpoint

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
	out     bool   // a guest at the endpoint
	due     time.Time
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
		limiter: rate.NewLimiter(rate.Inf, 1), read: r.Cursor, saved: d.o.Now(),
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

// readOn reads the next page when there is room for it. It returns when to try again at the latest.
func (j *replayJob) readOn(ctx context.Context) time.Duration {
	now := j.d.o.Now()
	if j.end || len(j.open)+replayPage > replayWindow {
		return lookAlways
	}
	if soon(now, j.pageAt, replayRetryBase) {
		return j.pageAt.Sub(now)
	}
	page, err := j.d.o.Replays.ReplayPage(ctx, j.replay.SDKAppID, j.replay.Selection, j.read, replayPage)
	if err != nil {
		j.pageAt = now.Add(replayRetryBase)
		if ctx.Err() == nil {
			j.say("its events cannot be read; trying again")
			j.d.o.Log.Warn("events of a replay cannot be read; trying again", "replay", j.replay.ID, "error", err)
		}
		return replayRetryBase
	}
	j.end = len(page) == 0
	for _, e := range page {
		before := j.read
		j.read = e.ID
		e.Attempts, e.BudgetFrom = 0, time.Time{}
		j.open = append(j.open, &replayItem{event: e.Event, before: before})
	}
	return lookAlways
}

// send offers to the endpoint what may go out now, and returns when to go on at the latest.
func (j *replayJob) send() time.Duration {
	now := j.d.o.Now()
	wait := lookAlways
	e := (*j.d.endpoints.Load())[j.replay.SDKAppID]
	held := map[string]bool{} // accounts with an earlier event that is not decided
	for _, item := range j.open {
		owner := item.event.Owner
		if item.decided || held[owner] {
			continue
		}
		held[owner] = true
		if item.out {
			continue
		}
		if soon(now, item.due, strayAfter) {
			wait = min(wait, item.due.Sub(now))
			continue
		}
		if e == nil || !e.takesGuests() {
			return min(wait, j.block(e, now))
		}
		if r := j.limiter.Reserve(); r.Delay() > 0 {
			delay := r.Delay()
			r.Cancel()
			return min(wait, delay)
		}
		if !e.welcome(j.guest(item)) {
			return min(wait, j.block(e, now))
		}
		item.out = true
		j.out++
		j.unblock(now)
	}
	return wait
}

func (j *replayJob) guest(item *replayItem) *guest {
	return &guest{
		event: item.event, replay: j.replay.ID, cancelled: j.halted.Load,
		back: func(v visit) { j.visits <- returned{item, v} },
	}
}

// block notes that the endpoint takes nothing.
func (j *replayJob) block(e *endpoint, now time.Time) time.Duration {
	if j.blocked.IsZero() {
		j.blocked = now
	}
	j.say(blockedNote(e))
	return replayBlocked
}

// unblock goes on. What was waited for the endpoint is not taken from the events' time.
func (j *replayJob) unblock(now time.Time) {
	if j.blocked.IsZero() {
		return
	}
	waited := max(0, now.Sub(j.blocked))
	for _, item := range j.open {
		if !item.event.BudgetFrom.IsZero() {
			item.event.BudgetFrom = item.event.BudgetFrom.Add(waited)
		}
	}
	j.blocked = time.Time{}
	j.say("")
}

func blockedNote(e *endpoint) string {
	if e == nil {
		return "the app is gone"
	}
	s := e.status()
	note := "waits: the endpoint is " + string(s.State)
	if s.Reason != "" {
		note += ": " + s.Reason
	}
	return note
}

// took takes in what came of a guest.
func (j *replayJob) took(r returned) {
	r.item.out = false
	j.out--
	if !r.visit.made {
		return
	}
	v := r.visit
	if len(j.unstored) == 0 {
		j.since = j.d.o.Now()
	}
	j.unstored = append(j.unstored, relation.ReplaySettlement{
		SDKAppID: j.replay.SDKAppID, ID: r.item.event.ID, Verdict: v.verdict, Attempt: v.attempt,
	})
	switch v.verdict {
	case relation.Delivered:
		j.decide(r.item)
		j.replay.Delivered++
	case relation.Dead:
		j.decide(r.item)
		j.replay.Failed++
		j.say("last failure: " + v.reason)
	case relation.Retry:
		r.item.due, r.item.event.BudgetFrom = v.due, v.from
		if !v.fault {
			r.item.event.Attempts++
		}
	}
	j.dirty = true
}

func (j *replayJob) decide(item *replayItem) {
	item.decided = true
	j.settling = append(j.settling, item)
}

// store commits attempts once there are enough or the first has waited. It returns how long it can wait.
func (j *replayJob) store() time.Duration {
	if len(j.unstored) == 0 {
		return lookAlways
	}
	if wait := replayLinger - j.d.o.Now().Sub(j.since); len(j.unstored) < replaySettle && wait > 0 && wait <= replayLinger && j.out > 0 {
		return wait
	}
	retry := settleRetryBase
	for failed := false; ; failed = true {
		err := j.d.o.Replays.SettleReplay(j.d.settling, j.unstored)
		if err == nil || j.d.settling.Err() != nil {
			break
		}
		if !failed {
			j.d.o.Log.Warn("attempts of a replay cannot be stored; it waits until they can", "replay", j.replay.ID, "error", err)
		}
		sleep(j.d.settling, retry)
		retry = min(2*retry, settleRetryCap)
	}
	for _, item := range j.settling {
		item.settled = true
	}
	j.unstored, j.settling = nil, nil
	j.forget()
	return lookAlways
}

// forget drops what is settled.
func (j *replayJob) forget() {
	rest := j.open[:0]
	for _, item := range j.open {
		if !item.settled {
			rest = append(rest, item)
		}
	}
	clear(j.open[len(rest):])
	j.open = rest
}

// cursor is the event behind which nothing is left to settle.
func (j *replayJob) cursor() string {
	if len(j.open) > 0 {
		return j.open[0].before
	}
	return j.read
}

func (j *replayJob) say(note string) {
	if j.note != note {
		j.note, j.dirty = note, true
	}
}

// save stores the progress when there is some and the last time was long enough ago. It returns when to do so next.
func (j *replayJob) save() time.Duration {
	now := j.d.o.Now()
	if !j.dirty {
		return lookAlways
	}
	if next := j.saved.Add(replaySave); soon(now, next, replaySave) {
		return next.Sub(now)
	}
	j.put("")
	return lookAlways
}

// put stores the progress. Whoever finds the replay gone, or ended by somebody else, halts.
func (j *replayJob) put(state relation.ReplayState) {
	now := j.d.o.Now()
	r, err := j.d.o.Replays.SaveReplay(j.d.settling, relation.ReplayProgress{
		ID: j.replay.ID, State: state, Rate: -1, Cursor: j.cursor(), Delivered: j.replay.Delivered, Failed: j.replay.Failed,
		Note: j.note, At: now,
	})
	j.saved = now
	switch {
	case err == nil && r.State == relation.ReplayRunning:
		j.dirty = false
		j.setRate(r.Rate)
	case err == nil, errors.Is(err, relation.ErrNoReplay):
		j.dirty = false
		j.halted.Store(true)
	case j.d.settling.Err() == nil:
		j.d.o.Log.Warn("the progress of a replay cannot be stored; trying again", "replay", j.replay.ID, "error", err)
	}
}

// finish stores where the replay stands at its end.
func (j *replayJob) finish() {
	state := relation.ReplayState("")
	if j.end && len(j.open) == 0 && !j.halted.Load() {
		state = relation.ReplayDone
	}
	wait := replayRetryBase
	for j.dirty = true; j.dirty && j.d.settling.Err() == nil; {
		if j.put(state); j.dirty {
			sleep(j.d.settling, wait)
			wait = min(2*wait, replayRetryCap)
		}
	}
}
