package operator

import (
	"strings"

	"github.com/kithchat/kith/internal/relation"
)

// operation says what an endpoint takes and answers. The OpenAPI document is made of it, and so is the check of query
// parameters.
type operation struct {
	summary string
	query   []parameter
	request any  // a value of the body's type; nil: there is none
	answer  any  // a value of the answer's type
	lines   any  // instead, the answer is a stream of lines, each with a value of this type; more than one type: a slice of them
	file    bool // instead, the answer is a file
}

// parameter is a query parameter.
type parameter struct {
	name, help string
	value      any // of its type
}

func (o operation) has(name string) bool {
	for _, p := range o.query {
		if p.name == name {
			return true
		}
	}
	return false
}

// names lists the parameters for people.
func (o operation) names() string {
	if len(o.query) == 0 {
		return "; it has none"
	}
	names := make([]string, len(o.query))
	for i, p := range o.query {
		names[i] = p.name
	}
	return "; it has " + strings.Join(names, ", ")
}

// Query parameters of several endpoints.
var (
	queryApp     = parameter{"sdkappid", "of this app only; left out: of all apps", uint32(0)}
	queryAccount = parameter{"account", "of this From_Account only", ""}
	queryCommand = parameter{"command", "of this callback command only", relation.EventKind("")}
)

// operations describes every endpoint of the table, by method and path.
func operations() map[string]operation {
	all := map[string]operation{}
	for _, some := range []map[string]operation{serverOperations, appOperations, callbackOperations, eventOperations, replayOperations} {
		for name, o := range some {
			all[name] = o
		}
	}
	return all
}

var serverOperations = map[string]operation{
	"GET /status":       {summary: "Describe the running server", answer: Status{}},
	"GET /config":       {summary: "Show the effective configuration, secrets replaced", answer: Settings{}},
	"GET /ca":           {summary: "Get the certificate in PEM of the CA that issues client certificates", file: true},
	"GET /outbox":       {summary: "Say how many events wait for each app", query: []parameter{queryApp}, answer: Outbox{}},
	"GET /endpoints":    {summary: "Say how the endpoint of each app does", query: []parameter{queryApp}, answer: EndpointList{}},
	"POST /backup":      {summary: "Copy the database, as a stream of bytes", file: true},
	"GET /openapi.json": {summary: "Describe this API", answer: map[string]any{}},
}

var appOperations = map[string]operation{
	"GET /apps":                            {summary: "List all apps", answer: AppList{}},
	"POST /apps":                           {summary: "Create an app; the answer has its secret key, once", request: CreateApp{}, answer: AppSecret{}},
	"GET /apps/{id}":                       {summary: "Show an app", answer: App{}},
	"PATCH /apps/{id}":                     {summary: "Change an app; what is left out stays", request: UpdateApp{}, answer: App{}},
	"DELETE /apps/{id}":                    {summary: "Delete an app with all it has", answer: Deleted{}},
	"POST /apps/{id}/rotate-key":           {summary: "Add a secret key, or drop the old ones", request: RotateKey{}, answer: AppSecret{}},
	"DELETE /apps/{id}/keys/{fingerprint}": {summary: "Drop a secret key", answer: App{}},
	"POST /apps/{id}/tokens":               {summary: "Make a token of this API that is good for the app only", request: CreateToken{}, answer: TokenSecret{}},
	"DELETE /apps/{id}/tokens/{token}":     {summary: "Drop a token of the app", answer: App{}},
	"POST /apps/{id}/trigger":              {summary: "Send a marked test callback of the documented shape", request: Trigger{}, answer: CallbackReport{}},
	"POST /apps/{id}/usersig":              {summary: "Make a UserSig", request: MakeUserSig{}, answer: UserSig{}},
	"POST /apps/{id}/usersig/check":        {summary: "Explain a UserSig", request: CheckUserSig{}, answer: UserSigReport{}},
	"GET /apps/{id}/export/blocklists": {
		summary: "Export all blocklists as of one moment: a head, a line for each list, and an end without which the export was cut off",
		lines:   []any{ExportHead{}, ExportList{}, ExportEnd{}},
	},
	"GET /apps/{id}/listen": {
		summary: "Receive the app's callbacks, as copies or instead of its URL",
		query:   []parameter{{"mode", "mirror (copies; the default) or instead", ""}}, lines: ListenLine{},
	},
	"POST /apps/{id}/listen/{exchange}": {summary: "Answer a callback that was received instead of the URL", request: ExchangeAnswer{}, answer: ExchangeSettled{}},
}

