package restapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
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
	case len(app.Keys) == 0:
		return nil, failure{api.CodeNoKey, "the app has no secret key; make one with: kith app rotate-key"}
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

// stillAllowed authenticates again if the app changed since authenticate returned it. A body may take long to arrive; by
// then the app may be disabled or deleted, or the ticket's key dropped.
func (h *Handler) stillAllowed(r *http.Request, cmd *command, app *relation.App) (*relation.App, error) {
	if latest, ok := h.apps.App(app.SDKAppID); ok && latest == app {
		return app, nil
	}
	return h.authenticate(r.Context(), cmd, r.URL.RawQuery)
}

func (h *Handler) findApp(p param) (*relation.App, error) {
	if p.value == "" {
		return nil, failure{api.CodeSDKAppIDMissing, "the sdkappid parameter is missing"}
	}
	id, err := strconv.ParseUint(p.value, 10, 32)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, failure{api.CodeSDKAppIDMissing, "the sdkappid parameter is not a number"}
	}
	app, ok := h.apps.App(uint32(id))
	switch {
	case err != nil || !ok:
		return nil, failure{api.CodeAppUnknown, "there is no app with this sdkappid"}
	case app.Disabled:
		return nil, failure{api.CodeAppDisabled, "the app is disabled; enable it with: kith app update"}
	}
	return app, nil
}

// checkTicket returns nil when userSig is a valid ticket of the account. A ticket that was verified before costs one
// look-up.
func (h *Handler) checkTicket(ctx context.Context, app *relation.App, userID, userSig string) error {
	now := h.now()
	key := ticketKey{app.SDKAppID, userID, userSig}
	if t, ok := h.tickets.get(key, app); ok {
		return ticketFailure(t.CheckTime(now, t.kickedAt))
	}
	t, err := usersig.Verify(userSig, usersig.Params{
		SDKAppID: app.SDKAppID, Identifier: userID, Keys: secrets(app.Keys), Now: now,
	})
	if err != nil {
		return h.refused(app, userID, ticketFailure(err))
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
	return ticketFailure(t.CheckTime(now, kickedAt))
}

// refused counts a forged or broken ticket. After too many of them in a minute, the failing requests for that account
// are told so. A genuine ticket is always let through: a secret key cannot be guessed, whereas a lock-out would let
// anybody who knows an admin's name keep that admin out.
func (h *Handler) refused(app *relation.App, userID string, err error) error {
	switch f, _ := errors.AsType[failure](err); f.code {
	case api.CodeTicketMalformed, api.CodeTicketSDKAppID, api.CodeTicketIdentifier, api.CodeTicketSignature:
	default: // a genuine ticket that is too old, or a fault of ours
		return err
	}
	if h.failures.tooMany(account{app.SDKAppID, userID}, h.now()) {
		return failure{api.CodeTooManyFailures, "too many refused UserSigs for this identifier; correct it and wait one minute"}
	}
	return err
}

// ticketFailure gives an error of usersig the code that it carries. Its text has no secret in it.
func ticketFailure(err error) error {
	if why, ok := errors.AsType[usersig.Error](err); ok {
		return failure{api.Code(why.Code()), err.Error()}
	}
	return err
}

func secrets(keys []relation.AppKey) []string {
	s := make([]string, len(keys))
	for i, k := range keys {
		s[i] = k.Secret
	}
	return s
}
