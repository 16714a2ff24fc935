package hostile

import "fmt"

// arrive notes a request that came whole.
func (j *Journal) arrive(e Event) *Visit {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.visits++
	j.write(line{Arrived: &e, Visit: j.visits, At: j.now()})
	return j.begin(e, j.visits)
}

// begin begins a visit, and checks it against what is known of the event and its account.
func (j *Journal) begin(e Event, number int64) *Visit {
	v := &Visit{journal: j, number: number, event: e, since: j.now()}
	j.open[number] = v
	if e.Test {
		j.count.Tests++
		return v
	}
	j.count.Arrived++
	l := j.accounts[e.Account]
	if l == nil {
		l = &ledger{open: map[*Visit]bool{}}
		j.accounts[e.Account] = l
	}
	for other := range l.open {
		if j.strict > 0 && v.since.Sub(other.since) < j.strict/2 {
			v.met = other
		}
	}
	l.open[v] = true
	known := j.events[e.ID]
	if known == nil {
		known = &entry{Event: e}
		j.events[e.ID] = known
		j.checkNew(l, known)
	} else {
		j.checkAgain(l, known, e)
	}
	if e.Replay != "" {
		j.checkReplay(known, e)
		return v // its attempts are counted for themselves
	}
	known.attempts = max(known.attempts, e.Attempt)
	return v
}

// checkNew checks an event that comes for the first time.
func (j *Journal) checkNew(l *ledger, e *entry) {
	if e.Replay != "" {
		return
	}
	if n := l.newest; n != nil {
		if n.taken == 0 {
			j.add(fmt.Sprintf("%s of %v came while %s was not taken", e.ID, e.Account, n.ID), n.ID)
		}
		if !n.before(e) {
			j.add(fmt.Sprintf("%s of %v came after the newer %s", e.ID, e.Account, n.ID), e.ID)
		}
	}
	if l.newest == nil || l.newest.before(e) {
		l.newest = e
	}
}

// checkAgain checks an event that comes again. A copy that was under way all the time is no later attempt, nor was it sent
// later than the newer event.
func (j *Journal) checkAgain(l *ledger, known *entry, e Event) {
	if known.Account != e.Account || known.Digest != e.Digest || known.Command != e.Command || known.Sequence != e.Sequence {
		j.add(fmt.Sprintf("%s of %v came again with another content", e.ID, e.Account), "")
	}
	switch {
	case e.Replay != "": // sent again on an order
	case l.newest != nil && l.newest.ID != e.ID && (e.Attempt > known.attempts || e.Sent > l.newest.Sent):
		j.add(fmt.Sprintf("%s of %v was sent again, attempt %d, after %s", e.ID, e.Account, e.Attempt, l.newest.ID), e.ID)
	case l.newest != nil && l.newest.ID != e.ID:
		j.count.Late++
	}
}

// checkReplay checks an event that comes by a replay: the events of an account come in order there too. After a restart of
// the sender some come once more.
func (j *Journal) checkReplay(known *entry, e Event) {
	j.count.Replayed++
	r := j.replays[e.Replay]
	if r == nil {
		r = &replay{newest: map[Account]*entry{}, came: map[string]bool{}, taken: map[string]bool{}}
		j.replays[e.Replay] = r
	}
	if r.came[e.ID] {
		return
	}
	r.came[e.ID] = true
	if n := r.newest[e.Account]; n != nil && !n.before(known) {
		r.odd = append(r.odd, oddity{fmt.Sprintf("%s of %v came after the newer %s in the replay %s", e.ID, e.Account, n.ID, e.Replay), known})
		return
	}
	r.newest[e.Account] = known
}

// before reports whether e was committed before other, of the same account.
func (e *entry) before(other *entry) bool { return e.Sequence < other.Sequence }

// take notes that the event is taken, before the sender is told.
func (v *Visit) take() {
	j := v.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	j.write(line{Taken: true, Visit: v.number, At: j.now()})
	j.take(v)
}

func (j *Journal) take(v *Visit) {
	e, l := j.events[v.event.ID], j.accounts[v.event.Account]
	if v.event.Test || e == nil {
		return
	}
	if r := j.replays[v.event.Replay]; r != nil {
		r.taken[e.ID] = true
	}
	e.taken++
	if e.taken > 1 {
		if v.event.Replay == "" {
			j.count.Repeats++
		}
		return
	}
	now := j.now()
	j.count.Taken++
	l.taken = append(l.taken, e)
	if !j.last.IsZero() {
		j.count.Gap = max(j.count.Gap, now.Sub(j.last))
		j.last = now
	}
}

// end notes that the exchange is over. Abandoned: the sender had gone before.
func (v *Visit) end(abandoned bool) {
	j := v.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	j.write(line{Ended: true, Visit: v.number, Abandoned: abandoned, At: j.now()})
	j.end(v, abandoned)
}

func (j *Journal) end(v *Visit, abandoned bool) {
	delete(j.open, v.number)
	l := j.accounts[v.event.Account]
	if l == nil {
		return
	}
	delete(l.open, v)
	if abandoned {
		return
	}
	for later := range l.open {
		if later.met == v && j.strict > 0 {
			j.add(fmt.Sprintf("%s and %s of %v were in flight together", v.event.ID, later.event.ID, v.event.Account), "")
		}
	}
}