var callbackOperations = map[string]operation{
	"GET /apps/{id}/callback":               {summary: "Show where the app's callbacks go", answer: Callback{}},
	"PATCH /apps/{id}/callback":             {summary: "Change where the app's callbacks go; what is left out stays", request: SetCallback{}, answer: Callback{}},
	"POST /apps/{id}/callback/test":         {summary: "Send a test callback with no changes in it", answer: CallbackReport{}},
	"POST /apps/{id}/callback/keys":         {summary: "Add a key that signs the app's callbacks; the answer has its secret, once", request: AddSigningKey{}, answer: SigningKeySecret{}},
	"DELETE /apps/{id}/callback/keys/{key}": {summary: "Drop a signing key", answer: Callback{}},
	"POST /apps/{id}/callback/pause":        {summary: "Hold the app's callbacks back", request: PauseCallback{}, answer: Callback{}},
	"POST /apps/{id}/callback/resume":       {summary: "Let the app's callbacks go again", answer: Callback{}},
	"GET /apps/{id}/callback/cert":          {summary: "Get the certificate in PEM that the app's endpoint is shown", file: true},
}

var eventOperations = map[string]operation{
	"GET /events": {
		summary: "Search events, newest first",
		query: []parameter{
			queryApp, queryAccount, queryCommand,
			{"to_account", "of this To_Account only; such a page can be short, or empty, and yet have a next", ""},
			{"state", "in this state only", relation.State("")},
			{"from", "made since then: RFC 3339, or how long ago it was, as 2h or 7d", ""},
			{"to", "made before then", ""},
			{"before", "next of the page before", ""},
			{"limit", "how many at most, 1 to 1000; 100 unless given", 0},
		},
		answer: EventPage{},
	},
	"GET /events/tail":    {summary: "Follow attempts as they end", query: []parameter{queryApp, queryAccount, queryCommand}, lines: TailLine{}},
	"GET /events/{event}": {summary: "Show an event with all its attempts", query: []parameter{queryApp}, answer: EventDetail{}},
	"POST /events/{event}/park": {
		summary: "Make the event that its account waits for a dead letter, so that later ones go on",
		query:   []parameter{queryApp}, answer: EventDetail{},
	},
	"POST /events/{event}/retry": {
		summary: "Try the event that its account waits for at once, instead of when it is due",
		query:   []parameter{queryApp}, answer: EventDetail{},
	},
}

var replayOperations = map[string]operation{
	"POST /replays": {summary: "Send settled events again, or only count them", request: CreateReplay{}, answer: CreatedReplay{}},
	"GET /replays": {
		summary: "List replays, newest first",
		query: []parameter{
			queryApp,
			{"before", "next of the page before", ""},
			{"limit", "how many at most, 1 to 1000; 100 unless given", 0},
		},
		answer: ReplayList{},
	},
	"GET /replays/{replay}":         {summary: "Show a replay", answer: Replay{}},
	"PATCH /replays/{replay}":       {summary: "Change how fast a replay goes", request: UpdateReplay{}, answer: Replay{}},
	"POST /replays/{replay}/pause":  {summary: "Pause a replay", answer: Replay{}},
	"POST /replays/{replay}/resume": {summary: "Resume a replay", answer: Replay{}},
	"POST /replays/{replay}/cancel": {summary: "Cancel a replay for good", answer: Replay{}},
}
