package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// took takes in what came of a guest.
func (j *replayJob) took(r returned) {
	r.item.out = false
	j.out--
	if !r.visit.made {
		return
	}
	v := r.visit
	repeated := v.fault && r.item.faulty
	if r.item.faulty = v.fault; repeated { // for days, perhaps, and nothing bounds it: the first is recorded
		r.item.due, r.item.event.BudgetFrom = v.due, v.from
		return
	}
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
		j.given = append(j.given, r.item.number)
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

// ahead counts what was delivered and given up behind the cursor, and so would be sent, and counted, once more by a job that
// begins there.
func (j *replayJob) ahead() (delivered, failed int64) {
	if len(j.open) == 0 {
		j.given = nil
		return 0, 0
	}
	first := j.open[0].number
	j.given = slices.DeleteFunc(j.given, func(place int64) bool { return place < first })
	failed = int64(len(j.given))
	delivered = j.reads - first - int64(len(j.open)) - failed // settled, and forgotten
	for _, item := range j.open {
		if item.decided {
			delivered++
		}
	}
	return delivered, failed
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
	delivered, failed := j.ahead()
	r, err := j.d.o.Replays.SaveReplay(j.d.settling, relation.ReplayProgress{
		ID: j.replay.ID, State: state, Rate: -1, Cursor: j.cursor(),
		Delivered: j.replay.Delivered - delivered, Failed: j.replay.Failed - failed,
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
		j.sayMissing()
	}
	wait := replayRetryBase
	for j.dirty = true; j.dirty && j.d.settling.Err() == nil; {
		if j.put(state); j.dirty {
			sleep(j.d.settling, wait)
			wait = min(2*wait, replayRetryCap)
		}
	}
}

// sayMissing tells of events that were selected and then not there when it was their turn.
func (j *replayJob) sayMissing() {
	missing := j.replay.Total - j.replay.Delivered - j.replay.Failed
	if missing <= 0 {
		return
	}
	note := fmt.Sprintf("%d of the events were not kept any more when it was their turn", missing)
	if j.replay.Selection.Dead {
		note = fmt.Sprintf("%d of the events were no dead letters any more when it was their turn", missing)
	}
	if j.note != "" {
		note += "; " + j.note
	}
	j.say(note)
}
