package hostile

import (
	"io"
	"sync"
	"time"
)

// Journal is what a receiver knows of the events that came. It checks while it is written.
type Journal struct {
	mu       sync.Mutex
	log      io.Writer // nil: memory only
	now      func() time.Time
	strict   time.Duration
	accounts map[Account]*ledger
	events   map[string]*entry  // by id
	replays  map[string]*replay // by id
	open     map[int64]*Visit
	visits   int64
	last     time.Time // when something was taken
	count    Counts
	problems []Problem
	err      error // of log
}

// Counts sums up a journal.
type Counts struct {
	Arrived  int           // requests with an event
	Taken    int           // different events that were taken
	Repeats  int           // times that an event was taken again
	Late     int           // copies that came after a newer event, having been under way all the time
	Replayed int           // requests that were marked as a replay
	Tests    int           // requests that were marked as a test
	Gap      time.Duration // the longest time in which nothing new was taken, since Watch
}

// Problem is a broken promise. Event is the id of the event that a dead letter of the same id excuses, if anything does.
type Problem struct {
	What  string
	Event string
}

// ledger is what came of one account.
type ledger struct {
	newest *entry // that arrived, replays aside
	taken  []*entry
	open   map[*Visit]bool
}

// entry is one event.
type entry struct {
	Event
	attempts int // highest number of those that arrived
	taken    int
}

// replay is what came of one.
type replay struct {
	newest map[Account]*entry
	came   map[string]bool // ids that arrived
	taken  map[string]bool // ids that were taken
	odd    []oddity
}

// oddity is an event that came out of order in a replay.
type oddity struct {
	what  string
	event *entry
}

// Visit is one request.
type Visit struct {
	journal *Journal
	number  int64
	event   Event
	since   time.Time
	met     *Visit // an earlier one of the account that was in flight, and must not have been
}

// NewJournal returns an empty journal. What happens is appended to log, line by line and before it is acted on, unless
// log is nil; ReadJournal reads that again.
func NewJournal(log io.Writer) *Journal {
	return &Journal{
		log: log, now: time.Now, accounts: map[Account]*ledger{}, events: map[string]*entry{},
		replays: map[string]*replay{}, open: map[int64]*Visit{},
	}
}

// Strict makes the journal check that one callback of an account is in flight at a time, from now on. The sender waits
// for at least patience. Where a proxy holds requests back this cannot be told, and must be switched off with 0.
func (j *Journal) Strict(patience time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.strict = patience
	for _, v := range j.open {
		v.since = time.Time{} // it may be held back, who knows
	}
}

// Watch measures the longest time without a new event from now on.
func (j *Journal) Watch() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last, j.count.Gap = j.now(), 0
}

// Counts returns the sums.
func (j *Journal) Counts() Counts {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.count
}

// Taken returns the events of an account that were taken, in the order in which that happened first.
func (j *Journal) Taken(a Account) []Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	l := j.accounts[a]
	if l == nil {
		return nil
	}
	events := make([]Event, len(l.taken))
	for i, e := range l.taken {
		events[i] = e.Event
	}
	return events
}

// Replayed returns how many different events of a replay were taken, and what was out of order in it. The sender may add
// what was settled only after the replay was created: of other events than those that were settled then nothing is said.
func (j *Journal) Replayed(id string, settled func(event string) bool) (taken int, problems []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.replays[id]
	if r == nil {
		return 0, nil
	}
	for _, o := range r.odd {
		if settled(o.event.ID) {
			problems = append(problems, o.what)
		}
	}
	return len(r.taken), problems
}

// Accounts returns the accounts of which something came, in no particular order.
func (j *Journal) Accounts() []Account {
	j.mu.Lock()
	defer j.mu.Unlock()
	accounts := make([]Account, 0, len(j.accounts))
	for a := range j.accounts {
		accounts = append(accounts, a)
	}
	return accounts
}

// Problems returns the promises that were broken. An event that became a dead letter excuses what it is named in: the
// account's later events went on without it, and a copy that was under way may still have come.
func (j *Journal) Problems(dead map[string]bool) []Problem {
	j.mu.Lock()
	defer j.mu.Unlock()
	var problems []Problem
	for _, p := range j.problems {
		if !dead[p.Event] {
			problems = append(problems, p)
		}
	}
	return problems
}

// Err returns why the journal could not be written.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// maxProblems is how many broken promises are kept.
const maxProblems = 100

func (j *Journal) complain(what, event string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.write(line{Problem: what, ID: event})
	j.add(what, event)
}

func (j *Journal) add(what, event string) {
	if len(j.problems) < maxProblems {
		j.problems = append(j.problems, Problem{what, event})
	}
}
