package relation

import (
	"context"
	"time"
)

// State is where an event is in its life.
type State string

// States of events.
const (
	// StateWaiting: it was not attempted yet; the event before it, or its turn, is awaited.
	StateWaiting State = "waiting"
	// StateRetrying: it was attempted, failed, and is due again.
	StateRetrying State = "retrying"
	// StateDelivered: the app backend has it. Kept for the retention.
	StateDelivered State = "delivered"
	// StateDead: it was given up. Kept until it is replayed with success, or its app deleted.
	StateDead State = "dead"
)

// States returns all states, in the order of an event's life.
func States() []State { return []State{StateWaiting, StateRetrying, StateDelivered, StateDead} }

// Record is what is known of an event. Log holds every attempt that was recorded, oldest first; only Records.Record fills it, a
// page has none. Of many failed attempts only the first and the last are kept (MaxAttemptsKept); Event.Attempts counts all.
type Record struct {
	Event    // Event.Attempts counts, Log lists
	State    State
	Due      time.Time // when it is tried next; StateWaiting (a head) and StateRetrying
	Settled  time.Time // StateDelivered and StateDead: when that became so
	Reason   string    // of the last failed attempt, empty if none failed or it was delivered
	Log      []Attempt
	Replayed int // how often it was delivered by a replay, besides
}

// RecordQuery asks for a page of an app's events, newest first, in order of their ids. What is zero does not narrow the
// search.
type RecordQuery struct {
	SDKAppID uint32 // must be set
	Account  string // From_Account
	Kind     EventKind
	State    State
	From, To time.Time // Created in [From, To)
	// Before is the cursor: RecordPage.Next of the page before, an event id; empty for the first page.
	Before string
	Limit  int // at least 1
}

// RecordPage is a page of events. A search whose conditions few events meet stops after a bounded number of rows, so a
// page can be short, or empty, and yet have a Next.
type RecordPage struct {
	Records []Record
	Next    string // cursor of the next page; empty when this is the last
}

// Records is what is known of events, also of those that left the outbox. All methods are safe for concurrent use.
type Records interface {
	// Records returns a page. ErrParameter: the cursor is not an event id.
	Records(ctx context.Context, q RecordQuery) (RecordPage, error)
	// Record returns an event with all its attempts, or ErrNoEvent.
	Record(ctx context.Context, sdkAppID uint32, id string) (Record, error)
	// RecordStats says how much of each app is kept. It reads counters, not rows.
	RecordStats(ctx context.Context) ([]RecordStats, error)
}

// RecordStats says how many delivered events of an app are kept, and their size in bytes, about.
type RecordStats struct {
	SDKAppID uint32
	Events   int64
	Bytes    int64
}

// ListExport is a user's blocklist in an export.
type ListExport struct {
	Owner    string // From_Account
	Sequence int64  // changes of the list in this life
	Entries  []BlockEntry
}

// Exporter reads all blocklists of an app as of one moment.
type Exporter interface {
	// ExportBlocklists calls begin once with the position, then each with every list that is not empty, in order of owner,
	// all as of one moment. A list with more than MaxBlockPage entries comes in several parts, one after another. The position is the id of the newest event of
	// the app that had been committed, empty when none is known: a replay of what came after it leads from the export to
	// the present. An error of begin or each ends the export and is returned. ErrNoApp: there is no such app.
	ExportBlocklists(ctx context.Context, sdkAppID uint32, begin func(position string) error, each func(ListExport) error) error
}
