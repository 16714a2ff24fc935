package restapi

import (
	"net/http"

	"github.com/kithchat/kith/api"
)

// Tracer follows calls into traces. Its method is called for each request and must be quick.
type Tracer interface {
	// StartRequest is told of a call that begins. caller is the traceparent header as it came, empty when there is none. It
	// returns the traceparent of the call, for what comes of it, and end, which is called once: with the app, 0 when that is
	// not known, the answer's code, and how many accounts the call named. Both are zero when the call is not followed.
	StartRequest(command, caller string) (own string, end func(sdkAppID uint32, code api.Code, accounts int))
}

// followed is what a Tracer is told of a call at its end. Without a Tracer it costs nothing.
type followed struct {
	traceparent string
	sdkAppID    uint32
	accounts    int
	end         func(sdkAppID uint32, code api.Code, accounts int)
}

// follow tells the Tracer of a call.
func (h *Handler) follow(cmd *command, r *http.Request) followed {
	if h.tracer == nil {
		return followed{}
	}
	caller := ""
	if sent := r.Header["Traceparent"]; len(sent) == 1 { // two contradict each other
		caller = sent[0]
	}
	own, end := h.tracer.StartRequest(cmd.name, caller)
	return followed{traceparent: own, end: end}
}

// ended tells the Tracer how the call was answered.
func (f *followed) ended(code api.Code) {
	if f.end != nil {
		f.end(f.sdkAppID, code, f.accounts)
	}
}

// accountsOf returns how many accounts a request names, besides the one that it acts for.
func accountsOf(req any) int {
	switch r := req.(type) {
	case *api.MultiAccountImportRequest:
		return len(r.Accounts) + len(r.AccountList)
	case *api.AccountCheckRequest:
		return len(r.CheckItem)
	case *api.AccountDeleteRequest:
		return len(r.DeleteItem)
	case *api.BlockRequest:
		return len(r.ToAccount)
	case *api.BlockCheckRequest:
		return len(r.ToAccount)
	case *api.OnlineStatusRequest:
		return len(r.ToAccount)
	}
	return 1 // the commands that are about one account
}
