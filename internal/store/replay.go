package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/kithchat/kith/internal/relation"
)

// replayDoc is how a replay is kept.
type replayDoc struct {
	ID        string                   `json:"id"`
	SDKAppID  uint32                   `json:"sdkappid"`
	Selection relation.ReplaySelection `json:"selection"`
	State     relation.ReplayState     `json:"state"`
	Rate      float64                  `json:"rate"`
	Cursor    string                   `json:"cursor"`
	Total     int64                    `json:"total"`
	Delivered int64                    `json:"delivered"`
	Failed    int64                    `json:"failed"`
	Note      string                   `json:"note"`
	Created   time.Time                `json:"created"`
	Updated   time.Time                `json:"updated"`
}

// CreateReplay implements relation.Replays.
func (s *Store) CreateReplay(ctx context.Context, r relation.Replay) (relation.Replay, error) {
	if r.ID == "" {
		r.ID = uuid.NewString()
	}
	var made relation.Replay // by an earlier call with that id
	known := func(c conn) (err error) { made, err = madeReplay(c, r); return err }
	if err := s.engine.read(ctx, known); err != nil || made.ID != "" {
		return made, domainError(err)
	}
	r.Created, r.Updated = replayTime(r.Created), replayTime(r.Updated)
	total, newest, err := s.selected(ctx, r.SDKAppID, r.Selection)
	if err != nil {
		return relation.Replay{}, err
	}
	r.Total, r.Selection.Until = total, newest.String()
	err = s.domain(ctx, func(c conn) error {
		if err := known(c); err != nil || made.ID != "" { // made meanwhile
			return err
		}
		state, err := readAppState(c, r.SDKAppID)
		switch {
		case err != nil:
			return err
		case state != appPresent:
			return fmt.Errorf("%w: %d", relation.ErrNoApp, r.SDKAppID)
		case r.Total == 0:
			return fmt.Errorf("%w: nothing is selected", relation.ErrNoEvent)
		}
		doc, err := json.Marshal(replayDoc(r))
		if err != nil {
			return err
		}
		return c.query(`INSERT INTO replay (id, sdkappid, doc) VALUES ($1, $2, $3)`, nil, r.ID, int64(r.SDKAppID), string(doc))
	})
	switch {
	case err != nil:
		return relation.Replay{}, err
	case made.ID != "":
		return made, nil
	}
	return r, nil
}

// madeReplay returns the replay that has the id of r already; the zero one if there is none.
func madeReplay(c conn, r relation.Replay) (relation.Replay, error) {
	made, err := oneReplay(c, r.ID)
	switch {
	case errors.Is(err, relation.ErrNoReplay):
		return relation.Replay{}, nil
	case err == nil && made.SDKAppID != r.SDKAppID:
		return relation.Replay{}, fmt.Errorf("%w: %q is a replay of another app", relation.ErrParameter, r.ID)
	}
	return made, err
}

// Replays implements relation.Replays.
func (s *Store) Replays(ctx context.Context, sdkAppID uint32) (replays []relation.Replay, err error) {
	q, args := `SELECT r.doc FROM replay r JOIN app a ON a.sdkappid = r.sdkappid WHERE a.deleting = 0`, []any(nil)
	if sdkAppID != 0 {
		q, args = q+` AND r.sdkappid = $1`, []any{int64(sdkAppID)}
	}
	err = s.engine.read(ctx, func(c conn) error {
		return c.query(q, func(row row) error {
			r, err := readReplay(row)
			replays = append(replays, r)
			return err
		}, args...)
	})
	slices.SortFunc(replays, func(a, b relation.Replay) int {
		if d := b.Created.Compare(a.Created); d != 0 {
			return d
		}
		return strings.Compare(b.ID, a.ID)
	})
	return replays, unavailable(err)
}

func readReplay(row row) (relation.Replay, error) {
	var text string
	if err := row.scan(&text); err != nil {
		return relation.Replay{}, err
	}
	var doc replayDoc
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return relation.Replay{}, fmt.Errorf("a replay is damaged: %w", err)
	}
	return relation.Replay(doc), nil
}

// Replay implements relation.Replays.
func (s *Store) Replay(ctx context.Context, id string) (r relation.Replay, err error) {
	err = s.engine.read(ctx, func(c conn) error { r, err = oneReplay(c, id); return err })
	return r, domainError(err)
}

func oneReplay(c conn, id string) (r relation.Replay, err error) {
	if clean(id) != id {
		return r, fmt.Errorf("%w: %q", relation.ErrNoReplay, id)
	}
	err = c.query(`SELECT r.doc FROM replay r JOIN app a ON a.sdkappid = r.sdkappid WHERE a.deleting = 0 AND r.id = $1`, func(row row) error {
		r, err = readReplay(row)
		return err
	}, id)
	if err == nil && r.ID == "" {
		err = fmt.Errorf("%w: %q", relation.ErrNoReplay, id)
	}
	return r, err
}

// SaveReplay implements relation.Replays.
func (s *Store) SaveReplay(ctx context.Context, p relation.ReplayProgress) (r relation.Replay, err error) {
	err = s.domain(ctx, func(c conn) error {
		if r, err = oneReplay(c, p.ID); err != nil {
			return err
		}
		advance(&r, p)
		doc, err := json.Marshal(replayDoc(r))
		if err != nil {
			return err
		}
		return c.query(`UPDATE replay SET doc = $1 WHERE id = $2`, nil, string(doc), r.ID)
	})
	return r, err
}

// advance moves a replay on. One that has ended keeps its state, and one that does not run the words about that.
func advance(r *relation.Replay, p relation.ReplayProgress) {
	if r.State == relation.ReplayRunning || r.State.Open() && p.State != "" {
		r.Note = clean(p.Note)
	}
	if r.State.Open() && p.State != "" {
		r.State = p.State
	}
	if p.Rate >= 0 {
		r.Rate = p.Rate
	}
	r.Cursor = max(r.Cursor, p.Cursor)
	r.Delivered, r.Failed = max(r.Delivered, p.Delivered), max(r.Failed, p.Failed)
	r.Total = max(r.Total, r.Delivered+r.Failed)
	r.Updated = replayTime(p.At)
}

// replayTime is a time as a replay keeps it.
func replayTime(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMilli(t.UnixMilli()).UTC()
}
