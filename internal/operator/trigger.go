package operator

import (
	"net/http"

	"github.com/kithchat/kith/internal/relation"
)

// MaxTriggerTargets is how many accounts a triggered callback can name.
const MaxTriggerTargets = 1000

// Trigger asks for a marked test callback. Accounts that are left out get names that say that it is a test.
type Trigger struct {
	Command     relation.EventKind `json:"command"`
	FromAccount string             `json:"from_account,omitempty"`
	ToAccount   []string           `json:"to_account,omitempty"`
}

func (h *handler) trigger(_ http.ResponseWriter, r *http.Request) (any, error) {
	app, err := h.app(r)
	if err != nil {
		return nil, err
	}
	var req Trigger
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if err := req.check(); err != nil {
		return nil, err
	}
	switch {
	case app.Callback.URL == "" && !app.Callback.Listen:
		return nil, badRequest("app %d has no callback URL; set one with `kith app callback set`, or let somebody listen", app.SDKAppID)
	case h.Trigger == nil:
		return nil, unsupported("this server cannot trigger callbacks")
	}
	end, err := h.beginTest(r)
	if err != nil {
		return nil, err
	}
	defer end()
	report, err := h.Trigger(r.Context(), app, relation.Trigger{Kind: req.Command, Owner: req.FromAccount, Targets: req.ToAccount})
	if err != nil {
		return nil, err
	}
	return report, nil
}

func (t Trigger) check() error {
	if err := checkCommand(t.Command); err != nil {
		return err
	}
	if t.FromAccount != "" {
		if err := checkAccount("from_account", t.FromAccount); err != nil {
			return err
		}
	}
	switch {
	case t.Command == relation.EventState && len(t.ToAccount) > 0:
		return badRequest("%s is about from_account alone; leave to_account out", t.Command)
	case len(t.ToAccount) > MaxTriggerTargets:
		return badRequest("to_account names %d accounts; at most %d go into a callback", len(t.ToAccount), MaxTriggerTargets)
	}
	for _, account := range t.ToAccount {
		if err := checkAccount("each of to_account", account); err != nil {
			return err
		}
	}
	return nil
}
