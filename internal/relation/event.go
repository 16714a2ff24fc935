package relation

import "time"

// EventKind says what an event tells. Its text is the documented callback command.
type EventKind string

// Kinds of events.
const (
	EventBlockAdd    EventKind = "Sns.CallbackBlackListAdd"
	EventBlockDelete EventKind = "Sns.CallbackBlackListDelete"
	// EventState tells of a login, logout or lost connection. It is the one kind that is off until an app switches it on.
	EventState EventKind = "State.StateChange"
)

// EventKinds returns all kinds, in the order in which they are listed to people.
func EventKinds() []EventKind { return []EventKind{EventBlockAdd, EventBlockDelete, EventState} }

// OptIn reports whether events of this kind are made only for an app that switched them on.
func (k EventKind) OptIn() bool { return k == EventState }

// NewEvent is an event as a rule makes it. The store gives it its owner (the scope's), place and id.
type NewEvent struct {
	Kind    EventKind
	Targets []string     // To_Account of each changed pair, in request order; of EventBlockAdd and EventBlockDelete
	State   *StateChange // of EventState, nil for the others
	Origin  Origin
}

// Event is an event in the outbox, on its way to the app backend. (SDKAppID, Owner, Seq) is its key and its place: the
// events of one owner are delivered in order of Seq, one at a time.
type Event struct {
	SDKAppID uint32
	Owner    string // From_Account
	Seq      int64  // grows by one with each event of the owner
	ID       string // UUID version 7, the same at every attempt
	NewEvent
	Created  time.Time // when it was committed, to the millisecond
	Attempts int       // attempts made so far, without those that failed by a fault of our own
	// BudgetFrom is when its time budget began: at its first failed attempt, later by each fault of our own since. Zero
	// before that.
	BudgetFrom time.Time
	// Head says that no earlier event of the owner waits. Only a head is delivered.
	Head bool
}

// EventKey names an event.
type EventKey struct {
	SDKAppID uint32
	Owner    string
	Seq      int64
}

// Key returns the event's key.
func (e *Event) Key() EventKey { return EventKey{SDKAppID: e.SDKAppID, Owner: e.Owner, Seq: e.Seq} }

// Verdict is what the dispatcher decided about an event after an attempt.
type Verdict uint8

// Verdicts.
const (
	// Delivered: the app backend has it. The event leaves the outbox, and the owner's next event becomes the head.
	Delivered Verdict = iota
	// Retry: the event stays the head and is due again at Settlement.Due.
	Retry
	// Dead: the event is parked as a dead letter, and the owner's next event becomes the head.
	Dead
)

// Settlement reports a verdict to the outbox, with the attempt that led to it.
type Settlement struct {
	EventKey
	Verdict  Verdict
	Attempts int       // attempts made so far, this one included unless it failed by a fault of our own
	Due      time.Time // when to try again; Retry only
	// BudgetFrom is the event's from now on; Retry only.
	BudgetFrom time.Time
	Reason     string    // why the last attempt failed; Retry and Dead
	At         time.Time // when the verdict was made
	// Attempt is the one that was made. A zero Attempt.At records none.
	Attempt Attempt
}

// Attempt is one request to an endpoint and what came of it, as the record keeps it.
type Attempt struct {
	Number int       // the event's, from 1; one that failed by a fault of our own has the number of the one that follows
	At     time.Time // when it began, to the microsecond
	Took   time.Duration
	Status int    // HTTP status; 0 when there was no answer
	Reason string // the dispatcher's word, from its closed list; empty: delivered
	Detail string // a few words more; no secret
	Answer string // first bytes of the answer's body, at most MaxAnswerKept
	Node   string // which node made it
	Replay string // id of the replay that it belongs to; empty: none
	Fault  bool   // it failed by a fault of our own and counts towards no budget
}

// MaxAnswerKept is how many bytes of an answer the record keeps.
const MaxAnswerKept = 256

// MaxAttemptsKept is how many failed attempts the record keeps of an event that waits, about: the first half of them and the
// last.
const MaxAttemptsKept = 32

// DueQuery asks for heads that are due at Now, earliest first.
type DueQuery struct {
	SDKAppID uint32
	Now      time.Time
	After    DueCursor // zero: from the earliest
	Limit    int
}

// DueCursor is a place in the order of due heads.
type DueCursor struct {
	Due   int64 // Unix milliseconds
	Owner string
}

// DueHead is an event that is due. More says that later events of the owner wait behind it.
type DueHead struct {
	Event
	Due  time.Time
	More bool
}

// OutboxStats describes what waits for one app.
type OutboxStats struct {
	SDKAppID uint32
	Waiting  int64     // events not yet settled
	Dead     int64     // dead letters
	Oldest   time.Time // creation of the oldest waiting event, up to a second early; zero when none waits
}
