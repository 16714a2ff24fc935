package restapi

import (
	"context"
	"math"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/result"
)

// blackListAdd is sns/black_list_add.
func (h *Handler) blackListAdd(ctx context.Context, c call, req *api.BlockRequest) (any, error) {
	return changeBlocks(ctx, c, req, h.service.Block, result.BlockAdd)
}

// blackListDelete is sns/black_list_delete.
func (h *Handler) blackListDelete(ctx context.Context, c call, req *api.BlockRequest) (any, error) {
	return changeBlocks(ctx, c, req, h.service.Unblock, result.BlockDelete)
}

// blockChange is relation's side of an add or delete.
type blockChange func(context.Context, relation.BlockCommand) ([]relation.Outcome, error)

func changeBlocks(ctx context.Context, c call, req *api.BlockRequest, change blockChange, table result.Table) (any, error) {
	if err := checkOwner(req.FromAccount); err != nil {
		return nil, err
	}
	outcomes, err := change(ctx, relation.BlockCommand{
		App: c.app, Owner: req.FromAccount, Targets: req.ToAccount, Origin: c.origin,
	})
	if err != nil {
		return nil, err
	}
	answer := &api.BlockResponse{DisplayEnvelope: api.DisplaySuccess()}
	answer.ResultItem, answer.FailAccount = table.Blocks(req.ToAccount, outcomes)
	return answer, nil
}

// blockGetRequest is api.BlockGetRequest with the fields that must be there told from those that are 0. LastSequence is
// checked for its type and ignored, so that it never shortens or empties a page.
type blockGetRequest struct {
	FromAccount  string `json:"From_Account"`
	StartIndex   *int   `json:"StartIndex"`
	MaxLimited   *int   `json:"MaxLimited"`
	LastSequence int    `json:"LastSequence"`
}

// blackListGet is sns/black_list_get.
func (h *Handler) blackListGet(ctx context.Context, c call, req *blockGetRequest) (any, error) {
	if err := checkOwner(req.FromAccount); err != nil {
		return nil, err
	}
	if req.StartIndex == nil || req.MaxLimited == nil {
		return nil, sns.badParameter("StartIndex and MaxLimited must be given")
	}
	page, err := h.service.Blocklist(ctx, relation.BlockQuery{
		SDKAppID: c.app.SDKAppID, Owner: req.FromAccount, Start: *req.StartIndex, Limit: *req.MaxLimited,
	})
	if err != nil {
		return nil, err
	}
	answer := &api.BlockGetResponse{
		BlackListItem:   result.Entries(page.Entries),
		StartIndex:      page.Next,
		DisplayEnvelope: api.DisplaySuccess(),
	}
	// Clients hold it in 32 bits. Past the end it starts over, so that it still differs after each change.
	answer.CurruentSequence = int(page.Sequence & math.MaxInt32)
	answer.CurrentSequence = answer.CurruentSequence
	return answer, nil
}

// blackListCheck is sns/black_list_check.
func (h *Handler) blackListCheck(ctx context.Context, c call, req *api.BlockCheckRequest) (any, error) {
	if err := checkOwner(req.FromAccount); err != nil {
		return nil, err
	}
	if req.CheckType != api.BlackCheckSingle && req.CheckType != api.BlackCheckBoth {
		return nil, sns.badParameter("CheckType must be " + api.BlackCheckSingle + " or " + api.BlackCheckBoth)
	}
	states, err := h.service.CheckBlocks(ctx, relation.BlockCheckQuery{
		SDKAppID: c.app.SDKAppID, Owner: req.FromAccount, Targets: req.ToAccount, Both: req.CheckType == api.BlackCheckBoth,
	})
	if err != nil {
		return nil, err
	}
	answer := &api.BlockCheckResponse{DisplayEnvelope: api.DisplaySuccess()}
	answer.BlackListCheckItem, answer.FailAccount = result.Checks(req.ToAccount, states)
	return answer, nil
}

// checkOwner tells a From_Account that was left out from one that is not imported, and one that cannot be.
func checkOwner(id string) error {
	switch {
	case id == "":
		return sns.badParameter("From_Account is missing")
	case !relation.ValidUserID(id):
		return relation.ErrNoAccount
	}
	return nil
}
