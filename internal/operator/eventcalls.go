package operator

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/kithchat/kith/internal/relation"
)

// EventQuery searches events, newest first. What is zero does not narrow the search.
type EventQuery struct {
	SDKAppID uint32 // zero: of all apps
	Account  string // From_Account
	Command  relation.EventKind
	State    relation.State
	From, To string // RFC 3339, or how long ago it was, as 2h
	// ToAccount is one that entered or left the list. Searches have it, streams do not.
	ToAccount string
	Before    string // EventPage.Next of the page before; empty: the first page
	Limit     int    // 1 to MaxEventPage; 0 means DefaultEventPage
}

func (q EventQuery) values() url.Values {
	values := url.Values{}
	put := func(name, text string) {
		if text != "" {
			values.Set(name, text)
		}
	}
	put("sdkappid", appText(q.SDKAppID))
	put("account", q.Account)
	put("to_account", q.ToAccount)
	put("command", string(q.Command))
	put("state", string(q.State))
	put("from", q.From)
	put("to", q.To)
	put("before", q.Before)
	if q.Limit != 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	return values
}

// appText is an SDKAppID as a parameter, empty for zero.
func appText(sdkAppID uint32) string {
	if sdkAppID == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(sdkAppID), 10)
}

// withApp adds sdkappid to a path, unless it is zero.
func withApp(path string, sdkAppID uint32) string {
	if sdkAppID == 0 {
		return path
	}
	return path + "?sdkappid=" + appText(sdkAppID)
}

// Events returns a page of events.
func (c *Client) Events(ctx context.Context, q EventQuery) (EventPage, error) {
	return call[EventPage](ctx, c, http.MethodGet, "/events?"+q.values().Encode(), nil)
}

// Event returns an event with all its attempts. Zero sdkAppID: of any app.
func (c *Client) Event(ctx context.Context, sdkAppID uint32, id string) (EventDetail, error) {
	return call[EventDetail](ctx, c, http.MethodGet, withApp("/events/"+url.PathEscape(id), sdkAppID), nil)
}

// ParkEvent makes an event that its account waits for a dead letter. Zero sdkAppID: of any app.
func (c *Client) ParkEvent(ctx context.Context, sdkAppID uint32, id string) (EventDetail, error) {
	return call[EventDetail](ctx, c, http.MethodPost, withApp("/events/"+url.PathEscape(id)+"/park", sdkAppID), nil)
}

// RetryEvent has an event tried at once that its account waits for. Zero sdkAppID: of any app.
func (c *Client) RetryEvent(ctx context.Context, sdkAppID uint32, id string) (EventDetail, error) {
	return call[EventDetail](ctx, c, http.MethodPost, withApp("/events/"+url.PathEscape(id)+"/retry", sdkAppID), nil)
}

// Endpoints says how the endpoint of an app does; of each app for 0.
func (c *Client) Endpoints(ctx context.Context, sdkAppID uint32) (EndpointList, error) {
	return call[EndpointList](ctx, c, http.MethodGet, withApp("/endpoints", sdkAppID), nil)
}

// Outbox returns what waits for one app, or for all (0). Apps for which nothing waits are left out.
func (c *Client) Outbox(ctx context.Context, sdkAppID uint32) (Outbox, error) {
	return call[Outbox](ctx, c, http.MethodGet, withApp("/outbox", sdkAppID), nil)
}

// Trigger has the server send a marked test callback to the app's endpoint.
func (c *Client) Trigger(ctx context.Context, sdkAppID uint32, req Trigger) (CallbackReport, error) {
	return call[CallbackReport](ctx, c, http.MethodPost, appPath(sdkAppID, "/trigger"), req)
}
