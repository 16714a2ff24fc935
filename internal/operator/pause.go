package operator

import (
	"net/http"

	"github.com/kithchat/kith/internal/relation"
)

// PauseCallback says why an endpoint is paused. The reason is for people and may be empty.
type PauseCallback struct {
	Reason string `json:"reason,omitempty"`
}

func (h *handler) pauseCallback(_ http.ResponseWriter, r *http.Request) (any, error) {
	var req PauseCallback
	id, err := appID(r)
	if err != nil {
		return nil, err
	}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	app, err := h.Registry.Pause(r.Context(), id, relation.Pause{By: relation.PausedByOperator, Reason: req.Reason})
	if err != nil {
		return nil, err
	}
	return showCallback(app, h.Now()), nil
}

func (h *handler) resumeCallback(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := appID(r)
	if err != nil {
		return nil, err
	}
	app, err := h.Registry.Resume(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return showCallback(app, h.Now()), nil
}
