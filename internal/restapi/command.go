package restapi

import (
	"context"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// command is one row of the table: POST /v4/<service>/<name>.
type command struct {
	service *service
	name    string
	// bind decodes a body and returns what carries it out, and how many accounts it is about.
	bind func(body []byte) (do job, accounts int, err error)
}

// call is what a command knows of its caller.
type call struct {
	app    *relation.App
	origin relation.Origin
}

// job carries out a decoded request. It returns the answer's body, or an error that Handler.explain can map. An answer that
// comes with an error is sent as it is, instead of the bare envelope.
type job func(ctx context.Context, c call) (any, error)

// table lists all commands.
func (h *Handler) table() []*command {
	return []*command{
		row(login, "account_import", h.accountImport),
		row(login, "multiaccount_import", h.multiAccountImport),
		row(login, "account_check", h.accountCheck),
		row(login, "account_delete", h.accountDelete),
		row(login, "kick", h.kick),

		row(sns, "black_list_add", h.blackListAdd),
		row(sns, "black_list_delete", h.blackListDelete),
		row(sns, "black_list_get", h.blackListGet),
		row(sns, "black_list_check", h.blackListCheck),

		row(openim, "query_online_status", h.queryOnlineStatus),
	}
}

// row makes the command that decodes a Req and does do with it.
func row[Req any](s *service, name string, do func(context.Context, call, *Req) (any, error)) *command {
	return &command{service: s, name: name, bind: func(body []byte) (job, int, error) {
		req := new(Req)
		if err := s.decode(body, req); err != nil {
			return nil, 0, err
		}
		return func(ctx context.Context, c call) (any, error) { return do(ctx, c, req) }, accountsOf(req), nil
	}}
}

func byPath(rows []*command) map[string]*command {
	m := make(map[string]*command, len(rows))
	for _, cmd := range rows {
		m["/v4/"+cmd.service.name+"/"+cmd.name] = cmd
	}
	return m
}

// unknownCommand stands for every path that is not in the table.
var unknownCommand = &command{service: &service{internal: api.CodeUnknownPath}, name: "unknown"}

// service is what the commands of one service have in common.
type service struct {
	name string
	// display: the envelope has ErrorDisplay.
	display bool
	// admin answers a caller who is not an admin of the app.
	admin api.Code
	// undecodable answers a body of the wrong shape.
	undecodable failure
	// noAccounts answers a To_Account of the wrong shape; the zero failure: undecodable does.
	noAccounts failure
	// parameter and parameterInfo answer a parameter that is missing or out of range.
	parameter     api.Code
	parameterInfo string
	// noAccount answers when the account that the call acts for is not imported.
	noAccount failure
	// internal answers a failure of the server.
	internal api.Code
}

// The services, per the v4 REST docs.
var (
	sns = &service{
		name:          "sns",
		display:       true,
		admin:         api.CodeSnsAdmin,
		undecodable:   failure{api.CodeParameter, api.InfoSnsDecode},
		parameter:     api.CodeParameter,
		parameterInfo: "SNS_PARAMETER_ERR",
		noAccount:     failure{api.CodeNoAccount, "From_Account is not an imported account; import it with account_import"},
		internal:      api.CodeSnsInternal,
	}
	login = &service{
		name:          "im_open_login_svc",
		admin:         api.CodeAccountAdmin,
		undecodable:   failure{api.CodeAccountParameter, "a field of the body has the wrong type; see the command's reference"},
		parameter:     api.CodeAccountParameter,
		parameterInfo: api.InfoAccountParameter,
		noAccount:     failure{api.CodeAccountUnknown, api.InfoAccountNotExist},
		internal:      api.CodeAccountInternal,
	}
	openim = &service{
		name:          "openim",
		admin:         api.CodeOpenimAdmin,
		undecodable:   failure{api.CodeOnlineBody, "a field of the body has the wrong type; see the command's reference"},
		noAccounts:    failure{api.CodeOnlineAccounts, "To_Account is not a list of strings; name 1 to 500 accounts"},
		parameter:     api.CodeOnlineBody,
		parameterInfo: "a parameter is wrong",
		noAccount:     failure{api.CodeAccountUnknown, api.InfoAccountNotExist},
		internal:      api.CodeOpenimInternal,
	}
)

// badParameter is the failure of a parameter; why says what is wrong with which.
func (s *service) badParameter(why string) failure {
	return failure{s.parameter, s.parameterInfo + ": " + why}
}

// envelope is the whole answer of a failed call.
func (s *service) envelope(f failure) any {
	if s.display {
		return api.DisplayEnvelope{ActionStatus: api.StatusFail, ErrorCode: f.Code, ErrorInfo: f.Info}
	}
	return api.Envelope{ActionStatus: api.StatusFail, ErrorCode: f.Code, ErrorInfo: f.Info}
}
