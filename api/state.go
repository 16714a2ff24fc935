package api

// CallbackStateChange is the callback command that tells of logins and logouts. It is off until an app switches it on.
const CallbackStateChange = "State.StateChange"

// Actions and reasons of State.StateChange.
const (
	StateLogin      = "Login"
	StateLogout     = "Logout"
	StateDisconnect = "Disconnect"

	StateRegister   = "Register"   // reason of a Login
	StateUnregister = "Unregister" // reason of a Logout
	StateLinkClose  = "LinkClose"  // reason of a Disconnect: the connection was closed
	StateTimeOut    = "TimeOut"    // reason of a Disconnect: nothing was heard of the device
)

// StateInfo is Info of State.StateChange.
type StateInfo struct {
	Action    string `json:"Action"`
	ToAccount string `json:"To_Account"`
	Reason    string `json:"Reason"`
}

// KickedDevice is a device that a Login put out.
type KickedDevice struct {
	Platform string `json:"Platform"`
}

// StateCallback is the body of State.StateChange. EventTime is Unix milliseconds. KickedDevice is there only when a Login
// put other devices out.
type StateCallback struct {
	CallbackCommand string         `json:"CallbackCommand"`
	EventTime       int64          `json:"EventTime"`
	Info            StateInfo      `json:"Info"`
	KickedDevice    []KickedDevice `json:"KickedDevice,omitempty"`
}

// Platforms returns the OptPlatform words that a device can have, Unknown last.
func Platforms() []string {
	return []string{
		PlatformWeb, PlatformAndroid, PlatformIOS, PlatformWindows, PlatformMac, PlatformIPad, PlatformUnknown,
	}
}

// Status values of openim/query_online_status.
const (
	StatusOnline  = "Online"
	StatusOffline = "Offline"
)

// OnlineStatusRequest is the body of openim/query_online_status: 1 to 500 accounts. IsNeedDetail is 0 or 1.
type OnlineStatusRequest struct {
	ToAccount    []string `json:"To_Account"`
	IsNeedDetail int      `json:"IsNeedDetail"`
}

// OnlineStatusResponse answers openim/query_online_status. ErrorList is left out when every account is known.
type OnlineStatusResponse struct {
	Envelope
	QueryResult []OnlineStatus      `json:"QueryResult"`
	ErrorList   []OnlineStatusError `json:"ErrorList,omitempty"`
}

// OnlineStatus is the state of one account. Detail has an element for each platform it is connected from.
type OnlineStatus struct {
	ToAccount string               `json:"To_Account"`
	Status    string               `json:"Status"`
	Detail    []OnlineStatusDetail `json:"Detail,omitempty"`
}

// OnlineStatusDetail is one platform of an account: iPhone, Android, Web, PC, iPad, Mac or Unknown.
type OnlineStatusDetail struct {
	Platform string `json:"Platform"`
	Status   string `json:"Status"`
}

// OnlineStatusError names an account that could not be asked about.
type OnlineStatusError struct {
	ToAccount string `json:"To_Account"`
	ErrorCode Code   `json:"ErrorCode"`
}
