package result

import (
	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// Blocks returns an item for each target, in request order, and the targets that failed, nil when none did.
func (t Table) Blocks(targets []string, outcomes []relation.Outcome) (items []api.BlockResult, failed []string) {
	items = make([]api.BlockResult, len(outcomes))
	for i, target := range targets {
		it := t.Of(outcomes[i])
		items[i] = api.BlockResult{ToAccount: target, ResultCode: it.Code, ResultInfo: it.Info}
		if it.Code != api.OK {
			failed = append(failed, target)
		}
	}
	return items, failed
}

// Entries returns the entries of a list as they are sent.
func Entries(entries []relation.BlockEntry) []api.BlockEntry {
	out := make([]api.BlockEntry, len(entries))
	for i, e := range entries {
		out[i] = api.BlockEntry{ToAccount: e.UserID, AddBlackTimeStamp: e.Since}
	}
	return out
}

// Checks returns an item for each target, in request order, and the targets that are not accounts, nil when all are.
func Checks(targets []string, states []relation.BlockState) (items []api.BlockCheckResult, failed []string) {
	items = make([]api.BlockCheckResult, len(states))
	for i, target := range targets {
		items[i] = api.BlockCheckResult{ToAccount: target, Relation: relationWord(states[i])}
		if !states[i].Exists {
			items[i].ResultCode, items[i].ResultInfo = api.CodeNoAccount, api.InfoBlockChkUnknown
			failed = append(failed, target)
		}
	}
	return items, failed
}

func relationWord(s relation.BlockState) string {
	switch {
	case !s.Exists:
		return api.BlackNo
	case s.Blocked && s.BlockedBy:
		return api.BlackBothWay
	case s.Blocked:
		return api.BlackAWithB
	case s.BlockedBy:
		return api.BlackBWithA
	}
	return api.BlackNo
}
