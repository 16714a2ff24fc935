package hostile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/kithchat/kith/api"
)

// Account is a From_Account of an app.
type Account struct {
	App  string `json:"app"` // SdkAppid
	Name string `json:"name"`
}

// Event is a callback as it arrived.
type Event struct {
	Account
	ID       string   `json:"id"`
	Sequence int64    `json:"seq,omitempty"` // kith-sequence; a test has none
	Attempt  int      `json:"attempt"`
	Sent     int64    `json:"sent,omitempty"` // RequestTime, Unix seconds; 0: the app has no Token
	Replay   string   `json:"replay,omitempty"`
	Test     bool     `json:"test,omitempty"`
	Command  string   `json:"command"`
	Targets  []string `json:"targets"`
	Digest   string   `json:"digest"` // of the body
}

// readEvent reads a callback about a blocklist.
func readEvent(r *http.Request, body []byte) (Event, error) {
	query, header := r.URL.Query(), r.Header
	e := Event{
		ID: header.Get(api.HeaderWebhookID), Replay: header.Get(api.HeaderReplay), Command: query.Get(api.QueryCallbackCommand),
	}
	if e.Test = strings.HasPrefix(e.ID, api.TestIDPrefix); e.Test != (header.Get(api.HeaderTest) != "") {
		return e, errors.New("webhook-id and kith-test do not agree whether this is a test")
	}
	e.App = query.Get(api.QuerySdkAppid)
	sum := sha256.Sum256(body)
	e.Digest = hex.EncodeToString(sum[:8])
	var err error
	if e.Attempt, err = strconv.Atoi(header.Get(api.HeaderAttempt)); err != nil {
		return e, errors.New("the header kith-attempt is not a number")
	}
	if e.Sequence, err = strconv.ParseInt(header.Get(api.HeaderSequence), 10, 64); !e.Test && (err != nil || e.Sequence < 1) {
		return e, errors.New("the header kith-sequence is not a number above zero")
	}
	if text := query.Get(api.QueryRequestTime); text != "" {
		if e.Sent, err = strconv.ParseInt(text, 10, 64); err != nil {
			return e, errors.New("RequestTime is not a number")
		}
	}
	var content api.BlackListCallback
	if err := json.Unmarshal(body, &content); err != nil {
		return e, errors.New("the body is not that of a callback about a blocklist")
	}
	switch {
	case e.Test:
		return e, nil
	case e.ID == "" || e.App == "":
		return e, errors.New("webhook-id or SdkAppid is missing")
	case content.CallbackCommand != e.Command:
		return e, errors.New("query and body name different commands")
	case len(content.PairList) == 0:
		return e, errors.New("PairList is empty")
	}
	e.Name = content.PairList[0].FromAccount
	for _, pair := range content.PairList {
		if pair.FromAccount != e.Name {
			return e, errors.New("PairList is about two accounts")
		}
		e.Targets = append(e.Targets, pair.ToAccount)
	}
	return e, nil
}
