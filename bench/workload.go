package main

import (
	"fmt"
	"strconv"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/webhook"
)

const (
	// userDigits makes UserIDs 12 characters long: user_0001234.
	userDigits = 7
	// stride spreads the targets of a list over all accounts.
	stride = 7919
	// maxTargets is the most targets of one call, per the v4 REST docs.
	maxTargets = 1000
	// importSize is how many accounts one import names.
	importSize = 100
)

func appendUser(b []byte, i int) []byte {
	b = append(b, "user_"...)
	digits := strconv.AppendInt(nil, int64(i), 10)
	for range userDigits - len(digits) {
		b = append(b, '0')
	}
	return append(b, digits...)
}

func userID(i int) string { return string(appendUser(nil, i)) }

// listSet is a set of accounts, each with a blocklist of the same size. Owners and targets are accounts 0 to
// Accounts-1; an owner's entries are spread over all of them.
type listSet struct {
	Name     string // lists of the same name share their state in the generator
	First    int    // account that is the first owner
	Owners   int
	Size     int // entries of a full list
	Accounts int
}

func (l listSet) check() error {
	switch {
	case l.First+l.Owners > l.Accounts:
		return fmt.Errorf("lists %s: %d owners from %d do not fit into %d accounts", l.Name, l.Owners, l.First, l.Accounts)
	case (l.Accounts-1)%stride == 0:
		return fmt.Errorf("lists %s: %d accounts make targets repeat; take one more", l.Name, l.Accounts)
	case l.Size >= l.Accounts:
		return fmt.Errorf("lists %s: %d entries need more than %d accounts", l.Name, l.Size, l.Accounts)
	}
	return nil
}

// target returns the account that is entry i of the owner's list. It is never the owner, and differs for each i below
// Accounts-1; from Size on it is an account that is not on the list.
func (l listSet) target(owner, i int) int {
	return (owner + 1 + i*stride%(l.Accounts-1)) % l.Accounts
}

// appendBlockRequest appends the body that names n entries of the owner's list, from entry i.
func (l listSet) appendBlockRequest(b []byte, owner, i, n int) []byte {
	b = append(b, `{"From_Account":"`...)
	b = appendUser(b, owner)
	return append(l.appendTargets(append(b, `",`...), owner, i, n), `}`...)
}

// appendTargets appends the field that names n entries of the owner's list, from entry i.
func (l listSet) appendTargets(b []byte, owner, i, n int) []byte {
	b = append(b, `"To_Account":[`...)
	for k := i; k < i+n; k++ {
		if k > i {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = appendUser(b, l.target(owner, k))
		b = append(b, '"')
	}
	return append(b, `]`...)
}

// appendCheckRequest appends the body that asks for one target.
func (l listSet) appendCheckRequest(b []byte, owner, target int) []byte {
	b = append(b, `{"From_Account":"`...)
	b = appendUser(b, owner)
	b = append(b, `","To_Account":["`...)
	b = appendUser(b, target)
	return append(b, `"],"CheckType":"`+api.BlackCheckSingle+`"}`...)
}

// callback returns the body that Kith posts after an unblock of n entries.
func (l listSet) callback(owner, i, n int) []byte {
	pairs := make([]api.Pair, n)
	for k := range pairs {
		pairs[k] = api.Pair{FromAccount: userID(owner), ToAccount: userID(l.target(owner, i+k))}
	}
	return webhook.EncodeBlackList(api.CallbackBlackListDelete, pairs)
}

// appendImportRequest appends the body that imports accounts from first up to end.
func appendImportRequest(b []byte, first, end int) []byte {
	b = append(b, `{"Accounts":[`...)
	for i := first; i < end; i++ {
		if i > first {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = appendUser(b, i)
		b = append(b, '"')
	}
	return append(b, `]}`...)
}

// pairKey names a call or a callback by its owner and its first target.
func pairKey(owner, target int) int64 { return int64(owner)<<32 | int64(target) }
