package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Zero values of [Options].
const (
	// DefaultSkew is how far RequestTime and webhook-timestamp may be from now, as Tencent Chat's console advises receivers.
	DefaultSkew = 60 * time.Second
	// DefaultMaxBody is the longest body in bytes. 1000 pairs with the longest UserIDs take about 100 KB.
	DefaultMaxBody = 1 << 20
)

// Options says which callbacks a [Handler] takes and what it does with them. Functions may run concurrently; for one
// From_Account (the To_Account of State.StateChange) Kith has one callback in flight at a time.
type Options struct {
	// SDKAppID is the app whose callbacks are taken. It must be set unless AnyApp is.
	SDKAppID uint32
	// AnyApp takes callbacks of every app; SDKAppID must then be 0. Look at [Event.SDKAppID] in your functions.
	AnyApp bool
	// Tokens are the Tokens that Sign may be made with: one, or the old and the new one while you change it. None means
	// that Sign is not checked; without Secrets too, anyone who reaches the handler can report changes. An empty Token is
	// refused by New, so an unset environment variable does not turn the check off.
	Tokens []string
	// Secrets are what webhook-signature is verified with: the shared secret (whsec_) or the public key (whpk_) of one of
	// the app's signing keys, or of the old and the new one while you change it. A request without a signature by one of
	// them over webhook-id, webhook-timestamp and the body is refused, independently of Tokens. None means that signatures
	// are not checked. An empty one and a private key (whsk_) are refused by New.
	Secrets []string
	// Skew is how far RequestTime and webhook-timestamp may be from now, both ways, in whole seconds. 0 means DefaultSkew.
	Skew time.Duration
	// MaxBody is the longest body in bytes. 0 means DefaultMaxBody.
	MaxBody int64
	// Dedup is how many handled deliveries are remembered (some 200 bytes each). A repetition of one of them is answered OK
	// without calling your function. A replay is another delivery, since an operator ordered it: it reaches your function
	// though the event was handled before, once for each replay. A repetition, or a replay, that arrives while the same
	// event is still being handled is put off. 0 means that every delivery reaches your function. The memory does not
	// outlive the process.
	Dedup int
	// Tests hands test callbacks to the functions below too; they must then look at [Event.Test], since accounts and pairs
	// are made up. Otherwise a test is verified like any callback, logged and answered OK, and no function sees it.
	Tests bool
	// OnBlackListAdd takes Sns.CallbackBlackListAdd. An error makes Kith send the event again later.
	OnBlackListAdd func(context.Context, BlackListEvent) error
	// OnBlackListDelete takes Sns.CallbackBlackListDelete. An error makes Kith send the event again later.
	OnBlackListDelete func(context.Context, BlackListEvent) error
	// OnStateChange takes State.StateChange, which an app gets only after it switched it on. An error makes Kith send the
	// event again later.
	OnStateChange func(context.Context, StateEvent) error
	// OnUnknown takes each verified callback that none of the functions above is set for. Nil means that such callbacks
	// are answered OK and forgotten. An error makes Kith send the event again later.
	OnUnknown func(context.Context, UnknownEvent) error
	// Logger gets refused requests as warnings, errors and panics of your functions as errors, and test callbacks that no
	// function sees as information. Nil means slog.Default(). Bodies, Tokens and Secrets are not logged.
	Logger *slog.Logger
	// Now is the clock that RequestTime and webhook-timestamp are compared with. Nil means time.Now.
	Now func() time.Time
}

func (o Options) check() error {
	switch {
	case o.SDKAppID == 0 && !o.AnyApp:
		return errors.New("webhook: SDKAppID is 0: set it to the app's id, or set AnyApp")
	case o.SDKAppID != 0 && o.AnyApp:
		return errors.New("webhook: SDKAppID and AnyApp are both set: choose one")
	case o.Skew < 0, o.Skew%time.Second != 0:
		return errors.New("webhook: Skew must be zero or more whole seconds")
	case o.MaxBody < 0:
		return errors.New("webhook: MaxBody must not be negative")
	case o.Dedup < 0:
		return errors.New("webhook: Dedup must not be negative")
	}
	if i := slices.Index(o.Tokens, ""); i >= 0 {
		return fmt.Errorf("webhook: Tokens[%d] is empty: set the Token, or leave Tokens empty to take unsigned callbacks", i)
	}
	return nil
}
