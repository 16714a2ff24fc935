package dispatch

import (
	"context"
	"time"
)

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
		j.open = append(j.open, &replayItem{event: e.Event, before: before, number: j.reads})
		j.reads++
	}
	return lookAlways
}

// send offers to the endpoint what may go out now, and returns when to go on at the latest.
func (j *replayJob) send() time.Duration {
	now := j.d.o.Now()
	wait := lookAlways
	e := (*j.d.endpoints.Load())[j.replay.SDKAppID]
	if j.of == nil {
		j.of = e
	}
	if j.of != e { // the app is gone; one that has its id now gets nothing of it
		j.halt()
		return lookAlways
	}
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
