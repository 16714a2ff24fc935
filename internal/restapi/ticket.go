package restapi

import (
	"strings"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/usersig"
)

// maxCachedTicket is the longest UserSig that is remembered, in bytes. Real ones have 150 to 300; the holder of one could
// otherwise blow it up to fill the memory.
const maxCachedTicket = 1 << 10

// tickets remembers verified UserSigs of admins, a bounded number of them. An entry counts only as long as nothing
// happened that could make it invalid: another record of the app (keys, admins), a kick. What it says about time is
// for the caller to check at each use.
type tickets struct {
	cache *otter.Cache[ticketKey, verified]
	kicks atomic.Uint64
}

type ticketKey struct {
	sdkAppID uint32
	userID   string
	userSig  string
}

// verified is a ticket whose signature was right, with what that was checked against.
type verified struct {
	usersig.Ticket
	app      *relation.App
	epoch    uint64 // of tickets, before kickedAt was read
	kickedAt int64
}

func newTickets(size int) *tickets {
	return &tickets{cache: otter.Must(&otter.Options[ticketKey, verified]{
		MaximumSize: size,
		// Upkeep is short; done in place it leaves no goroutine behind.
		Executor: func(task func()) { task() },
	})}
}

func (t *tickets) get(key ticketKey, app *relation.App) (verified, bool) {
	v, ok := t.cache.GetIfPresent(key)
	return v, ok && v.app == app && v.epoch == t.kicks.Load()
}

// put remembers a ticket. The key's strings are parts of a request and are copied, so that the rest can go.
func (t *tickets) put(key ticketKey, v verified) {
	if len(key.userSig) > maxCachedTicket {
		return
	}
	key.userID, key.userSig = strings.Clone(key.userID), strings.Clone(key.userSig)
	t.cache.Set(key, v)
}

// epoch counts kicks. Whoever reads a kick time to keep it reads the epoch first: a kick in between then voids the entry.
func (t *tickets) epoch() uint64 { return t.kicks.Load() }

// kicked makes every entry look up its kick time again. Kicks are rare, so there is one epoch for all accounts.
func (t *tickets) kicked() { t.kicks.Add(1) }
