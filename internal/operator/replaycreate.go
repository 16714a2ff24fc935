package operator

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/kithchat/kith/internal/relation"
)

// CreateReplay says which settled events of an app to send again. Conditions are joined by and; with none, all events that
// are kept are sent. ID stands alone.
type CreateReplay struct {
	SDKAppID uint32             `json:"sdkappid"`
	ID       string             `json:"id,omitempty"`   // one event
	Dead     bool               `json:"dead,omitempty"` // dead letters only
	Account  string             `json:"account,omitempty"`
	Command  relation.EventKind `json:"command,omitempty"`
	From     string             `json:"from,omitempty"`  // made since then: RFC 3339, or how long ago as 2h
	To       string             `json:"to,omitempty"`    // made before then
	After    string             `json:"after,omitempty"` // event id, as the position of an export: only what came after it
	Rate     *float64           `json:"rate,omitempty"`  // events a second at most; left out: as the endpoint takes them
	DryRun   bool               `json:"dry_run,omitempty"`
	// Replay is the id that the job gets, a UUID; left out: the server chooses one. When a call is made again with it, since its
	// answer was lost, it finds the job that it made before, whatever else it asks for.
	Replay string `json:"replay,omitempty"`
}

// CreatedReplay says how many events were selected, and which job sends them. There is none for a dry run, and when nothing was
// selected.
type CreatedReplay struct {
	Selected int64   `json:"selected"`
	Replay   *Replay `json:"replay,omitempty"`
}

func (h *handler) createReplay(_ http.ResponseWriter, r *http.Request) (any, error) {
	var req CreateReplay
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if h.Replays == nil {
		return nil, unsupported("this server cannot replay")
	}
	selection, err := h.selection(r, req)
	if err != nil {
		return nil, err
	}
	if req.DryRun {
		selected, err := h.Replays.CountReplay(r.Context(), req.SDKAppID, selection)
		if err != nil {
			return nil, err
		}
		return CreatedReplay{Selected: selected}, nil
	}
	if req.Replay == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		req.Replay = id.String()
	}
	now, rate := h.Now(), 0.0
	set(&rate, req.Rate)
	made, err := h.Replays.CreateReplay(r.Context(), relation.Replay{
		ID: req.Replay, SDKAppID: req.SDKAppID, Selection: selection, State: relation.ReplayRunning, Rate: rate,
		Created: now, Updated: now,
	})
	h.replaysChanged(err)
	switch {
	case isNoEvent(err):
		return CreatedReplay{}, nil
	case err != nil:
		return nil, err
	}
	shown := showReplay(made)
	return CreatedReplay{Selected: made.Total, Replay: &shown}, nil
}

// selection checks a request and returns what it selects.
func (h *handler) selection(r *http.Request, req CreateReplay) (relation.ReplaySelection, error) {
	s := relation.ReplaySelection{ID: req.ID, Dead: req.Dead, Account: req.Account, Kind: req.Command, After: req.After}
	if req.SDKAppID == 0 {
		return s, badRequest("sdkappid is missing; a replay is of one app")
	}
	if err := req.check(); err != nil {
		return s, err
	}
	var err error
	if s.From, s.To, err = parseRange(req.From, req.To, h.Now()); err != nil {
		return s, err
	}
	if err := h.known(req.SDKAppID); err != nil {
		return s, err
	}
	if req.ID == "" {
		return s, nil
	}
	alone := relation.ReplaySelection{ID: req.ID}
	if s != alone {
		return s, badRequest("id names one event; leave the other conditions out")
	}
	record, err := h.record(r.Context(), req.SDKAppID, req.ID)
	if err == nil && (record.State == relation.StateWaiting || record.State == relation.StateRetrying) {
		err = badRequest("event %s still waits and will be sent anyway", req.ID)
	}
	return s, err
}

func (req CreateReplay) check() error {
	if req.ID != "" {
		if err := checkEventID("id", req.ID); err != nil {
			return err
		}
	}
	if req.After != "" {
		if err := checkEventID("after", req.After); err != nil {
			return err
		}
	}
	if req.Replay != "" && !canonicalUUID(req.Replay) {
		return badRequest("replay must be a new UUID in lower case, not %q; leave it out and the server chooses one", req.Replay)
	}
	if req.Account != "" {
		if err := checkAccount("account", req.Account); err != nil {
			return err
		}
	}
	if req.Command != "" {
		if err := checkCommand(req.Command); err != nil {
			return err
		}
	}
	if req.Rate != nil && *req.Rate <= 0 {
		return badRequest("rate must be more than 0 events a second; leave it out to send as fast as the endpoint takes them")
	}
	return nil
}
