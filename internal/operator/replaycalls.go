package operator

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// CreateReplay sends settled events again; with DryRun it only counts them.
func (c *Client) CreateReplay(ctx context.Context, req CreateReplay) (CreatedReplay, error) {
	return call[CreatedReplay](ctx, c, http.MethodPost, "/replays", req)
}

// ReplayQuery lists replays, newest first.
type ReplayQuery struct {
	SDKAppID uint32 // zero: of all apps
	Before   string // ReplayList.Next of the page before; empty: the first page
	Limit    int    // 1 to MaxReplayPage; 0 means DefaultReplayPage
}

// Replays returns a page of replays.
func (c *Client) Replays(ctx context.Context, q ReplayQuery) (ReplayList, error) {
	values := url.Values{}
	for name, text := range map[string]string{"sdkappid": appText(q.SDKAppID), "before": q.Before} {
		if text != "" {
			values.Set(name, text)
		}
	}
	if q.Limit != 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	return call[ReplayList](ctx, c, http.MethodGet, "/replays?"+values.Encode(), nil)
}

// Replay shows a replay.
func (c *Client) Replay(ctx context.Context, id string) (Replay, error) {
	return call[Replay](ctx, c, http.MethodGet, replayPath(id, ""), nil)
}

// UpdateReplay changes how fast a replay goes.
func (c *Client) UpdateReplay(ctx context.Context, id string, req UpdateReplay) (Replay, error) {
	return call[Replay](ctx, c, http.MethodPatch, replayPath(id, ""), req)
}

// PauseReplay pauses a replay.
func (c *Client) PauseReplay(ctx context.Context, id string) (Replay, error) {
	return call[Replay](ctx, c, http.MethodPost, replayPath(id, "/pause"), nil)
}

// ResumeReplay goes on with a paused replay.
func (c *Client) ResumeReplay(ctx context.Context, id string) (Replay, error) {
	return call[Replay](ctx, c, http.MethodPost, replayPath(id, "/resume"), nil)
}

// CancelReplay ends a replay for good.
func (c *Client) CancelReplay(ctx context.Context, id string) (Replay, error) {
	return call[Replay](ctx, c, http.MethodPost, replayPath(id, "/cancel"), nil)
}

func replayPath(id, rest string) string { return "/replays/" + url.PathEscape(id) + rest }
