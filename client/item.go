package client

import (
	"slices"

	"github.com/kithchat/kith/api"
)

// ItemResult is the outcome for one account of a call. The items of an answer are in the order of the call's arguments.
type ItemResult struct {
	UserID string
	Code   api.Code
	Info   string // the server's text; empty on success
}

// OK reports success.
func (r ItemResult) OK() bool { return r.Code == api.OK }

// Err returns nil on success, and else an *Error whose Command is the UserID's item.
func (r ItemResult) Err() error {
	if r.OK() {
		return nil
	}
	return &Error{Command: "item " + r.UserID, Code: r.Code, Info: r.Info}
}

// change is what a command does to its items, and how an item looks that it was done to before.
type change struct {
	done api.Code
	info string // compared too, unless empty: one code has several meanings
}

var (
	blocking   = change{api.CodeParameter, api.InfoBlockExists}
	unblocking = change{api.CodeParameter, api.InfoBlockNotListed}
	deleting   = change{api.CodeAccountUnknown, ""}
)

// settle makes the items whose change was found done already a success, when an earlier try may have done it.
func (c change) settle(items []ItemResult, repeated bool) []ItemResult {
	if !repeated {
		return items
	}
	for i, it := range items {
		if it.Code == c.done && (c.info == "" || it.Info == c.info) {
			items[i] = ItemResult{UserID: it.UserID}
		}
	}
	return items
}

// blockItems turns the items of an answer into ours.
func blockItems(results []api.BlockResult) []ItemResult {
	items := make([]ItemResult, len(results))
	for i, r := range results {
		items[i] = ItemResult{UserID: r.ToAccount, Code: r.ResultCode, Info: r.ResultInfo}
	}
	return items
}

// inPieces makes a call for each piece of at most size arguments. When one fails, the results of those before it are
// returned with the error.
func inPieces[A, R any](args []A, size int, call func([]A) ([]R, error)) ([]R, error) {
	results := make([]R, 0, len(args))
	for piece := range slices.Chunk(args, size) {
		r, err := call(piece)
		if err != nil {
			return results, err
		}
		results = append(results, r...)
	}
	return results, nil
}
