package relation

import (
	"context"
	"time"
)

// ReplayState is where a replay is in its life.
type ReplayState string

// States of replays.
const (
	ReplayRunning   ReplayState = "running"
	ReplayPaused    ReplayState = "paused"
	ReplayDone      ReplayState = "done"
	ReplayCancelled ReplayState = "cancelled"
)

// Open reports whether the replay can still send something.
func (s ReplayState) Open() bool { return s == ReplayRunning || s == ReplayPaused }

// ReplaySelection says which settled events of an app are sent again, in order of their ids. Conditions are joined by and;
// a zero one does not narrow. Events that still wait are never selected, since they will be sent anyway.
type ReplaySelection struct {
	ID      string    `json:"id,omitempty"`      // one event
	Dead    bool      `json:"dead,omitempty"`    // dead letters only
	Account string    `json:"account,omitempty"` // From_Account
	Kind    EventKind `json:"command,omitempty"`
	From    time.Time `json:"from,omitzero"` // Created in [From, To)
	To      time.Time `json:"to,omitzero"`
	After   string    `json:"after,omitempty"` // event id: only what came after it, as the position of an export
	// Until is the newest event id that belongs to the replay. CreateReplay sets it, so that a replay ends.
	Until string `json:"until,omitempty"`
}

// Replay is a job that sends events again. It is durable: after a restart it goes on behind Cursor, so what was sent
// since that was written is sent once more.
type Replay struct {
	ID        string
	SDKAppID  uint32
	Selection ReplaySelection
	State     ReplayState
	Rate      float64 // events a second at most; 0: as fast as the endpoint takes them
	Cursor    string  // id of the last event behind which everything is settled; empty at the start
	// Total is how many events were selected when it was created. An event up to Until that is settled later is sent as well,
	// and raises Total then, so that Delivered and Failed never exceed it.
	Total     int64
	Delivered int64  // up to Cursor
	Failed    int64  // given up after the app's retry budget; they stay what they were
	Note      string // why it stands still, or the reason of the last failure; empty: nothing to say
	Created   time.Time
	Updated   time.Time
}

// ReplayEvent is an event to send again. Dead says that it is a dead letter.
type ReplayEvent struct {
	Event
	Dead bool
}

// ReplayProgress moves a replay on. The dispatcher writes how far it is while an operator pauses it or changes its rate, so
// each leaves alone what is the other's: the dispatcher gives a State only to end the replay, and an operator no counts.
type ReplayProgress struct {
	ID        string
	State     ReplayState // empty: stays
	Rate      float64     // below 0: stays
	Cursor    string      // never goes back: one that is not behind the stored one changes nothing
	Delivered int64       // nor does this: what counts is the larger one
	Failed    int64       // nor this
	Note      string
	At        time.Time
}

// ReplaySettlement reports an attempt that a replay made. Delivered: a dead letter becomes a delivered event with this
// attempt, and of an event that was delivered before the attempt is added to its record. Retry and Dead: the attempt is
// added, and nothing else changes. Event.Attempts counts none of them. One that is reported twice is added once.
type ReplaySettlement struct {
	SDKAppID uint32
	ID       string // of the event
	Verdict  Verdict
	Attempt  Attempt
}

// Replays keeps replays and finds what they send. All methods are safe for concurrent use.
type Replays interface {
	// CreateReplay counts what the selection names, sets its Until and Total, and stores the replay. ErrNoEvent when
	// nothing is selected; ErrForgotten when the selection has After, is not of dead letters, and delivered events behind that
	// are not kept any more; ErrNoApp. With the ID of a replay that is there already it changes nothing and returns that, so a
	// call whose answer was lost can be made again; ErrParameter when that is another app's.
	CreateReplay(ctx context.Context, r Replay) (Replay, error)
	// CountReplay counts what a selection names now, without creating anything. It fails as CreateReplay does, but for nothing.
	CountReplay(ctx context.Context, sdkAppID uint32, s ReplaySelection) (int64, error)
	// Replays returns the replays of an app, newest first; of all apps for 0. Those that ended are forgotten in time.
	Replays(ctx context.Context, sdkAppID uint32) ([]Replay, error)
	// Replay returns one, or ErrNoReplay.
	Replay(ctx context.Context, id string) (Replay, error)
	// SaveReplay stores progress, or returns ErrNoReplay. A replay that is not Open any more keeps its state, and one that does
	// not run its note, unless it is given another state.
	SaveReplay(ctx context.Context, p ReplayProgress) (Replay, error)
	// ReplayPage returns the next events of a selection behind a cursor, in order of their ids.
	ReplayPage(ctx context.Context, sdkAppID uint32, s ReplaySelection, after string, limit int) ([]ReplayEvent, error)
	// SettleReplay commits what attempts of replays led to.
	SettleReplay(ctx context.Context, settlements []ReplaySettlement) error
}
