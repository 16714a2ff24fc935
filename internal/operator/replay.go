package operator

import (
	"net/http"
	"slices"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// Replay is a job that sends events again.
type Replay struct {
	ID        string                   `json:"id"`
	SDKAppID  uint32                   `json:"sdkappid"`
	Selection relation.ReplaySelection `json:"selection"`
	State     relation.ReplayState     `json:"state"`
	Rate      float64                  `json:"rate"`             // events a second at most; 0: as the endpoint takes them
	Cursor    string                   `json:"cursor,omitempty"` // up to this event everything is settled
	Total     int64                    `json:"total"`
	Delivered int64                    `json:"delivered"`
	Failed    int64                    `json:"failed"`
	Note      string                   `json:"note,omitempty"` // why it stands still, or what failed last
	Created   time.Time                `json:"created"`
	Updated   time.Time                `json:"updated"`
}

// Sizes of a page of replays.
const (
	// DefaultReplayPage is how many replays a page has when no limit is given.
	DefaultReplayPage = 100
	// MaxReplayPage is the largest limit.
	MaxReplayPage = 1000
)

// ReplayList is a page of replays, newest first. Next is the cursor of the page after, empty when this one is the last.
type ReplayList struct {
	Replays []Replay `json:"replays"`
	Next    string   `json:"next,omitempty"`
}

// UpdateReplay changes how fast a replay goes.
type UpdateReplay struct {
	Rate *float64 `json:"rate"` // events a second at most; 0: as the endpoint takes them
}

func (h *handler) listReplays(_ http.ResponseWriter, r *http.Request) (any, error) {
	q := h.query(r)
	app, before, limit := q.app(), q.text("before"), q.limit(DefaultReplayPage, MaxReplayPage)
	if q.err != nil {
		return nil, q.err
	}
	if err := h.known(app); err != nil {
		return nil, err
	}
	if h.Replays == nil {
		return nil, unsupported("this server cannot replay")
	}
	found, err := h.Replays.Replays(r.Context(), app)
	if err != nil {
		return nil, err
	}
	if before != "" {
		i := slices.IndexFunc(found, func(r relation.Replay) bool { return r.ID == before })
		if i < 0 {
			return nil, badRequest("before must be the id of a replay in the list; that one may have been forgotten, so begin anew")
		}
		found = found[i+1:]
	}
	list := ReplayList{Replays: []Replay{}}
	for _, replay := range found[:min(limit, len(found))] {
		list.Replays = append(list.Replays, showReplay(replay))
	}
	if len(found) > limit {
		list.Next = found[limit-1].ID
	}
	return list, nil
}

func (h *handler) showReplay(_ http.ResponseWriter, r *http.Request) (any, error) {
	replay, err := h.replay(r)
	if err != nil {
		return nil, err
	}
	return showReplay(replay), nil
}

func showReplay(r relation.Replay) Replay {
	return Replay{
		ID: r.ID, SDKAppID: r.SDKAppID, Selection: r.Selection, State: r.State, Rate: r.Rate, Cursor: r.Cursor, Total: r.Total,
		Delivered: r.Delivered, Failed: r.Failed, Note: r.Note, Created: r.Created, Updated: r.Updated,
	}
}
