package relation

import (
	"context"
	"fmt"
	"time"
)

// Limits of accounts, per the v4 REST docs.
const (
	// MaxUserID is the longest UserID in bytes.
	MaxUserID = 32
	// MaxProfileField is the longest nick or face URL in bytes.
	MaxProfileField = 500
	// MaxAccountBatch is the most accounts in one import, check or delete.
	MaxAccountBatch = 100
)

// Profile is what an import says of an account. An empty Nick or FaceURL leaves what was there.
type Profile struct {
	UserID  string
	Nick    string
	FaceURL string
}

// ValidUserID reports whether id may name an account: 1 to 32 bytes of printable ASCII.
func ValidUserID(id string) bool {
	if id == "" || len(id) > MaxUserID {
		return false
	}
	for i := range len(id) {
		if id[i] < 0x20 || id[i] > 0x7e {
			return false
		}
	}
	return true
}

// AccountImport imports accounts into an app. Importing twice is no error and updates the profile.
type AccountImport struct {
	SDKAppID uint32
	Profiles []Profile
}

// Import carries out an AccountImport and returns an outcome for each profile: Done, or Invalid for a UserID that breaks
// the rules. The other accounts are imported all the same.
func (s *Service) Import(ctx context.Context, cmd AccountImport) ([]Outcome, error) {
	if err := checkBatch(len(cmd.Profiles), MaxAccountBatch); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(cmd.Profiles))
	valid := make([]Profile, 0, len(cmd.Profiles))
	ids := make([]string, 0, len(cmd.Profiles))
	for i, p := range cmd.Profiles {
		if !ValidUserID(p.UserID) || len(p.Nick) > MaxProfileField || len(p.FaceURL) > MaxProfileField {
			outcomes[i] = Invalid
			continue
		}
		valid, ids = append(valid, p), append(ids, p.UserID)
	}
	if len(valid) == 0 {
		return outcomes, nil
	}
	scope := Scope{SDKAppID: cmd.SDKAppID, Accounts: ids}
	err := s.store.Apply(ctx, scope, func(Snapshot) Change { return Change{At: s.now(), Import: valid} })
	return outcomes, err
}

// AccountSet names accounts of an app.
type AccountSet struct {
	SDKAppID uint32
	UserIDs  []string
}

// Imported reports for each account whether it is imported, in request order.
func (s *Service) Imported(ctx context.Context, q AccountSet) ([]bool, error) {
	if err := checkBatch(len(q.UserIDs), MaxAccountBatch); err != nil {
		return nil, err
	}
	return s.store.Imported(ctx, q)
}

// Delete deletes accounts with their lists, and their entries in the lists of others. No event tells about it. The
// outcome is Done or UnknownAccount for each account, in request order; the second mention of an account is unknown.
func (s *Service) Delete(ctx context.Context, cmd AccountSet) ([]Outcome, error) {
	if err := checkBatch(len(cmd.UserIDs), MaxAccountBatch); err != nil {
		return nil, err
	}
	var outcomes []Outcome
	scope := Scope{SDKAppID: cmd.SDKAppID, Accounts: cmd.UserIDs}
	err := s.store.Apply(ctx, scope, func(snap Snapshot) Change {
		var change Change
		change, outcomes = decideDelete(cmd.UserIDs, snap, s.now())
		return change
	})
	return outcomes, err
}

func decideDelete(ids []string, snap Snapshot, now time.Time) (Change, []Outcome) {
	change := Change{At: now}
	outcomes := make([]Outcome, len(ids))
	seen := make(map[string]bool, len(ids))
	for i, id := range ids {
		if seen[id] || !snap.Accounts[i].Exists {
			outcomes[i] = UnknownAccount
			continue
		}
		seen[id] = true
		change.Delete = append(change.Delete, id)
	}
	return change, outcomes
}

// Kick makes every UserSig of the account that was made before now invalid. It returns ErrNoAccount for an account that
// is not imported.
func (s *Service) Kick(ctx context.Context, sdkAppID uint32, userID string) error {
	var missing bool
	scope := Scope{SDKAppID: sdkAppID, Accounts: []string{userID}}
	err := s.store.Apply(ctx, scope, func(snap Snapshot) Change {
		missing = !snap.Accounts[0].Exists
		if missing {
			return Change{}
		}
		return Change{At: s.now(), Kick: []string{userID}}
	})
	if err == nil && missing {
		return fmt.Errorf("%w: %q", ErrNoAccount, userID)
	}
	return err
}

func checkBatch(n, most int) error {
	switch {
	case n == 0:
		return fmt.Errorf("%w: the batch is empty", ErrParameter)
	case n > most:
		return fmt.Errorf("%w: %d items, at most %d are allowed", ErrParameter, n, most)
	}
	return nil
}
