package relation

import (
	"context"
	"time"
)

// Scope names the rows that one Apply reads: the owner (with the head of its list) and accounts, each with its entry on
// the owner's list. Owner may be empty. The store may keep the slice until Apply returns.
type Scope struct {
	SDKAppID uint32
	Owner    string
	Accounts []string
}

// Snapshot is what was read. Accounts has one element for each of Scope.Accounts, in the same order.
type Snapshot struct {
	Owner    Owner
	Accounts []Account
}

// Owner is the account that a call acts for.
type Owner struct {
	Exists bool
	Blocks int // entries on its blocklist
}

// Account is an account of the scope. Blocked says that it is on the owner's blocklist.
type Account struct {
	Exists  bool
	Blocked bool
}

// Change is what a rule wants written. The zero Change writes nothing.
type Change struct {
	At      time.Time
	Block   []string   // appended to the owner's list, in this order; accounts of the scope, not on the list
	Unblock []string   // taken off the owner's list; on it
	Import  []Profile  // accounts of the scope, new or known
	Delete  []string   // accounts of the scope that exist
	Kick    []string   // accounts of the scope whose earlier UserSigs become invalid
	Online  []Device   // recorded as the owner's; one that is recorded already is replaced
	Offline []string   // ids of the owner's devices whose record goes, if there is one
	Events  []NewEvent // appended to the owner's queue
}

// Commit tells what one commit made durable, each part in the order in which it was decided.
type Commit struct {
	Events  []Event
	Lists   []ListChange
	Kicked  []AccountKey // their earlier UserSigs are invalid now
	Deleted []AccountKey
	// Lost means that the answer to the commit was lost: it may have happened or not, and what it changed is not told.
	// Whoever follows lists has to read them again.
	Lost bool
}

// AccountKey names an account.
type AccountKey struct {
	SDKAppID uint32
	UserID   string
}

// ListChange is one change of a blocklist, as the devices of its owner are told. The changes of one owner come in order of
// Sequence, each one more than the one before, except after a Lost commit.
type ListChange struct {
	AccountKey
	List     int64 // the life of the list; another one after the account was deleted and imported again
	Sequence int64
	Added    []BlockEntry // in order
	Removed  []string     // in order, before Added
	// Reload means that the change is not described: entries of deleted accounts were removed.
	Reload bool
}

// Store keeps accounts and lists. All methods are safe for concurrent use.
type Store interface {
	// Apply reads what scope names, calls decide, and commits the change: rows, the owner's new sequence and the
	// events. It returns nil only when all of it is durable; otherwise nothing of it is visible, or, where the engine
	// lost the answer to a commit, all of it may be. Calls are decided one after another, each on what the one before
	// left, so decide must be quick; it may be called again on a newer snapshot and then decides anew. The error is
	// ErrUnavailable, ErrNoApp if the app does not exist (any more), or the context's if it ended before the call was
	// decided.
	Apply(ctx context.Context, scope Scope, decide func(Snapshot) Change) error

	// Blocklist returns a page, or ErrNoAccount. It sees every change whose Apply returned.
	Blocklist(ctx context.Context, q BlockQuery) (BlockPage, error)
	// CheckBlocks returns a state for each target, or ErrNoAccount. It sees every change whose Apply returned.
	CheckBlocks(ctx context.Context, q BlockCheckQuery) ([]BlockState, error)
	// Imported reports for each account whether it exists.
	Imported(ctx context.Context, q AccountSet) ([]bool, error)
	// KickedAt returns when the account was last kicked in Unix seconds, 0 for never or an unknown account.
	KickedAt(ctx context.Context, sdkAppID uint32, userID string) (int64, error)
	// Account returns an account with the head of its list, or ErrNoAccount. It sees every change whose Apply returned.
	Account(ctx context.Context, key AccountKey) (AccountHead, error)
	// Online calls each with every recorded device of all apps, in no particular order, as of one moment. each must be
	// quick and must not call the store.
	Online(ctx context.Context, each func(OnlineDevice)) error
	// OnlineOf returns the recorded devices of an account, in order of their ids; none of an account that is not there.
	OnlineOf(ctx context.Context, key AccountKey) ([]Device, error)
}

// AccountHead is an account with the position of its list.
type AccountHead struct {
	KickedAt int64 // Unix seconds, 0 for never
	List     int64 // the life of the account and its list
	Sequence int64 // changes of the list in this life
}

// OnlineDevice is a device that is recorded as online.
type OnlineDevice struct {
	AccountKey
	Device
}

// Outbox is the queue of events between commit and app backend. All methods are safe for concurrent use.
type Outbox interface {
	// Due returns heads that are due, with their bodies, in order of (due, owner).
	Due(ctx context.Context, q DueQuery) ([]DueHead, error)
	// NextDue returns when the earliest head of the app that is due after now will be due, zero when there is none.
	NextDue(ctx context.Context, sdkAppID uint32, now time.Time) (time.Time, error)
	// Following returns the owner's events after key, in order.
	Following(ctx context.Context, key EventKey, limit int) ([]Event, error)
	// Settle commits verdicts, many of them in several commits, so that nobody waits for a long one. The error is nil when
	// they are durable; after another error some can be, and all are to be settled again. Settling an event that has left
	// the outbox does nothing. A head that left (Delivered, Dead) makes the owner's next event the head, due at once; next
	// names those new heads, also beside an error, so that a dispatcher that did not know of them goes on.
	Settle(ctx context.Context, settlements []Settlement) (next []EventKey, err error)
	// OutboxStats describes the outbox of each app that has anything in it. It reads counters, not rows.
	OutboxStats(ctx context.Context) ([]OutboxStats, error)
}

// AppStore keeps the apps' records.
type AppStore interface {
	// Apps returns all apps, ordered by SDKAppID.
	Apps(ctx context.Context) ([]App, error)
	// CreateApp adds an app, with its admins imported as accounts. ErrAppExists if the id is taken.
	CreateApp(ctx context.Context, app App) error
	// UpdateApp replaces an app's record, or returns ErrNoApp. Its admins are imported as accounts.
	UpdateApp(ctx context.Context, app App) error
	// DeleteApp removes an app and everything it holds, or returns ErrNoApp. Rows go in the background; until they are
	// gone, CreateApp answers ErrAppExists for the id.
	DeleteApp(ctx context.Context, sdkAppID uint32) error
}
