package api

import "encoding/json"

// GatewayPath is where the public listener serves the gateway. docs/gateway.md describes it frame by frame.
const GatewayPath = "/v4/ws"

// Gateway methods, called by a client. login is the first frame of a connection.
const (
	MethodLogin           = "login"
	MethodLogout          = "logout"
	MethodPing            = "ping"
	MethodSessionGet      = "session.get"
	MethodSessionRenew    = "session.renew"
	MethodBlocklistAdd    = "blocklist.add"
	MethodBlocklistRemove = "blocklist.remove"
	MethodBlocklistGet    = "blocklist.get"
	MethodBlocklistCheck  = "blocklist.check"
)

// Gateway notifications, sent by the server. They have no id and want no answer.
const (
	// NotifyBlocklistChanged carries a BlocklistChange of the session's user.
	NotifyBlocklistChanged = "blocklist.changed"
	// NotifyBlocklistReload carries a BlocklistPosition: the list changed in a way that cannot be told as changes; read
	// it again.
	NotifyBlocklistReload = "blocklist.reload"
	// NotifySessionExpiring carries a SessionExpiring: the UserSig ends soon; renew it.
	NotifySessionExpiring = "session.expiring"
	// NotifySessionReconnect carries a SessionReconnect: the server is about to close the connection.
	NotifySessionReconnect = "session.reconnect"
)

// Limits of the gateway that a client must know. A frame's limit is a setting of the server, told at login.
const (
	// MaxDeviceID is the longest DeviceID in bytes of printable ASCII.
	MaxDeviceID = 64
	// MaxSDKVersion is the longest SDKVersion in bytes of printable ASCII.
	MaxSDKVersion = 64
	// MaxFrameID is the longest id of a request in bytes, as it is written in the frame.
	MaxFrameID = 64
	// MaxBlocklistPage is the largest page of blocklist.get.
	MaxBlocklistPage = 1000
)

// GatewayFrame is every frame of the gateway, in both directions: a JSON-RPC 2.0 object in a text frame. A request has
// Method and ID, a notification Method alone, an answer ID and either Result or Error.
type GatewayFrame struct {
	JSONRPC string          `json:"jsonrpc"` // always "2.0"
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *GatewayError   `json:"error,omitempty"`
}

// GatewayError says why a request failed. Code is a number of the v4 protocol, or one of JSON-RPC's own (negative).
type GatewayError struct {
	Code    Code             `json:"code"`
	Message string           `json:"message"`
	Data    GatewayErrorData `json:"data"`
}

// GatewayErrorData tells a client what to do about an error. Refusal's range decides; see Refusal. RetryAfterMS is how long
// to wait before the same call, in milliseconds, left out where the client may choose.
type GatewayErrorData struct {
	Refusal      Refusal `json:"Refusal"`
	RetryAfterMS int64   `json:"RetryAfterMS,omitzero"`
}

// LoginParams are the params of login. Platform is one of the OptPlatform words but RESTAPI; any other is taken as Unknown.
// An empty DeviceID gets one made up. Blocklist is where the client's copy of its blocklist stands; without one the answer
// says Reload.
type LoginParams struct {
	SDKAppID   uint32             `json:"SDKAppID"`
	UserID     string             `json:"UserID"`
	UserSig    string             `json:"UserSig"`
	Platform   string             `json:"Platform"`
	DeviceID   string             `json:"DeviceID,omitempty"`
	SDKVersion string             `json:"SDKVersion,omitempty"`
	Blocklist  *BlocklistPosition `json:"Blocklist,omitempty"`
}

// LoginResult is the answer to login.
type LoginResult struct {
	UserID    string `json:"UserID"`
	Platform  string `json:"Platform"`
	DeviceID  string `json:"DeviceID"`
	SessionID string `json:"SessionID"`
	// ExpireTime is when the UserSig ends, in Unix seconds.
	ExpireTime int64 `json:"ExpireTime"`
	// HeartbeatSeconds is how often the client must send a frame at least, in seconds.
	HeartbeatSeconds int `json:"HeartbeatSeconds"`
	// MaxFrame is the largest frame that the server reads, in bytes.
	MaxFrame  int64         `json:"MaxFrame"`
	Blocklist BlocklistNews `json:"Blocklist"`
}

