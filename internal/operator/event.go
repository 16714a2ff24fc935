package operator

import (
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// Sizes of a page of events.
const (
	// DefaultEventPage is how many events a page has when no limit is given.
	DefaultEventPage = 100
	// MaxEventPage is the largest limit.
	MaxEventPage = 1000
)

// Event is an event and what became of it. It has either ToAccount or Change.
type Event struct {
	SDKAppID    uint32             `json:"sdkappid"`
	ID          string             `json:"id"`
	FromAccount string             `json:"from_account"` // whose list or device it is about
	Seq         int64              `json:"seq"`          // its number among those of the account
	Command     relation.EventKind `json:"command"`
	ToAccount   []string           `json:"to_account,omitempty"` // who entered or left the list
	// Change is what State.StateChange tells: action, reason, and the platforms of the devices that were put out.
	Change   *relation.StateChange `json:"change,omitempty"`
	ClientIP string                `json:"client_ip"`
	Platform string                `json:"platform"`
	Created  time.Time             `json:"created"`
	State    relation.State        `json:"state"`
	Due      time.Time             `json:"due,omitzero"`     // when it is tried next
	Settled  time.Time             `json:"settled,omitzero"` // when it was delivered or given up
	Attempts int                   `json:"attempts"`         // without those that failed by a fault of Kith's own
	Reason   string                `json:"reason,omitempty"` // of the last failed attempt
	Replayed int                   `json:"replayed,omitempty"`
}

// EventPage is a page of events, newest first. Next is the cursor of the page after, empty when this one is the last. A
// page can be short, or empty, and yet have a Next.
type EventPage struct {
	Events []Event `json:"events"`
	Next   string  `json:"next,omitempty"`
}

func (h *handler) listEvents(_ http.ResponseWriter, r *http.Request) (any, error) {
	q := h.query(r)
	search := relation.RecordQuery{
		SDKAppID: q.app(), Account: q.account(), Kind: q.command(), State: q.state(),
		Before: q.event("before"), Limit: q.limit(DefaultEventPage, MaxEventPage),
	}
	search.From, search.To = q.between()
	target := q.user("to_account")
	if q.err != nil {
		return nil, q.err
	}
	if err := h.known(search.SDKAppID); err != nil {
		return nil, err
	}
	if h.Records == nil {
		return nil, unsupported("this server keeps no records of events")
	}
	read := h.Records.Records
	if search.SDKAppID == 0 {
		read = h.mergeRecords
	}
	if target != "" {
		read = about(target, read)
	}
	found, err := read(r.Context(), search)
	if err != nil {
		return nil, err
	}
	page := EventPage{Events: make([]Event, len(found.Records)), Next: found.Next}
	for i := range found.Records {
		page.Events[i] = showEvent(&found.Records[i])
	}
	return page, nil
}

func showEvent(r *relation.Record) Event {
	e := eventOf(&r.Event)
	e.State, e.Due, e.Settled, e.Reason, e.Replayed = r.State, r.Due, r.Settled, r.Reason, r.Replayed
	return e
}

// eventOf is what the event itself says, without what became of it.
func eventOf(e *relation.Event) Event {
	return Event{
		SDKAppID: e.SDKAppID, ID: e.ID, FromAccount: e.Owner, Seq: e.Seq, Command: e.Kind, ToAccount: e.Targets,
		Change: e.State, ClientIP: e.Origin.ClientIP, Platform: e.Origin.Platform, Created: e.Created, Attempts: e.Attempts,
	}
}
