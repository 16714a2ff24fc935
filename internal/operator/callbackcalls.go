package operator

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Callback shows the app's endpoint.
func (c *Client) Callback(ctx context.Context, sdkAppID uint32) (Callback, error) {
	return call[Callback](ctx, c, http.MethodGet, appPath(sdkAppID, "/callback"), nil)
}

// SetCallback changes the app's endpoint and returns it as it is now.
func (c *Client) SetCallback(ctx context.Context, sdkAppID uint32, req SetCallback) (Callback, error) {
	return call[Callback](ctx, c, http.MethodPatch, appPath(sdkAppID, "/callback"), req)
}

// TestCallback has the server send a test to the app's endpoint.
func (c *Client) TestCallback(ctx context.Context, sdkAppID uint32) (CallbackReport, error) {
	return call[CallbackReport](ctx, c, http.MethodPost, appPath(sdkAppID, "/callback/test"), nil)
}

// AddSigningKey adds a key that signs the app's callbacks.
func (c *Client) AddSigningKey(ctx context.Context, sdkAppID uint32, req AddSigningKey) (SigningKeySecret, error) {
	return call[SigningKeySecret](ctx, c, http.MethodPost, appPath(sdkAppID, "/callback/keys"), req)
}

// DropSigningKey removes the signing key with this id.
func (c *Client) DropSigningKey(ctx context.Context, sdkAppID uint32, id string) (Callback, error) {
	return call[Callback](ctx, c, http.MethodDelete, appPath(sdkAppID, "/callback/keys/"+url.PathEscape(id)), nil)
}

// PauseCallback holds the app's callbacks back.
func (c *Client) PauseCallback(ctx context.Context, sdkAppID uint32, req PauseCallback) (Callback, error) {
	return call[Callback](ctx, c, http.MethodPost, appPath(sdkAppID, "/callback/pause"), req)
}

// ResumeCallback lets the app's callbacks go again.
func (c *Client) ResumeCallback(ctx context.Context, sdkAppID uint32) (Callback, error) {
	return call[Callback](ctx, c, http.MethodPost, appPath(sdkAppID, "/callback/resume"), nil)
}

// ClientCert returns the certificate that the app's endpoint is shown, in PEM.
func (c *Client) ClientCert(ctx context.Context, sdkAppID uint32) (string, error) {
	return c.text(ctx, appPath(sdkAppID, "/callback/cert"))
}

// CA returns the certificate of the CA that issues client certificates, in PEM.
func (c *Client) CA(ctx context.Context) (string, error) { return c.text(ctx, "/ca") }

// text gets a small file.
func (c *Client) text(ctx context.Context, path string) (string, error) {
	resp, err := c.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return "", fmt.Errorf("the answer of %s cannot be read: %w", c.base, err)
	}
	return string(text), nil
}