// BlocklistPosition is a state of a blocklist. List names the list's life: it is another one after the account was deleted
// and imported again. Sequence grows by one with each change.
type BlocklistPosition struct {
	List     string `json:"List"`
	Sequence int64  `json:"Sequence"`
}

// BlocklistNews is what a client missed: the Changes after the position it gave, in order, up to this position. Reload
// means that they are not all known any more, or that there was no position: read the list with blocklist.get.
type BlocklistNews struct {
	BlocklistPosition
	Reload  bool              `json:"Reload"`
	Changes []BlocklistChange `json:"Changes"`
}

// BlocklistChange is one change of the user's list, whoever made it. Both lists are in the order in which they happened;
// Removed went before Added.
type BlocklistChange struct {
	Sequence int64        `json:"Sequence"`
	Added    []BlockEntry `json:"Added"`
	Removed  []string     `json:"Removed"`
}

// BlocklistTargets are the params of blocklist.add, blocklist.remove and blocklist.check: 1 to 1000 targets.
type BlocklistTargets struct {
	ToAccount []string `json:"To_Account"`
}

// BlocklistResult is the answer to blocklist.add and blocklist.remove, as that of the REST commands.
type BlocklistResult struct {
	ResultItem  []BlockResult `json:"ResultItem"`
	FailAccount []string      `json:"Fail_Account,omitempty"`
}

// BlocklistCheckResult is the answer to blocklist.check. It tells only what is on the caller's own list.
type BlocklistCheckResult struct {
	BlackListCheckItem []BlockCheckResult `json:"BlackListCheckItem"`
	FailAccount        []string           `json:"Fail_Account,omitempty"`
}

// BlocklistGetParams are the params of blocklist.get. Cursor is that of the page before, empty for the first page. Limit
// is 1 to MaxBlocklistPage.
type BlocklistGetParams struct {
	Cursor string `json:"Cursor,omitempty"`
	Limit  int    `json:"Limit"`
}

// BlocklistPage is the answer to blocklist.get: entries in order of insertion. An empty Cursor means that this is the last
// page. The position is that of the list when the page was read.
type BlocklistPage struct {
	BlackListItem []BlockEntry `json:"BlackListItem"`
	Cursor        string       `json:"Cursor"`
	BlocklistPosition
}

// SessionInfo is the answer to session.get.
type SessionInfo struct {
	SDKAppID   uint32          `json:"SDKAppID"`
	UserID     string          `json:"UserID"`
	SessionID  string          `json:"SessionID"`
	ClientIP   string          `json:"ClientIP"`
	ExpireTime int64           `json:"ExpireTime"` // Unix seconds
	Devices    []SessionDevice `json:"Devices"`    // all that are connected, this one included, oldest login first
}

// SessionDevice is a connected device of the user.
type SessionDevice struct {
	DeviceID  string `json:"DeviceID"`
	Platform  string `json:"Platform"`
	LoginTime int64  `json:"LoginTime"` // Unix seconds
	Current   bool   `json:"Current"`   // the device that asks
}

// RenewParams are the params of session.renew: a newer UserSig for the same user.
type RenewParams struct {
	UserSig string `json:"UserSig"`
}

// SessionExpiring warns of the end of the UserSig and answers session.renew. ExpireTime is in Unix seconds.
type SessionExpiring struct {
	ExpireTime int64 `json:"ExpireTime"`
}

// SessionReconnect tells a client to connect again after AfterMS milliseconds; they are spread, so that not all clients
// come at once.
type SessionReconnect struct {
	AfterMS int64 `json:"AfterMS"`
}
