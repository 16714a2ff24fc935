package operator

import (
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/apps"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

// DefaultExpire is how long a UserSig is valid that is made without a lifetime.
const DefaultExpire = 30 * 24 * time.Hour

// MakeUserSig asks for a UserSig, signed with the app's newest key.
type MakeUserSig struct {
	UserID string `json:"userid"`
	// ExpireSeconds is the lifetime in seconds; 0 means DefaultExpire.
	ExpireSeconds int64 `json:"expire_seconds,omitempty"`
}

// UserSig is a ticket that was made.
type UserSig struct {
	SDKAppID uint32    `json:"sdkappid"`
	UserID   string    `json:"userid"`
	UserSig  string    `json:"usersig"`
	Expires  time.Time `json:"expires"`
}

// CheckUserSig asks whether a UserSig would be accepted.
type CheckUserSig struct {
	UserID  string `json:"userid"`
	UserSig string `json:"usersig"`
}

// UserSigReport says whether a UserSig would be accepted, and what it holds.
type UserSigReport struct {
	Valid bool `json:"valid"`
	// Code is the v4 error code that the REST API would answer, 0 when valid.
	Code   int    `json:"code"`
	Reason string `json:"reason,omitempty"`
	// Key is the fingerprint of the key that signed; set when valid.
	Key string `json:"key,omitempty"`
	// Ticket is what the text claims; nil when it cannot be read.
	Ticket *TicketClaims `json:"ticket,omitempty"`
}

// TicketClaims is the content of a UserSig, which may be forged unless the report says valid.
type TicketClaims struct {
	SDKAppID uint32    `json:"sdkappid"`
	UserID   string    `json:"userid"`
	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires"`
}

func (h *handler) makeUserSig(_ http.ResponseWriter, r *http.Request) (any, error) {
	app, err := h.app(r)
	if err != nil {
		return nil, err
	}
	req := MakeUserSig{}
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if !relation.ValidUserID(req.UserID) {
		return nil, badRequest("userid must be 1 to %d bytes of printable ASCII", relation.MaxUserID)
	}
	if req.ExpireSeconds == 0 {
		req.ExpireSeconds = int64(DefaultExpire / time.Second)
	}
	ticket := usersig.Ticket{
		SDKAppID: app.SDKAppID, Identifier: req.UserID, Issued: h.Now().Unix(), Expire: req.ExpireSeconds,
	}
	sig, err := usersig.Sign(app.Keys[0].Secret, ticket)
	if err != nil {
		return nil, badRequest("%v", err)
	}
	return UserSig{
		SDKAppID: app.SDKAppID, UserID: req.UserID, UserSig: sig, Expires: unixTime(ticket.ExpiresAt()),
	}, nil
}

func (h *handler) checkUserSig(_ http.ResponseWriter, r *http.Request) (any, error) {
	app, err := h.app(r)
	if err != nil {
		return nil, err
	}
	var req CheckUserSig
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	params := usersig.Params{SDKAppID: app.SDKAppID, Identifier: req.UserID, Now: h.Now()}
	if h.KickedAt != nil {
		if params.NotBefore, err = h.KickedAt(r.Context(), app.SDKAppID, req.UserID); err != nil {
			return nil, err
		}
	}
	return reportUserSig(app, req.UserSig, params), nil
}

// reportUserSig tries the keys one by one, newest first, to tell which one signed. The report is that of the first key
// that did, or of the newest when none did.
func reportUserSig(app *relation.App, text string, params usersig.Params) UserSigReport {
	report := UserSigReport{}
	var refusal error = usersig.ErrNoKey
	for i, key := range app.Keys {
		params.Keys = []string{key.Secret}
		_, err := usersig.Verify(text, params)
		if err == nil {
			report.Valid, report.Key, refusal = true, apps.Fingerprint(key), nil
			break
		}
		if i == 0 || !errors.Is(err, usersig.ErrSignature) {
			refusal = err
		}
	}
	if refusal != nil {
		report.Reason = refusal.Error()
		var code usersig.Error
		if errors.As(refusal, &code) {
			report.Code = code.Code()
		}
	}
	if ticket, err := usersig.Decode(text); err == nil {
		report.Ticket = &TicketClaims{
			SDKAppID: ticket.SDKAppID, UserID: ticket.Identifier,
			Issued: unixTime(ticket.Issued), Expires: unixTime(ticket.ExpiresAt()),
		}
	}
	return report
}

// unixTime is the time in UTC, at most the last one that JSON can hold (year 9999).
func unixTime(seconds int64) time.Time {
	const last = 253402300799
	return time.Unix(min(max(seconds, math.MinInt32), last), 0).UTC()
}
