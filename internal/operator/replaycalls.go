package operator

import (
	"context"
	"net/http"
	"net/url"
)

// CreateReplay sends settled events again; with DryRun it only counts them.
func (c *Client) CreateReplay(ctx context.Context, req CreateReplay) (CreatedReplay, error) {
	return call[CreatedReplay](ctx, c, http.MethodPost, "/replays", req)
}

// Replays lists the replays of an app, newest first; of all apps for 0.
func (c *Client) Replays(ctx context.Context, sdkAppID uint32) (ReplayList, error) {
	return call[ReplayList](ctx, c, http.MethodGet, withApp("/replays", sdkAppID), nil)
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
