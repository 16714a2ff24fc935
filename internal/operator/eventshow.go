package operator

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// Attempt is one request to an endpoint and what came of it.
type Attempt struct {
	Number     int       `json:"number"`
	At         time.Time `json:"at"`
	DurationMS float64   `json:"duration_ms"` // milliseconds
	Status     int       `json:"status"`      // HTTP status; 0: no answer
	Reason     string    `json:"reason,omitempty"`
	Detail     string    `json:"detail,omitempty"`
	Answer     string    `json:"answer,omitempty"` // first bytes of the answer's body
	Node       string    `json:"node,omitempty"`
	Replay     string    `json:"replay,omitempty"` // id of the replay that it belongs to
	Fault      bool      `json:"fault,omitempty"`  // it failed by a fault of Kith's own, and counts towards no budget
}

// EventDetail is an event with all that is known of it.
type EventDetail struct {
	Event
	// Explanation says in words why it is in its state, and what comes next.
	Explanation string    `json:"explanation"`
	Log         []Attempt `json:"log"` // every attempt, oldest first
}

func (h *handler) showEvent(_ http.ResponseWriter, r *http.Request) (any, error) {
	q := h.query(r)
	app, id := q.app(), r.PathValue("event")
	q.keep(checkEventID("the id", id))
	if q.err != nil {
		return nil, q.err
	}
	return h.detail(r.Context(), app, id)
}

// detail is all that is known of an event now.
func (h *handler) detail(ctx context.Context, app uint32, id string) (EventDetail, error) {
	record, err := h.record(ctx, app, id)
	if err != nil {
		return EventDetail{}, err
	}
	detail := EventDetail{Event: showEvent(&record), Log: make([]Attempt, len(record.Log))}
	for i, a := range record.Log {
		detail.Log[i] = showAttempt(a)
	}
	detail.Explanation, err = h.explain(ctx, &record)
	return detail, err
}

// record finds an event of an app; of any app for 0.
func (h *handler) record(ctx context.Context, sdkAppID uint32, id string) (relation.Record, error) {
	if h.Records == nil {
		return relation.Record{}, unsupported("this server keeps no records of events")
	}
	if err := h.known(sdkAppID); err != nil {
		return relation.Record{}, err
	}
	if sdkAppID != 0 {
		return h.Records.Record(ctx, sdkAppID, id)
	}
	for _, app := range h.Registry.All() {
		record, err := h.Records.Record(ctx, app.SDKAppID, id)
		if !isNoEvent(err) {
			return record, err
		}
	}
	return relation.Record{}, fmt.Errorf("%w: %s", relation.ErrNoEvent, id)
}

func showAttempt(a relation.Attempt) Attempt {
	return Attempt{
		Number: a.Number, At: a.At, DurationMS: float64(a.Took.Microseconds()) / 1000, Status: a.Status,
		Reason: a.Reason, Detail: a.Detail, Answer: a.Answer, Node: a.Node, Replay: a.Replay, Fault: a.Fault,
	}
}
