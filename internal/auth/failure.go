package auth

import (
	"strings"
	"sync"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

const (
	// maxFailures is how many refused tickets of one account in a minute are answered with the exact reason.
	maxFailures = 10
	// failureWindow is the minute of code 70050.
	failureWindow = time.Minute
	// maxFailing is how many accounts are counted at a time. Further ones get exact reasons until the window ends.
	maxFailing = 10_000
)

// account names an account of an app.
type account struct {
	sdkAppID uint32
	userID   string
}

// failures counts refused tickets by account, in windows of one minute.
type failures struct {
	mu     sync.Mutex
	until  time.Time
	counts map[account]int
}

// tooMany counts one more failure and reports whether there were too many before it.
func (f *failures) tooMany(a account, now time.Time) bool {
	if !relation.ValidUserID(a.userID) {
		return false // nobody's name; and an identifier of any length must not be kept
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !now.Before(f.until) {
		f.until, f.counts = now.Add(failureWindow), make(map[account]int)
	}
	n, known := f.counts[a]
	if !known {
		if len(f.counts) >= maxFailing {
			return false
		}
		a.userID = strings.Clone(a.userID)
	}
	f.counts[a] = n + 1
	return n >= maxFailures
}
