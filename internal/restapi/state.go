package restapi

import (
	"context"
	"fmt"
	"slices"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// maxOnlineQuery is how many accounts one query_online_status may name, per the v4 REST docs.
const maxOnlineQuery = 500

// queryOnlineStatus is openim/query_online_status. An account that is not imported is named in ErrorList; when none is, the
// call fails, with that list.
func (h *Handler) queryOnlineStatus(ctx context.Context, c call, req *api.OnlineStatusRequest) (any, error) {
	if err := checkOnlineQuery(req.ToAccount); err != nil {
		return nil, err
	}
	imported, err := h.allImported(ctx, relation.AccountSet{SDKAppID: c.app.SDKAppID, UserIDs: req.ToAccount})
	if err != nil {
		return nil, err
	}
	answer := &api.OnlineStatusResponse{Envelope: api.Success()}
	for i, id := range req.ToAccount {
		if !imported[i] {
			answer.ErrorList = append(answer.ErrorList, api.OnlineStatusError{ToAccount: id, ErrorCode: api.CodeAccountUnknown})
			continue
		}
		answer.QueryResult = append(answer.QueryResult, h.onlineStatus(c.app.SDKAppID, id, req.IsNeedDetail == 1))
	}
	if len(answer.QueryResult) > 0 {
		return answer, nil
	}
	fail := openim.noAccount
	answer.Envelope = api.Envelope{ActionStatus: api.StatusFail, ErrorCode: fail.Code, ErrorInfo: fail.Info}
	return answer, fail
}

func checkOnlineQuery(ids []string) error {
	switch {
	case ids == nil:
		return failure{api.CodeOnlineAccounts, "To_Account is missing; name 1 to 500 accounts"}
	case len(ids) == 0:
		return failure{api.CodeOnlineBody, "To_Account is empty; name 1 to 500 accounts"}
	case len(ids) > maxOnlineQuery:
		return failure{api.CodeOnlineTooMany, fmt.Sprintf("%d accounts in one call, at most %d are allowed", len(ids), maxOnlineQuery)}
	}
	return nil
}

// allImported is relation.Service.Imported for any number of accounts, asked in as many pieces as that takes.
func (h *Handler) allImported(ctx context.Context, q relation.AccountSet) ([]bool, error) {
	all := make([]bool, 0, len(q.UserIDs))
	for piece := range slices.Chunk(q.UserIDs, relation.MaxAccountBatch) {
		imported, err := h.service.Imported(ctx, relation.AccountSet{SDKAppID: q.SDKAppID, UserIDs: piece})
		if err != nil {
			return nil, err
		}
		all = append(all, imported...)
	}
	return all, nil
}

func (h *Handler) onlineStatus(sdkAppID uint32, userID string, detail bool) api.OnlineStatus {
	status := api.OnlineStatus{ToAccount: userID, Status: api.StatusOffline}
	if h.presence == nil {
		return status
	}
	platforms := h.presence.Platforms(sdkAppID, userID)
	if len(platforms) > 0 {
		status.Status = api.StatusOnline
	}
	if detail {
		status.Detail = statusDetail(platforms)
	}
	return status
}

// statusPlatforms are the names that this command has for the OptPlatform words, in the order of the answer.
var statusPlatforms = []struct{ word, name string }{
	{api.PlatformIOS, "iPhone"},
	{api.PlatformAndroid, "Android"},
	{api.PlatformWeb, "Web"},
	{api.PlatformWindows, "PC"},
	{api.PlatformIPad, "iPad"},
	{api.PlatformMac, "Mac"},
	{api.PlatformUnknown, "Unknown"},
}

// statusDetail has an element for each platform, however many devices of it there are.
func statusDetail(platforms []string) []api.OnlineStatusDetail {
	var detail []api.OnlineStatusDetail
	for _, p := range statusPlatforms {
		if slices.Contains(platforms, p.word) {
			detail = append(detail, api.OnlineStatusDetail{Platform: p.name, Status: api.StatusOnline})
		}
	}
	return detail
}
