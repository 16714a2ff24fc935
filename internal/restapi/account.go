package restapi

import (
	"cmp"
	"context"
	"fmt"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/result"
)

// accountImport is im_open_login_svc/account_import. Where both names of the id are given, UserID counts.
func (h *Handler) accountImport(ctx context.Context, c call, req *api.AccountImportRequest) (any, error) {
	p := relation.Profile{UserID: cmp.Or(req.UserID, req.Identifier), Nick: req.Nick, FaceURL: req.FaceURL}
	if !relation.ValidUserID(p.UserID) {
		return nil, login.badParameter("UserID must be 1 to 32 bytes of printable ASCII")
	}
	if len(p.Nick) > relation.MaxProfileField || len(p.FaceURL) > relation.MaxProfileField {
		return nil, failure{api.CodeProfileTooLong, "Nick and FaceUrl may have 500 bytes each"}
	}
	outcomes, err := h.service.Import(ctx, relation.AccountImport{SDKAppID: c.app.SDKAppID, Profiles: []relation.Profile{p}})
	if err != nil {
		return nil, err
	}
	if it := result.AccountImport.Of(outcomes[0]); it.Code != api.OK {
		return nil, failure(it)
	}
	return api.Success(), nil
}

// multiAccountImport is im_open_login_svc/multiaccount_import. A call may use the old form, the new one, or both.
func (h *Handler) multiAccountImport(ctx context.Context, c call, req *api.MultiAccountImportRequest) (any, error) {
	if err := checkBatchSize(len(req.Accounts) + len(req.AccountList)); err != nil {
		return nil, err
	}
	profiles := make([]relation.Profile, 0, len(req.Accounts)+len(req.AccountList))
	for _, id := range req.Accounts {
		profiles = append(profiles, relation.Profile{UserID: id})
	}
	for _, a := range req.AccountList {
		profiles = append(profiles, relation.Profile(a))
	}
	outcomes, err := h.service.Import(ctx, relation.AccountImport{SDKAppID: c.app.SDKAppID, Profiles: profiles})
	if err != nil {
		return nil, err
	}
	answer := api.MultiAccountImportResponse{Envelope: api.Success()}
	for i, o := range outcomes {
		if result.AccountImport.Of(o).Code != api.OK {
			answer.FailAccounts = append(answer.FailAccounts, profiles[i].UserID)
		}
	}
	return answer, nil
}

// accountCheck is im_open_login_svc/account_check. A UserID that breaks the rules is simply not imported.
func (h *Handler) accountCheck(ctx context.Context, c call, req *api.AccountCheckRequest) (any, error) {
	if err := checkBatchSize(len(req.CheckItem)); err != nil {
		return nil, err
	}
	ids := userIDs(req.CheckItem)
	imported, err := h.service.Imported(ctx, relation.AccountSet{SDKAppID: c.app.SDKAppID, UserIDs: ids})
	if err != nil {
		return nil, err
	}
	answer := api.AccountResponse{Envelope: api.Success(), ResultItem: make([]api.AccountResult, len(ids))}
	for i, id := range ids {
		status := api.AccountNotImported
		if imported[i] {
			status = api.AccountImported
		}
		answer.ResultItem[i] = api.AccountResult{UserID: id, AccountStatus: status}
	}
	return answer, nil
}

// accountDelete is im_open_login_svc/account_delete.
func (h *Handler) accountDelete(ctx context.Context, c call, req *api.AccountDeleteRequest) (any, error) {
	if err := checkBatchSize(len(req.DeleteItem)); err != nil {
		return nil, err
	}
	ids := userIDs(req.DeleteItem)
	outcomes, err := h.service.Delete(ctx, relation.AccountSet{SDKAppID: c.app.SDKAppID, UserIDs: ids})
	if err != nil {
		return nil, err
	}
	answer := api.AccountResponse{Envelope: api.Success(), ResultItem: make([]api.AccountResult, len(ids))}
	for i, id := range ids {
		it := result.AccountDelete.Of(outcomes[i])
		answer.ResultItem[i] = api.AccountResult{UserID: id, ResultCode: it.Code, ResultInfo: it.Info}
	}
	return answer, nil
}

// kick is im_open_login_svc/kick.
func (h *Handler) kick(ctx context.Context, c call, req *api.KickRequest) (any, error) {
	userID := cmp.Or(req.UserID, req.Identifier)
	switch {
	case userID == "":
		return nil, login.badParameter("UserID is missing")
	case !relation.ValidUserID(userID):
		return nil, relation.ErrNoAccount
	}
	// Also after an error: the store may have committed the kick and lost the answer.
	defer h.tickets.kicked()
	if err := h.service.Kick(ctx, c.app.SDKAppID, userID); err != nil {
		return nil, err
	}
	return api.Success(), nil
}

func userIDs(items []api.AccountItem) []string {
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = it.UserID
	}
	return ids
}

// checkBatchSize tells a batch that is too large from other faults; relation refuses an empty one.
func checkBatchSize(n int) error {
	if n > relation.MaxAccountBatch {
		return failure{api.CodeBatchSize, fmt.Sprintf("%d accounts in one call, at most %d are allowed", n, relation.MaxAccountBatch)}
	}
	return nil
}
