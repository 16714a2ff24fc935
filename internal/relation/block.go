package relation

import (
	"context"
	"fmt"
	"time"
)

// Limits of blocklists, per the v4 REST docs.
const (
	// MaxBlockTargets is the most targets in one call.
	MaxBlockTargets = 1000
	// MaxBlockPage is the largest page of a list.
	MaxBlockPage = 1000
	// DefaultBlocklistLimit is how many entries a list holds when the app does not say otherwise.
	DefaultBlocklistLimit = 1000
)

// Origin says where a call came from; events carry it to the app backend.
type Origin struct {
	// ClientIP is the caller's address as text, without a port.
	ClientIP string
	// Platform is the OptPlatform word, RESTAPI for server calls.
	Platform string
	// Trace is the W3C traceparent of the call, so that attempts belong to its trace; empty when the call is not traced.
	Trace string
}

// BlockCommand adds targets to the owner's blocklist, or removes them.
type BlockCommand struct {
	App     *App
	Owner   string
	Targets []string
	Origin  Origin
}

// Block puts the targets on the owner's list. It returns an outcome for each target in request order: Done,
// AlreadyListed, Self, UnknownAccount or ListFull. ErrNoAccount: the owner is not imported; ErrParameter: no target, or
// more than MaxBlockTargets. When it returns nil, the change and its event are durable.
func (s *Service) Block(ctx context.Context, cmd BlockCommand) ([]Outcome, error) {
	return s.changeBlocks(ctx, cmd, decideBlock)
}

// Unblock takes the targets off the owner's list. Outcomes: Done, NotListed or UnknownAccount. Errors are those of
// Block. Removing twice is safe: the second call reports NotListed and makes no event.
func (s *Service) Unblock(ctx context.Context, cmd BlockCommand) ([]Outcome, error) {
	return s.changeBlocks(ctx, cmd, decideUnblock)
}

type blockRule func(cmd BlockCommand, snap Snapshot, now time.Time) (Change, []Outcome)

func (s *Service) changeBlocks(ctx context.Context, cmd BlockCommand, rule blockRule) ([]Outcome, error) {
	if err := checkBatch(len(cmd.Targets), MaxBlockTargets); err != nil {
		return nil, err
	}
	var (
		outcomes []Outcome
		missing  bool
	)
	scope := Scope{SDKAppID: cmd.App.SDKAppID, Owner: cmd.Owner, Accounts: cmd.Targets}
	err := s.store.Apply(ctx, scope, func(snap Snapshot) Change {
		if missing = !snap.Owner.Exists; missing {
			return Change{}
		}
		var change Change
		change, outcomes = rule(cmd, snap, s.now())
		return change
	})
	if err == nil && missing {
		return nil, fmt.Errorf("%w: %q", ErrNoAccount, cmd.Owner)
	}
	return outcomes, err
}

func decideBlock(cmd BlockCommand, snap Snapshot, now time.Time) (Change, []Outcome) {
	change := Change{At: now}
	outcomes := make([]Outcome, len(cmd.Targets))
	room := cmd.App.BlocklistRoom(snap.Owner.Blocks)
	added := newSeen(len(cmd.Targets))
	for i, target := range cmd.Targets {
		switch {
		case target == cmd.Owner:
			outcomes[i] = Self
		case !snap.Accounts[i].Exists:
			outcomes[i] = UnknownAccount
		case snap.Accounts[i].Blocked || added.has(target):
			outcomes[i] = AlreadyListed
		case len(change.Block) >= room:
			outcomes[i] = ListFull
		default:
			added.add(target)
			change.Block = append(change.Block, target)
		}
	}
	change.Events = cmd.events(EventBlockAdd, change.Block)
	return change, outcomes
}

func decideUnblock(cmd BlockCommand, snap Snapshot, now time.Time) (Change, []Outcome) {
	change := Change{At: now}
	outcomes := make([]Outcome, len(cmd.Targets))
	removed := newSeen(len(cmd.Targets))
	for i, target := range cmd.Targets {
		switch {
		case !snap.Accounts[i].Exists:
			outcomes[i] = UnknownAccount
		case !snap.Accounts[i].Blocked || removed.has(target):
			outcomes[i] = NotListed
		default:
			removed.add(target)
			change.Unblock = append(change.Unblock, target)
		}
	}
	change.Events = cmd.events(EventBlockDelete, change.Unblock)
	return change, outcomes
}

func (cmd BlockCommand) events(kind EventKind, targets []string) []NewEvent {
	if len(targets) == 0 || !cmd.App.Emits(kind) {
		return nil
	}
	return []NewEvent{{Kind: kind, Targets: targets, Origin: cmd.Origin}}
}

// seen remembers the targets of one call. The common call has one target and then costs nothing.
type seen map[string]struct{}

func newSeen(n int) seen {
	if n < 2 {
		return nil
	}
	return make(seen, n)
}

func (s seen) has(id string) bool { _, ok := s[id]; return ok }

func (s seen) add(id string) {
	if s != nil {
		s[id] = struct{}{}
	}
}

// BlockEntry is one entry of a list. Since is when it was added, to the second.
type BlockEntry struct {
	UserID string
	Since  int64 // Unix seconds
}

// BlockQuery asks for a page of a list: at most Limit entries in order of insertion, from index Start or, when After is not
// 0, those behind that cursor. Pages by cursor neither skip nor repeat what stays on the list while they are read.
type BlockQuery struct {
	SDKAppID uint32
	Owner    string
	Start    int
	After    int64
	Limit    int
}

// BlockPage is a page of a list. Next is the index where the following page starts (of pages by index), Cursor is what it
// comes after; both are 0 when this is the last. List and Sequence are the list's, read together with the entries.
type BlockPage struct {
	Entries  []BlockEntry
	Next     int
	Cursor   int64
	List     int64
	Sequence int64
}

// Blocklist returns a page of a list. An index past the end gives an empty page. An index counts places in the list as
// it is now, so a list that changes between two pages may skip or repeat entries. ErrNoAccount: the owner is not
// imported; ErrParameter: Start is negative, or Limit is not 1 to MaxBlockPage.
func (s *Service) Blocklist(ctx context.Context, q BlockQuery) (BlockPage, error) {
	if q.Start < 0 || q.After < 0 || q.Limit < 1 || q.Limit > MaxBlockPage {
		return BlockPage{}, fmt.Errorf("%w: a page holds 1 to %d entries and starts at 0 or later", ErrParameter, MaxBlockPage)
	}
	return s.store.Blocklist(ctx, q)
}

// BlockCheckQuery asks how the owner and each target block one another.
type BlockCheckQuery struct {
	SDKAppID uint32
	Owner    string
	Targets  []string
	// Both also looks at the targets' lists.
	Both bool
}

// BlockState is the relation between the owner and one target. BlockedBy is known only if the query asked for both.
type BlockState struct {
	Exists    bool // the target is an imported account
	Blocked   bool // the target is on the owner's list
	BlockedBy bool // the owner is on the target's list
}

// CheckBlocks returns a state for each target, in request order. Errors are those of Block.
func (s *Service) CheckBlocks(ctx context.Context, q BlockCheckQuery) ([]BlockState, error) {
	if err := checkBatch(len(q.Targets), MaxBlockTargets); err != nil {
		return nil, err
	}
	return s.store.CheckBlocks(ctx, q)
}
