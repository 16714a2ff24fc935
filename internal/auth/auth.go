// Package auth says who a caller is, for both doors: the REST API and the gateway. One Verifier serves both, so that their
// refused tickets count together.
//
// It decides from the app's record and the UserSig alone and asks no store: whether an account was kicked since its ticket
// was made is for the caller to find out and to check with usersig.Ticket.CheckTime.
//
// Invariants:
//   - A genuine ticket is never locked out, however many forged ones came for its account.
//   - Tickets and keys never reach an error. Nothing is logged.
//   - Memory is bounded: refused tickets are counted for so many accounts, for a minute.
//
// A Verifier is safe for concurrent use and needs no start or stop. The package must never import a store, the REST API or
// the gateway.
package auth

import (
	"errors"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

// Failure is a refusal whose code and text are for the caller.
type Failure struct {
	Code api.Code
	Info string
}

// Error returns the text that the caller sees.
func (f Failure) Error() string { return f.Info }

// Apps finds the record of an app. The record is shared and never changed; a changed app has a new one.
type Apps interface {
	App(sdkAppID uint32) (*relation.App, bool)
}

// Options are the parts of a Verifier. Apps is required.
type Options struct {
	Apps Apps
	// Now is the clock for tickets and the count of refused ones; time.Now when nil.
	Now func() time.Time
}

// Verifier checks apps and tickets. Make one with New.
type Verifier struct {
	apps    Apps
	now     func() time.Time
	refused failures
}

// New returns a Verifier.
func New(o Options) *Verifier {
	v := &Verifier{apps: o.Apps, now: o.Now}
	if v.now == nil {
		v.now = time.Now
	}
	return v
}

// App returns the record of an app that calls can be made for. The Failure of another one is, in this order,
// CodeAppUnknown, CodeAppDisabled or CodeNoKey.
func (v *Verifier) App(sdkAppID uint32) (*relation.App, error) {
	app, ok := v.apps.App(sdkAppID)
	switch {
	case !ok:
		return nil, UnknownApp()
	case app.Disabled:
		return nil, Failure{api.CodeAppDisabled, "the app is disabled; enable it with: kith app update"}
	case len(app.Keys) == 0:
		return nil, Failure{api.CodeNoKey, "the app has no secret key; make one with: kith app rotate-key"}
	}
	return app, nil
}

// UnknownApp is the failure of an SDKAppID that no app has.
func UnknownApp() Failure { return Failure{api.CodeAppUnknown, "there is no app with this sdkappid"} }

// Verify checks that userSig is a ticket of the account, genuine and not expired. It returns what the ticket says and the
// secret key that signed it, so that a session can be ended when the app drops that key. The error is a Failure. After ten
// refused tickets of one account in a minute, further ones are answered with CodeTooManyFailures.
func (v *Verifier) Verify(app *relation.App, userID, userSig string) (ticket usersig.Ticket, key string, err error) {
	p := usersig.Params{SDKAppID: app.SDKAppID, Identifier: userID, Keys: secrets(app.Keys), Now: v.now()}
	ticket, err = usersig.Verify(userSig, p)
	if err != nil {
		return usersig.Ticket{}, "", v.count(app, userID, TimeFailure(err))
	}
	return ticket, signer(userSig, p), nil
}

// signer returns which of several keys signed a ticket that was verified. An app has rarely more than one.
func signer(userSig string, p usersig.Params) string {
	keys := p.Keys
	last := len(keys) - 1
	for i := range last {
		p.Keys = keys[i : i+1]
		if _, err := usersig.Verify(userSig, p); err == nil {
			return keys[i]
		}
	}
	return keys[last]
}

// count counts a forged or broken ticket. After too many of them in a minute, the failing calls for that account are told
// so. A genuine ticket is always let through: a secret key cannot be guessed, whereas a lock-out would let anybody who
// knows an account's name keep its owner out.
func (v *Verifier) count(app *relation.App, userID string, err error) error {
	switch f, _ := errors.AsType[Failure](err); f.Code {
	case api.CodeTicketMalformed, api.CodeTicketSDKAppID, api.CodeTicketIdentifier, api.CodeTicketSignature:
	default: // nothing was forged: a genuine ticket that is too old, or none at all
		return err
	}
	if v.refused.tooMany(account{app.SDKAppID, userID}, v.now()) {
		return Failure{api.CodeTooManyFailures, "too many refused UserSigs for this identifier; correct it and wait one minute"}
	}
	return err
}

// TimeFailure gives an error of usersig, such as one of Ticket.CheckTime, the code that it carries. Its text has no secret
// in it. Any other error, and nil, stays as it is.
func TimeFailure(err error) error {
	if why, ok := errors.AsType[usersig.Error](err); ok {
		return Failure{api.Code(why.Code()), err.Error()}
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
