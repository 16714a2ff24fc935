package relation

import "errors"

// Errors of a whole call. Each edge (restapi, gateway) maps them to its codes in one table; anything else is internal.
var (
	// ErrParameter: a parameter is missing or out of range. The wrapping error says which.
	ErrParameter = errors.New("bad parameter")
	// ErrNoAccount: the account that the call acts for was never imported, or was deleted.
	ErrNoAccount = errors.New("account is not imported")
	// ErrNoApp: there is no app with this SDKAppID.
	ErrNoApp = errors.New("no such app")
	// ErrAppExists: an app with this SDKAppID exists already, or is still being deleted.
	ErrAppExists = errors.New("app exists")
	// ErrNoEvent: there is no such event, or it is not kept any more.
	ErrNoEvent = errors.New("no such event")
	// ErrForgotten: events that would be needed are not kept any more.
	ErrForgotten = errors.New("events are not kept any more")
	// ErrSettled: the event was delivered or given up, and so does not wait any more.
	ErrSettled = errors.New("the event does not wait any more")
	// ErrNoReplay: there is no replay with this id.
	ErrNoReplay = errors.New("no such replay")
	// ErrUnavailable: the store cannot commit now (disk full, connection lost, shutting down). Nothing is known to have
	// changed; asking again is safe.
	ErrUnavailable = errors.New("store is unavailable")
)

// BehindError says that an event cannot be decided about, since an earlier one of its account waits.
type BehindError struct {
	Head string // id of the first that waits
}

// Error names the event that is first.
func (e *BehindError) Error() string { return "it waits behind " + e.Head + " of the same account" }

// Outcome is what became of one item of a call.
type Outcome uint8

// Outcomes of one item.
const (
	// Done: the item was carried out, and it changed something where the call changes something.
	Done Outcome = iota
	// AlreadyListed: the target was on the list before; its entry keeps its time and place.
	AlreadyListed
	// NotListed: the target was not on the list.
	NotListed
	// Self: an account cannot block itself.
	Self
	// UnknownAccount: the item's account is not imported.
	UnknownAccount
	// ListFull: the list holds as many entries as the app allows.
	ListFull
	// Invalid: the item's UserID or profile breaks a rule.
	Invalid
)
