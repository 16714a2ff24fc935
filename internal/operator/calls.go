package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Status describes the server.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, c, http.MethodGet, "/status", nil)
}

// Settings returns the server's effective configuration.
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	return call[Settings](ctx, c, http.MethodGet, "/config", nil)
}

// Apps lists all apps by SDKAppID.
func (c *Client) Apps(ctx context.Context) (AppList, error) {
	return call[AppList](ctx, c, http.MethodGet, "/apps", nil)
}

// CreateApp adds an app and returns it with its key.
func (c *Client) CreateApp(ctx context.Context, req CreateApp) (AppSecret, error) {
	return call[AppSecret](ctx, c, http.MethodPost, "/apps", req)
}

// App shows an app.
func (c *Client) App(ctx context.Context, sdkAppID uint32) (App, error) {
	return call[App](ctx, c, http.MethodGet, appPath(sdkAppID, ""), nil)
}

// UpdateApp changes an app and returns it as it is now.
func (c *Client) UpdateApp(ctx context.Context, sdkAppID uint32, req UpdateApp) (App, error) {
	return call[App](ctx, c, http.MethodPatch, appPath(sdkAppID, ""), req)
}

// DeleteApp removes an app with all it has.
func (c *Client) DeleteApp(ctx context.Context, sdkAppID uint32) (Deleted, error) {
	return call[Deleted](ctx, c, http.MethodDelete, appPath(sdkAppID, ""), nil)
}

// RotateKey adds a key and returns it.
func (c *Client) RotateKey(ctx context.Context, sdkAppID uint32, req RotateKey) (AppSecret, error) {
	return call[AppSecret](ctx, c, http.MethodPost, appPath(sdkAppID, "/rotate-key"), req)
}

// DropKey removes the key with this fingerprint.
func (c *Client) DropKey(ctx context.Context, sdkAppID uint32, fingerprint string) (App, error) {
	return call[App](ctx, c, http.MethodDelete, appPath(sdkAppID, "/keys/"+url.PathEscape(fingerprint)), nil)
}

// CreateToken makes a token that is good for the app only and returns it.
func (c *Client) CreateToken(ctx context.Context, sdkAppID uint32, req CreateToken) (TokenSecret, error) {
	return call[TokenSecret](ctx, c, http.MethodPost, appPath(sdkAppID, "/tokens"), req)
}

// DropToken removes the token with this id.
func (c *Client) DropToken(ctx context.Context, sdkAppID uint32, id string) (App, error) {
	return call[App](ctx, c, http.MethodDelete, appPath(sdkAppID, "/tokens/"+url.PathEscape(id)), nil)
}

// MakeUserSig makes a UserSig with the app's newest key.
func (c *Client) MakeUserSig(ctx context.Context, sdkAppID uint32, req MakeUserSig) (UserSig, error) {
	return call[UserSig](ctx, c, http.MethodPost, appPath(sdkAppID, "/usersig"), req)
}

// CheckUserSig explains a UserSig.
func (c *Client) CheckUserSig(ctx context.Context, sdkAppID uint32, req CheckUserSig) (UserSigReport, error) {
	return call[UserSigReport](ctx, c, http.MethodPost, appPath(sdkAppID, "/usersig/check"), req)
}

// Backup copies the database into w and returns how many bytes that were. After an error w holds no usable copy.
func (c *Client) Backup(ctx context.Context, w io.Writer) (int64, error) {
	resp, err := c.send(ctx, http.MethodPost, "/backup", nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(w, resp.Body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return n, errors.New("the server cut the copy off; its log has the reason")
	}
	if err != nil {
		return n, fmt.Errorf("copy the database: %w", err)
	}
	return n, nil
}

func appPath(sdkAppID uint32, rest string) string {
	return "/apps/" + strconv.FormatUint(uint64(sdkAppID), 10) + rest
}
