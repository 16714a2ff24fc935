package client

import (
	"context"
	"fmt"

	"github.com/kithchat/kith/api"
)

// maxAccounts is how many accounts one call of the account commands takes.
const maxAccounts = 100

// Profile is an account to import. Nick and FaceURL may be empty; they have at most 500 bytes each.
type Profile struct {
	UserID  string
	Nick    string
	FaceURL string
}

// AccountStatus tells whether an account is imported.
type AccountStatus struct {
	ItemResult
	Imported bool
}

// ImportAccount imports an account, or changes the profile of one that is imported (account_import).
func (r *REST) ImportAccount(ctx context.Context, p Profile) error {
	_, err := r.call(ctx, "im_open_login_svc/account_import", api.AccountImportRequest{UserID: p.UserID, Nick: p.Nick, FaceURL: p.FaceURL}, nil)
	return err
}

// ImportAccounts imports any number of accounts (multiaccount_import, 100 at a time). When a call fails, the results of those
// before it are returned with the error; repeating the whole is safe.
func (r *REST) ImportAccounts(ctx context.Context, profiles []Profile) ([]ItemResult, error) {
	return inPieces(profiles, maxAccounts, func(piece []Profile) ([]ItemResult, error) {
		var request api.MultiAccountImportRequest
		for _, p := range piece {
			request.AccountList = append(request.AccountList, api.AccountProfile(p))
		}
		var answer api.MultiAccountImportResponse
		if _, err := r.call(ctx, "im_open_login_svc/multiaccount_import", request, &answer); err != nil {
			return nil, err
		}
		return importItems(piece, answer.FailAccounts), nil
	})
}

// importItems makes items of an answer that only names the failures.
func importItems(profiles []Profile, failed []string) []ItemResult {
	refused := make(map[string]bool, len(failed))
	for _, id := range failed {
		refused[id] = true
	}
	items := make([]ItemResult, len(profiles))
	for i, p := range profiles {
		items[i].UserID = p.UserID
		if refused[p.UserID] {
			items[i].Code, items[i].Info = api.CodeAccountParameter, api.InfoAccountParameter
		}
	}
	return items
}

// CheckAccounts tells which accounts are imported (account_check, 100 at a time).
func (r *REST) CheckAccounts(ctx context.Context, userIDs []string) ([]AccountStatus, error) {
	return inPieces(userIDs, maxAccounts, func(piece []string) ([]AccountStatus, error) {
		var answer api.AccountResponse
		_, err := r.call(ctx, "im_open_login_svc/account_check", api.AccountCheckRequest{CheckItem: accountItems(piece)}, &answer)
		if err != nil {
			return nil, err
		}
		statuses := make([]AccountStatus, len(answer.ResultItem))
		for i, it := range answer.ResultItem {
			statuses[i] = AccountStatus{accountItem(it), it.AccountStatus == api.AccountImported}
		}
		return statuses, checkCount("account_check", len(piece), len(statuses))
	})
}

// DeleteAccounts deletes accounts with all that belongs to them (account_delete, 100 at a time). When a call fails, the
// results of those before it are returned with the error. After a retry, an account that is not there counts as deleted.
func (r *REST) DeleteAccounts(ctx context.Context, userIDs []string) ([]ItemResult, error) {
	return inPieces(userIDs, maxAccounts, func(piece []string) ([]ItemResult, error) {
		var answer api.AccountResponse
		repeated, err := r.call(ctx, "im_open_login_svc/account_delete", api.AccountDeleteRequest{DeleteItem: accountItems(piece)}, &answer)
		if err != nil {
			return nil, err
		}
		items := make([]ItemResult, len(answer.ResultItem))
		for i, it := range answer.ResultItem {
			items[i] = accountItem(it)
		}
		return deleting.settle(items, repeated), checkCount("account_delete", len(piece), len(items))
	})
}

// Kick voids all UserSigs of an account that were made before, and ends its sessions (kick). A retry may kick sessions that
// began after the first try.
func (r *REST) Kick(ctx context.Context, userID string) error {
	_, err := r.call(ctx, "im_open_login_svc/kick", api.KickRequest{UserID: userID}, nil)
	return err
}

func accountItems(userIDs []string) []api.AccountItem {
	items := make([]api.AccountItem, len(userIDs))
	for i, id := range userIDs {
		items[i].UserID = id
	}
	return items
}

func accountItem(it api.AccountResult) ItemResult {
	return ItemResult{UserID: it.UserID, Code: it.ResultCode, Info: it.ResultInfo}
}

// checkCount returns an error for an answer without an item for each argument.
func checkCount(command string, args, items int) error {
	if args == items {
		return nil
	}
	return fmt.Errorf("client: %s: the answer has %d items for %d accounts", command, items, args)
}
