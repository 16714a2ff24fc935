package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/kithchat/kith/internal/relation"
)

// parkEvent makes an event that waits a dead letter.
func (h *handler) parkEvent(_ http.ResponseWriter, r *http.Request) (any, error) {
	return h.decide(r, "parked", func(record *relation.Record) error {
		return h.Delivery.Park(r.Context(), record.Key())
	})
}

// retryEvent has an event tried at once that waits for its next attempt.
func (h *handler) retryEvent(_ http.ResponseWriter, r *http.Request) (any, error) {
	return h.decide(r, "retried", func(record *relation.Record) error {
		status, ok := h.Delivery.Endpoint(record.SDKAppID)
		if ok && (status.State == relation.EndpointPaused || status.State == relation.EndpointOff) {
			return conflict("event %s cannot be retried: nothing is sent to app %d now%s",
				record.ID, record.SDKAppID, h.endpointRemark(record.SDKAppID))
		}
		return h.Delivery.Hurry(r.Context(), record.Key(), record.Reason)
	})
}

// decide does something with an event that waits, and answers what became of it. done is the word for it.
func (h *handler) decide(r *http.Request, done string, order func(*relation.Record) error) (any, error) {
	q := h.query(r)
	app, id := q.app(), r.PathValue("event")
	q.keep(checkEventID("the id", id))
	if q.err != nil {
		return nil, q.err
	}
	if h.Delivery == nil {
		return nil, unsupported("this server does not deliver")
	}
	record, err := h.record(r.Context(), app, id)
	if err != nil {
		return nil, err
	}
	if settled(&record) {
		return nil, h.undecided(r.Context(), &record, done, relation.ErrSettled)
	}
	if err := order(&record); err != nil {
		return nil, h.undecided(r.Context(), &record, done, err)
	}
	return h.detail(r.Context(), record.SDKAppID, id)
}

func settled(r *relation.Record) bool {
	return r.State == relation.StateDelivered || r.State == relation.StateDead
}

// undecided says why nothing could be done with an event.
func (h *handler) undecided(ctx context.Context, record *relation.Record, done string, err error) error {
	var behind *relation.BehindError
	switch {
	case errors.As(err, &behind):
		return conflict("event %s cannot be %s: %v; that one is decided first", record.ID, done, behind)
	case errors.Is(err, relation.ErrSettled):
		now, err := h.detail(ctx, record.SDKAppID, record.ID)
		if err != nil {
			return err
		}
		return conflict("event %s cannot be %s, since it does not wait any more: %s", record.ID, done, now.Explanation)
	}
	return err
}

func conflict(format string, args ...any) error {
	return &Error{Status: http.StatusConflict, Code: CodeConflict, Message: fmt.Sprintf(format, args...)}
}
