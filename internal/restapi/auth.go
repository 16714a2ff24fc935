package restapi

import (
	"context"
	"errors"
	"strconv"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/auth"
	"github.com/kithchat/kith/internal/relation"
)

// authenticate finds the app and checks that the caller is one of its admins. The order of the checks decides which
// code a request with several faults gets; it is the one of the v4 REST docs.
func (h *Handler) authenticate(ctx context.Context, cmd *command, rawQuery string) (*relation.App, error) {
	q, err := parseQuery(rawQuery)
	if err != nil {
		return nil, err
	}
	app, err := h.findApp(q.sdkAppID)
	if err != nil {
		return nil, err
	}
	switch {
	case q.identifier.value == "":
		return nil, failure{api.CodeIdentifierMissing, "the identifier parameter is missing; name an admin of the app"}
	case !q.userSig.given:
		return nil, failure{api.CodeIdentifierMissing, "the usersig parameter is missing"}
	case q.userSig.value == "":
		return nil, failure{api.CodeTicketEmpty, "the usersig parameter is empty"}
	}
	if err := h.checkTicket(ctx, app, q.identifier.value, q.userSig.value); err != nil {
		return nil, err
	}
	if !app.Admin(q.identifier.value) {
		return nil, failure{cmd.service.admin, "the identifier is not an admin of the app"}
	}
	return app, nil
}

// ifAllowed returns a job that is carried out only if its call is still allowed when it begins.
func (h *Handler) ifAllowed(cmd *command, j job, rawQuery string) job {
	return func(ctx context.Context, c call) (_ any, err error) {
		if c.app, err = h.stillAllowed(ctx, cmd, c.app, rawQuery); err != nil {
			return nil, err
		}
		return j(ctx, c)
	}
}

// stillAllowed authenticates again if the app changed since authenticate returned it. A body may take long to arrive, and a
// call may wait for its turn; by then the app may be disabled or deleted, or the ticket's key dropped.
func (h *Handler) stillAllowed(ctx context.Context, cmd *command, app *relation.App, rawQuery string) (*relation.App, error) {
	if latest, ok := h.apps.App(app.SDKAppID); ok && latest == app {
		return app, nil
	}
	return h.authenticate(ctx, cmd, rawQuery)
}

func (h *Handler) findApp(p param) (*relation.App, error) {
	if p.value == "" {
		return nil, failure{api.CodeSDKAppIDMissing, "the sdkappid parameter is missing"}
	}
	id, err := strconv.ParseUint(p.value, 10, 32)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, failure{api.CodeSDKAppIDMissing, "the sdkappid parameter is not a number"}
	}
	if err != nil {
		return nil, auth.UnknownApp()
	}
	return h.auth.App(uint32(id))
}

// checkTicket returns nil when userSig is a valid ticket of the account. A ticket that was verified before costs one
// look-up.
func (h *Handler) checkTicket(ctx context.Context, app *relation.App, userID, userSig string) error {
	now := h.now()
	key := ticketKey{app.SDKAppID, userID, userSig}
	if t, ok := h.tickets.get(key, app); ok {
		return auth.TimeFailure(t.CheckTime(now, t.kickedAt))
	}
	t, _, err := h.auth.Verify(app, userID, userSig)
	if err != nil {
		return err
	}
	// The store is asked for genuine tickets only, so strangers put no load on it.
	epoch := h.tickets.epoch()
	ctx, cancel := h.limit(ctx)
	defer cancel()
	kickedAt, err := h.kicks.KickedAt(ctx, app.SDKAppID, userID)
	if err != nil {
		return err
	}
	if app.Admin(userID) {
		h.tickets.put(key, verified{Ticket: t, app: app, epoch: epoch, kickedAt: kickedAt})
	}
	return auth.TimeFailure(t.CheckTime(now, kickedAt))
}
