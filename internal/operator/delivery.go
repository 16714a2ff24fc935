package operator

import (
	"context"
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// Delivery is the view of the dispatcher that the handler needs. All methods are safe for concurrent use.
type Delivery interface {
	// Endpoints returns the states of the endpoints of all apps, ordered by SDKAppID.
	Endpoints() []relation.EndpointStatus
	// Endpoint returns that of one app, and whether there is one.
	Endpoint(sdkAppID uint32) (relation.EndpointStatus, bool)
	// Watch follows attempts of an app, of all apps for 0; with what went out if exchanges is set.
	Watch(sdkAppID uint32, exchanges bool) relation.Watch
	// Listen receives an app's callbacks instead of its URL. An error says why it cannot now, and is for the
	// caller to read; relation.ErrNoApp.
	Listen(sdkAppID uint32) (relation.Listening, error)
	// Park makes the first waiting event of an account a dead letter, after an attempt under way. relation.ErrSettled,
	// relation.BehindError, relation.ErrNoApp.
	Park(ctx context.Context, key relation.EventKey) error
	// Hurry makes it due now; reason is that of its last failure, and stays. Errors as for Park.
	Hurry(ctx context.Context, key relation.EventKey, reason string) error
	// ReplaysChanged says that a replay was created, or its state or rate changed, in the store.
	ReplaysChanged()
}

// EndpointStatus says how an app's endpoint does.
type EndpointStatus struct {
	SDKAppID  uint32                 `json:"sdkappid"`
	State     relation.EndpointState `json:"state"`
	Since     time.Time              `json:"since,omitzero"`
	Reason    string                 `json:"reason,omitempty"`
	NextProbe time.Time              `json:"next_probe,omitzero"` // of a failing one
	Limit     int                    `json:"limit"`               // attempts that may be under way now
	InFlight  int                    `json:"in_flight"`           // attempts under way; more than limit after that was lowered
	Listeners int                    `json:"listeners"`           // who listens through this API
	// LastFailure is what became of the last attempt that failed since the server's start, whatever the state.
	LastFailure   string    `json:"last_failure,omitempty"`
	LastFailureAt time.Time `json:"last_failure_at,omitzero"`
	// RecentAttempts ended in about the last minute, and RecentFailed of them failed.
	RecentAttempts int `json:"recent_attempts"`
	RecentFailed   int `json:"recent_failed"`
}

// EndpointList is the answer to a listing, by SDKAppID.
type EndpointList struct {
	Endpoints []EndpointStatus `json:"endpoints"`
}

func (h *handler) listEndpoints(_ http.ResponseWriter, r *http.Request) (any, error) {
	q := h.query(r)
	app := q.app()
	if q.err != nil {
		return nil, q.err
	}
	if err := h.known(app); err != nil {
		return nil, err
	}
	if h.Delivery == nil {
		return nil, unsupported("this server does not deliver")
	}
	list := EndpointList{Endpoints: []EndpointStatus{}}
	for _, status := range h.Delivery.Endpoints() {
		if app == 0 || status.SDKAppID == app {
			list.Endpoints = append(list.Endpoints, showEndpoint(status))
		}
	}
	return list, nil
}

// endpointStatus returns how the app's endpoint does, nil when nothing is known of it.
func (h *handler) endpointStatus(sdkAppID uint32) *EndpointStatus {
	if h.Delivery == nil {
		return nil
	}
	status, ok := h.Delivery.Endpoint(sdkAppID)
	if !ok {
		return nil
	}
	shown := showEndpoint(status)
	return &shown
}

func showEndpoint(s relation.EndpointStatus) EndpointStatus {
	return EndpointStatus{
		SDKAppID: s.SDKAppID, State: s.State, Since: s.Since, Reason: s.Reason, NextProbe: s.NextProbe,
		Limit: s.Limit, InFlight: s.InFlight, Listeners: s.Listeners, LastFailure: s.LastFailure, LastFailureAt: s.LastFailureAt,
		RecentAttempts: s.RecentAttempts, RecentFailed: s.RecentFailed,
	}
}
