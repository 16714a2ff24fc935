package client

import (
	"context"

	"github.com/kithchat/kith/api"
)

// maxOnlineQuery is how many accounts one query_online_status takes.
const maxOnlineQuery = 500

// OnlineStatus is the state of one account. Platforms are iPhone, Android, Web, PC, iPad, Mac or Unknown, each once. The item
// of an account that is not imported has a code.
type OnlineStatus struct {
	ItemResult
	Online    bool
	Platforms []string
}

// OnlineStatus tells which accounts are connected, and from where (query_online_status, 500 at a time).
func (r *REST) OnlineStatus(ctx context.Context, userIDs ...string) ([]OnlineStatus, error) {
	return inPieces(userIDs, maxOnlineQuery, func(piece []string) ([]OnlineStatus, error) {
		var answer api.OnlineStatusResponse
		_, err := r.call(ctx, "openim/query_online_status", api.OnlineStatusRequest{ToAccount: piece, IsNeedDetail: 1}, &answer)
		if err != nil && len(answer.ErrorList) == 0 { // a call about unknown accounts alone is refused, with a list of them
			return nil, err
		}
		return onlineStatuses(piece, &answer), nil
	})
}

// onlineStatuses puts the two lists of an answer into the order of the question.
func onlineStatuses(userIDs []string, answer *api.OnlineStatusResponse) []OnlineStatus {
	known := make(map[string]OnlineStatus, len(userIDs))
	for _, it := range answer.QueryResult {
		status := OnlineStatus{ItemResult: ItemResult{UserID: it.ToAccount}, Online: it.Status == api.StatusOnline}
		for _, d := range it.Detail {
			status.Platforms = append(status.Platforms, d.Platform)
		}
		known[it.ToAccount] = status
	}
	for _, it := range answer.ErrorList {
		known[it.ToAccount] = OnlineStatus{ItemResult: ItemResult{
			UserID: it.ToAccount, Code: it.ErrorCode, Info: api.InfoAccountNotExist,
		}}
	}
	statuses := make([]OnlineStatus, len(userIDs))
	for i, id := range userIDs {
		status, ok := known[id]
		if !ok {
			status.ItemResult = ItemResult{id, api.CodeAccountUnknown, "the answer does not name this account"}
		}
		statuses[i] = status
	}
	return statuses
}
