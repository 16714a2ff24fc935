package api

// Callback commands, in the query parameter CallbackCommand and repeated in the body. CallbackStateChange is another.
const (
	CallbackBlackListAdd    = "Sns.CallbackBlackListAdd"
	CallbackBlackListDelete = "Sns.CallbackBlackListDelete"
)

// Query parameters of a callback, in the order in which they are appended to the configured URL. Sign and RequestTime
// follow only when the app has a Token. Names are case-sensitive.
const (
	QuerySdkAppid        = "SdkAppid"
	QueryCallbackCommand = "CallbackCommand"
	QueryContentType     = "contenttype"
	QueryClientIP        = "ClientIP"
	QueryOptPlatform     = "OptPlatform"
	QuerySign            = "Sign"
	QueryRequestTime     = "RequestTime"
)

// OptPlatform values: where the change came from. Each has one spelling, in every command and in KickedDevice; other senders
// also write macOS and, in State.StateChange, IOS.
const (
	PlatformREST    = "RESTAPI"
	PlatformWeb     = "Web"
	PlatformAndroid = "Android"
	PlatformIOS     = "iOS"
	PlatformWindows = "Windows"
	PlatformMac     = "Mac"
	PlatformIPad    = "iPad"
	PlatformUnknown = "Unknown"
)

// Headers that Kith adds to a callback. The body stays exactly as documented.
const (
	// HeaderWebhookID is the event's id, the same at every attempt (Standard Webhooks' name). That of a test begins with
	// TestIDPrefix.
	HeaderWebhookID = "webhook-id"
	// HeaderAttempt is the attempt's number, from 1.
	HeaderAttempt = "kith-attempt"
	// HeaderWebhookTimestamp is when this attempt was signed, in Unix seconds; HeaderWebhookSignature has one signature for
	// each signing key in force, separated by blanks (Standard Webhooks' names). Both are there when the app has signing keys.
	HeaderWebhookTimestamp = "webhook-timestamp"
	HeaderWebhookSignature = "webhook-signature"
	// HeaderSequence is the event's number among those of its From_Account, which only rises. Of two events about the same
	// pair the one with the higher number is the newer one, also when one of them is a replay.
	HeaderSequence = "kith-sequence"
	// HeaderReplay marks an event that is sent again on an operator's order; its value is the id of the replay.
	HeaderReplay = "kith-replay"
	// HeaderTest marks a request that an operator sent to test the endpoint; its value is 1. No signature covers it, so go by
	// TestIDPrefix where signatures count.
	HeaderTest = "kith-test"
)

// TestIDPrefix begins the webhook-id of a test, and of nothing else. A signature covers the id, so that nobody can pass a
// real event off as a test, to have it ignored.
const TestIDPrefix = "test_"

// Pair is one changed relation: To_Account entered or left the list of From_Account.
type Pair struct {
	FromAccount string `json:"From_Account"`
	ToAccount   string `json:"To_Account"`
}

// BlackListCallback is the body of Sns.CallbackBlackListAdd and Sns.CallbackBlackListDelete. PairList holds only the
// pairs that really changed, in request order, at most 1000.
type BlackListCallback struct {
	CallbackCommand string `json:"CallbackCommand"`
	PairList        []Pair `json:"PairList"`
}

// CallbackResponse is what an app backend answers to a callback with HTTP 200. ErrorCode 0 means handled.
type CallbackResponse struct {
	ActionStatus string `json:"ActionStatus"`
	ErrorCode    int    `json:"ErrorCode"`
	ErrorInfo    string `json:"ErrorInfo"`
}
