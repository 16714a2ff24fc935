package operator

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/kithchat/kith/internal/relation"
)

// replay returns the replay that the path names.
func (h *handler) replay(r *http.Request) (relation.Replay, error) {
	if h.Replays == nil {
		return relation.Replay{}, unsupported("this server cannot replay")
	}
	return h.Replays.Replay(r.Context(), r.PathValue("replay"))
}

func (h *handler) pauseReplay(_ http.ResponseWriter, r *http.Request) (any, error) {
	return h.order(r, "paused", relation.ReplayProgress{State: relation.ReplayPaused, Rate: -1, Note: "paused by an operator"})
}

func (h *handler) resumeReplay(_ http.ResponseWriter, r *http.Request) (any, error) {
	return h.order(r, "resumed", relation.ReplayProgress{State: relation.ReplayRunning, Rate: -1})
}

func (h *handler) cancelReplay(_ http.ResponseWriter, r *http.Request) (any, error) {
	return h.order(r, "cancelled", relation.ReplayProgress{State: relation.ReplayCancelled, Rate: -1, Note: "cancelled by an operator"})
}

func (h *handler) updateReplay(_ http.ResponseWriter, r *http.Request) (any, error) {
	var req UpdateReplay
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if req.Rate == nil || *req.Rate < 0 {
		return nil, badRequest("rate must be a number of events a second; 0 is as fast as the endpoint takes them")
	}
	return h.order(r, "given another rate", relation.ReplayProgress{Rate: *req.Rate})
}

// order stores what an operator wants of a replay. An order to one that has ended is refused: it would change nothing.
func (h *handler) order(r *http.Request, done string, order relation.ReplayProgress) (any, error) {
	replay, err := h.replay(r)
	if err != nil {
		return nil, err
	}
	if !replay.State.Open() {
		return nil, &Error{
			Status: http.StatusConflict, Code: CodeConflict,
			Message: fmt.Sprintf("replay %s is %s and cannot be %s any more; create another one", replay.ID, replay.State, done),
		}
	}
	order.ID, order.At = replay.ID, h.Now()
	if order.State == "" {
		order.Note = replay.Note
	}
	saved, err := h.Replays.SaveReplay(r.Context(), order)
	h.replaysChanged(err)
	if err != nil {
		return nil, err
	}
	return showReplay(saved), nil
}

// replaysChanged tells the dispatcher after an order, also when it is not known whether that was stored: the answer to the commit may
// be what was lost.
func (h *handler) replaysChanged(err error) {
	if h.Delivery != nil && (err == nil || errors.Is(err, relation.ErrUnavailable)) {
		h.Delivery.ReplaysChanged()
	}
}
