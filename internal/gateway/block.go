package gateway

import (
	"context"
	"fmt"
	"strconv"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/result"
)

// blocklistAdd is blocklist.add.
func (g *Gateway) blocklistAdd(ctx context.Context, c call, req *api.BlocklistTargets) (any, error) {
	return changeBlocks(ctx, c, req, g.o.Service.Block, result.BlockAdd)
}

// blocklistRemove is blocklist.remove.
func (g *Gateway) blocklistRemove(ctx context.Context, c call, req *api.BlocklistTargets) (any, error) {
	return changeBlocks(ctx, c, req, g.o.Service.Unblock, result.BlockDelete)
}

// blockChange is relation's side of an add or remove.
type blockChange func(context.Context, relation.BlockCommand) ([]relation.Outcome, error)

func changeBlocks(ctx context.Context, c call, req *api.BlocklistTargets, change blockChange, table result.Table) (any, error) {
	if err := checkTargets(req); err != nil {
		return nil, err
	}
	outcomes, err := change(ctx, relation.BlockCommand{
		App: c.app, Owner: c.session.key.UserID, Targets: req.ToAccount, Origin: c.origin(),
	})
	if err != nil {
		return nil, err
	}
	items, failed := table.Blocks(req.ToAccount, outcomes)
	return api.BlocklistResult{ResultItem: items, FailAccount: failed}, nil
}

// checkTargets holds a call to the limits that relation has too, but says what to change here.
func checkTargets(req *api.BlocklistTargets) error {
	switch n := len(req.ToAccount); {
	case n == 0:
		return callProblem(api.CodeParameter, "To_Account is empty; name 1 to 1000 accounts")
	case n > relation.MaxBlockTargets:
		return callProblem(api.CodeParameter, fmt.Sprintf("To_Account has %d accounts; name 1 to 1000, the rest in another call", n))
	}
	return nil
}

// cursorBase is the base in which cursors and list names are written. They mean nothing to clients.
const cursorBase = 36

// blocklistGet is blocklist.get.
func (g *Gateway) blocklistGet(ctx context.Context, c call, req *api.BlocklistGetParams) (any, error) {
	q := relation.BlockQuery{SDKAppID: c.session.key.SDKAppID, Owner: c.session.key.UserID, Limit: req.Limit}
	if req.Limit < 1 || req.Limit > api.MaxBlocklistPage {
		return nil, callProblem(api.CodeParameter, "Limit must be 1 to 1000")
	}
	if req.Cursor != "" {
		after, err := strconv.ParseInt(req.Cursor, cursorBase, 64)
		if err != nil || after <= 0 {
			return nil, callProblem(api.CodeRPCParams, "params: Cursor is not one that blocklist.get returned")
		}
		q.After = after
	}
	page, err := g.o.Service.Blocklist(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := api.BlocklistPage{
		BlackListItem: result.Entries(page.Entries), BlocklistPosition: position(page.List, page.Sequence),
	}
	if page.Cursor != 0 {
		answer.Cursor = strconv.FormatInt(page.Cursor, cursorBase)
	}
	return answer, nil
}

func position(list, sequence int64) api.BlocklistPosition {
	return api.BlocklistPosition{List: strconv.FormatInt(list, cursorBase), Sequence: sequence}
}

// blocklistCheck is blocklist.check. It never looks at the lists of others: who blocked the user is not told.
func (g *Gateway) blocklistCheck(ctx context.Context, c call, req *api.BlocklistTargets) (any, error) {
	if err := checkTargets(req); err != nil {
		return nil, err
	}
	states, err := g.o.Service.CheckBlocks(ctx, relation.BlockCheckQuery{
		SDKAppID: c.session.key.SDKAppID, Owner: c.session.key.UserID, Targets: req.ToAccount,
	})
	if err != nil {
		return nil, err
	}
	items, failed := result.Checks(req.ToAccount, states)
	return api.BlocklistCheckResult{BlackListCheckItem: items, FailAccount: failed}, nil
}
