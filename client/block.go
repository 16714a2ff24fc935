package client

import (
	"context"
	"iter"
	"time"

	"github.com/kithchat/kith/api"
)

// MaxTargets is how many accounts one call about a blocklist takes; methods split longer lists. It is also the largest page.
const MaxTargets = 1000

// Entry is one entry of a blocklist.
type Entry struct {
	UserID string
	Since  time.Time // when it was added, whole seconds
}

func entries(list []api.BlockEntry) []Entry {
	out := make([]Entry, len(list))
	for i, e := range list {
		out[i] = Entry{e.ToAccount, time.Unix(e.AddBlackTimeStamp, 0)}
	}
	return out
}

// Block puts targets on the owner's blocklist (black_list_add). Over 1000 targets are sent in several calls, so that some may
// be carried out when a later one fails: then the results of those before it are returned with the error. After a retry, a
// target that is on the list counts as added.
func (r *REST) Block(ctx context.Context, owner string, targets ...string) ([]ItemResult, error) {
	return r.changeBlocks(ctx, "sns/black_list_add", blocking, owner, targets)
}

// Unblock takes targets off the owner's blocklist (black_list_delete), otherwise as Block.
func (r *REST) Unblock(ctx context.Context, owner string, targets ...string) ([]ItemResult, error) {
	return r.changeBlocks(ctx, "sns/black_list_delete", unblocking, owner, targets)
}

func (r *REST) changeBlocks(ctx context.Context, path string, c change, owner string, targets []string) ([]ItemResult, error) {
	return inPieces(targets, MaxTargets, func(piece []string) ([]ItemResult, error) {
		var answer api.BlockResponse
		repeated, err := r.call(ctx, path, api.BlockRequest{FromAccount: owner, ToAccount: piece}, &answer)
		if err != nil {
			return nil, err
		}
		items := c.settle(blockItems(answer.ResultItem), repeated)
		return items, checkCount(command(path), len(piece), len(items))
	})
}

// PageQuery asks for a page of the owner's blocklist: Limit entries (0: MaxTargets) from index Start, in order of insertion.
type PageQuery struct {
	Owner string
	Start int
	Limit int
}

// Page is a page of a blocklist. Next is the Start of the next one, 0 when this is the last. Sequence changes with each change
// of the list.
type Page struct {
	Entries  []Entry
	Next     int
	Sequence int
}

// BlocklistPage reads one page of a blocklist (black_list_get). Pages are by index: when the list changes between two, they may
// skip or repeat entries, and their Sequences differ.
func (r *REST) BlocklistPage(ctx context.Context, q PageQuery) (Page, error) {
	if q.Limit == 0 {
		q.Limit = MaxTargets
	}
	var answer api.BlockGetResponse
	request := api.BlockGetRequest{FromAccount: q.Owner, StartIndex: q.Start, MaxLimited: q.Limit}
	if _, err := r.call(ctx, "sns/black_list_get", request, &answer); err != nil {
		return Page{}, err
	}
	return Page{entries(answer.BlackListItem), answer.StartIndex, answer.CurruentSequence}, nil
}

// Blocklist reads the owner's whole blocklist, page by page. An error is the last element. See BlocklistPage about a list that
// changes meanwhile.
func (r *REST) Blocklist(ctx context.Context, owner string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for q := (PageQuery{Owner: owner}); ; {
			page, err := r.BlocklistPage(ctx, q)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page.Entries {
				if !yield(e, nil) {
					return
				}
			}
			if page.Next <= q.Start { // 0 at the end; a server that goes back would never get there
				return
			}
			q.Start = page.Next
		}
	}
}

// BlockState is what two accounts are to each other.
type BlockState struct {
	ItemResult
	Blocks    bool // the owner blocks UserID
	BlockedBy bool // UserID blocks the owner; always false on a Session, which is not told
}

// CheckBlocks tells for each target whether the owner blocks it, and whether it blocks the owner (black_list_check of the type
// Both, 1000 at a time).
func (r *REST) CheckBlocks(ctx context.Context, owner string, targets ...string) ([]BlockState, error) {
	const path = "sns/black_list_check"
	return inPieces(targets, MaxTargets, func(piece []string) ([]BlockState, error) {
		var answer api.BlockCheckResponse
		request := api.BlockCheckRequest{FromAccount: owner, ToAccount: piece, CheckType: api.BlackCheckBoth}
		if _, err := r.call(ctx, path, request, &answer); err != nil {
			return nil, err
		}
		states := blockStates(answer.BlackListCheckItem)
		return states, checkCount(command(path), len(piece), len(states))
	})
}

func blockStates(results []api.BlockCheckResult) []BlockState {
	states := make([]BlockState, len(results))
	for i, it := range results {
		states[i] = BlockState{
			ItemResult: ItemResult{it.ToAccount, it.ResultCode, it.ResultInfo},
			Blocks:     it.Relation == api.BlackAWithB || it.Relation == api.BlackBothWay,
			BlockedBy:  it.Relation == api.BlackBWithA || it.Relation == api.BlackBothWay,
		}
	}
	return states
}
