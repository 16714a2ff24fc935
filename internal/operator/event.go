package operator

import (
	"net/http"
	"strconv"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
)

// Sizes of a page of dead letters.
const (
	// DefaultDeadPage is how many letters a page has when no limit is given.
	DefaultDeadPage = 100
	// MaxDeadPage is the largest limit.
	MaxDeadPage = 1000
)

// DeadQuery asks for dead letters, newest first. Zero SDKAppID: of all apps.
type DeadQuery struct {
	SDKAppID uint32
	Before   string // DeadPage.Next of the page before; empty: the first page
	Limit    int    // 1 to MaxDeadPage; 0 means DefaultDeadPage
}

// DeadPage is a page of dead letters. Next is the cursor of the page after, empty when this one is the last.
type DeadPage struct {
	Events []DeadEvent `json:"events"`
	Next   string      `json:"next,omitempty"`
}

// DeadEvent is an event that was given up, with the reason of its last attempt. It has either ToAccount or State.
type DeadEvent struct {
	SDKAppID    uint32             `json:"sdkappid"`
	ID          string             `json:"id"`
	FromAccount string             `json:"from_account"` // whose list or device it is about
	Seq         int64              `json:"seq"`
	Command     relation.EventKind `json:"command"`
	ToAccount   []string           `json:"to_account,omitempty"` // who entered or left the list
	// State is what State.StateChange tells: action, reason, and the platforms of the devices that were put out.
	State    *relation.StateChange `json:"state,omitempty"`
	ClientIP string                `json:"client_ip"`
	Platform string                `json:"platform"`
	Created  time.Time             `json:"created"`
	Parked   time.Time             `json:"parked"`
	Attempts int                   `json:"attempts"`
	Reason   string                `json:"reason"`
}

// Outbox describes what waits for each app that has anything in its outbox.
type Outbox struct {
	Apps []OutboxStats `json:"apps"`
}

// OutboxStats describes what waits for one app.
type OutboxStats struct {
	SDKAppID uint32    `json:"sdkappid"`
	Waiting  int64     `json:"waiting"`          // events not yet settled
	Dead     int64     `json:"dead"`             // dead letters
	Oldest   time.Time `json:"oldest,omitzero"`  // when the oldest waiting event was made
	AgeMS    int64     `json:"age_ms,omitempty"` // how old it is, in milliseconds
}

func (h *handler) deadEvents(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := parseDeadQuery(r)
	if err != nil {
		return nil, err
	}
	if _, ok := h.Registry.App(q.SDKAppID); !ok && q.SDKAppID != 0 {
		return nil, apps.NoApp(q.SDKAppID)
	}
	letters, err := h.Options.Outbox.Dead(r.Context(), q)
	if err != nil {
		return nil, err
	}
	page := DeadPage{Events: make([]DeadEvent, len(letters))}
	for i, l := range letters {
		page.Events[i] = DeadEvent{
			SDKAppID: l.SDKAppID, ID: l.ID, FromAccount: l.Owner, Seq: l.Seq, Command: l.Kind, ToAccount: l.Targets, State: l.State,
			ClientIP: l.Origin.ClientIP, Platform: l.Origin.Platform,
			Created: l.Created, Parked: l.Parked, Attempts: l.Attempts, Reason: l.Reason,
		}
	}
	if len(letters) == q.Limit {
		page.Next = letters[len(letters)-1].ID
	}
	return page, nil
}

func parseDeadQuery(r *http.Request) (relation.DeadQuery, error) {
	values := r.URL.Query()
	if values.Get("dead") != "1" {
		return relation.DeadQuery{}, badRequest("only dead letters can be listed; add dead=1")
	}
	q := relation.DeadQuery{Before: values.Get("before"), Limit: DefaultDeadPage}
	if text := values.Get("sdkappid"); text != "" {
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return q, badRequest("sdkappid must be a whole number, not %q", text)
		}
		q.SDKAppID = uint32(id)
	}
	if text := values.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > MaxDeadPage {
			return q, badRequest("limit must be 1 to %d, not %q", MaxDeadPage, text)
		}
		q.Limit = limit
	}
	return q, nil
}

func (h *handler) outbox(_ http.ResponseWriter, r *http.Request) (any, error) {
	stats, err := h.Options.Outbox.OutboxStats(r.Context())
	if err != nil {
		return nil, err
	}
	outbox := Outbox{Apps: make([]OutboxStats, len(stats))}
	for i, s := range stats {
		outbox.Apps[i] = OutboxStats{SDKAppID: s.SDKAppID, Waiting: s.Waiting, Dead: s.Dead, Oldest: s.Oldest}
		if !s.Oldest.IsZero() {
			outbox.Apps[i].AgeMS = max(0, h.Now().Sub(s.Oldest).Milliseconds())
		}
	}
	return outbox, nil
}
