package demo

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kithchat/kith/api"
)

// The people of the demo.
const (
	owner = "mira"
	tom   = "tom"
	ann   = "ann"
	rob   = "rob"
)

// left is who is on the owner's list in the end.
var left = []string{rob}

// step is one REST call with what it must cause.
type step struct {
	title   string
	command string // <service>/<command>
	body    any
	// refused are the targets that the answer must refuse.
	refused []string
	// callback and changes are the command and the To_Accounts of the callback; none when empty.
	callback string
	changes  []string
	// silent says that the step is there to show that no callback comes.
	silent bool
}

var script = []step{
	{
		title:   "Four people get an account",
		command: "im_open_login_svc/multiaccount_import",
		body:    api.MultiAccountImportRequest{Accounts: []string{owner, tom, ann, rob}},
	},
	{
		title:    "mira blocks tom, ann and rob",
		command:  "sns/black_list_add",
		body:     api.BlockRequest{FromAccount: owner, ToAccount: []string{tom, ann, rob}},
		callback: api.CallbackBlackListAdd, changes: []string{tom, ann, rob},
	},
	{
		title:    "mira unblocks tom and ann",
		command:  "sns/black_list_delete",
		body:     api.BlockRequest{FromAccount: owner, ToAccount: []string{tom, ann}},
		callback: api.CallbackBlackListDelete, changes: []string{tom, ann},
	},
	{
		title:   "mira unblocks tom again, who is not on her list any more",
		command: "sns/black_list_delete",
		body:    api.BlockRequest{FromAccount: owner, ToAccount: []string{tom}},
		refused: []string{tom}, silent: true,
	},
}

// Call is a REST call and its answer.
type Call struct {
	Command string          `json:"command"`
	Body    json.RawMessage `json:"body"`
	Answer  json.RawMessage `json:"answer"`
	TookUS  int64           `json:"took_us"` // microseconds
}

// Callback is a request that the app backend got.
type Callback struct {
	Query   string          `json:"query"`
	Body    json.RawMessage `json:"body"`
	ID      string          `json:"webhook_id"`
	Attempt string          `json:"kith_attempt"`
	// Status is what the app backend answered. 200 says that the signature was right.
	Status  int   `json:"status"`
	AfterUS int64 `json:"after_us"` // microseconds since the call was sent
}

// answer is what the answers of all steps have in common.
type answer struct {
	api.Envelope
	ResultItem []api.BlockResult
}

// checkAnswer returns what is wrong with the answer, "" when nothing is.
func (s step) checkAnswer(call Call) string {
	var a answer
	if err := json.Unmarshal(call.Answer, &a); err != nil {
		return fmt.Sprintf("the answer to %s is not the documented JSON", s.command)
	}
	var refused []string
	for _, item := range a.ResultItem {
		if item.ResultCode != api.OK {
			refused = append(refused, item.ToAccount)
		}
	}
	if len(s.refused) == 0 && a.ErrorCode != api.OK || !slices.Equal(refused, s.refused) {
		return fmt.Sprintf("%s was answered %d %s and refused %v, not %v", s.command, a.ErrorCode, a.ErrorInfo, refused, s.refused)
	}
	return ""
}

// checkCallback returns what is wrong with the callback, "" when nothing is.
func (s step) checkCallback(got Callback, sdkAppID uint32) string {
	begin := "SdkAppid=" + strconv.FormatUint(uint64(sdkAppID), 10) + "&CallbackCommand=" + s.callback +
		"&contenttype=json&ClientIP=127.0.0.1&OptPlatform=RESTAPI&Sign="
	want := api.BlackListCallback{CallbackCommand: s.callback}
	for _, target := range s.changes {
		want.PairList = append(want.PairList, api.Pair{FromAccount: owner, ToAccount: target})
	}
	wanted, err := json.Marshal(want)
	switch {
	case err != nil:
		return err.Error()
	case got.Status != 200:
		return fmt.Sprintf("the app backend refused the callback with status %d", got.Status)
	case !strings.HasPrefix(got.Query, begin):
		return "the callback's parameters are not the documented ones: " + got.Query
	case string(got.Body) != string(wanted):
		return fmt.Sprintf("the callback says %s, not %s", got.Body, wanted)
	case got.ID == "" || got.Attempt == "":
		return "the callback has no webhook-id or kith-attempt"
	}
	return ""
}
