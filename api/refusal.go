package api

// Refusal is what the gateway says when it refuses: the code of a close frame, and data.Refusal of an error. Its range tells
// a client what to do, so that a client needs no list:
//
//	4000-4099  retry: connect (or call) again with the same UserSig, after a growing, jittered pause
//	4100-4199  log in: connect again with a new UserSig
//	4200-4299  stop: do not connect again until a person or the app decides so
//	4300-4399  fix the call: it will fail again as it is; the session goes on. Never the code of a close frame
//
// A connection that ends without any of these codes was lost: retry.
type Refusal int

// Retry.
const (
	// RefusalRestart: the server is stopping. Wait as session.reconnect said.
	RefusalRestart Refusal = 4000
	// RefusalSlow: the client did not read fast enough and its queue ran full. Connect again and resume.
	RefusalSlow Refusal = 4001
	// RefusalHeartbeat: nothing came from the client for too long.
	RefusalHeartbeat Refusal = 4002
	// RefusalLoginTimeout: no login came in time.
	RefusalLoginTimeout Refusal = 4003
	// RefusalUnavailable: the server cannot answer now: its store is down, or the call took too long. It may have been
	// carried out; asking again is safe.
	RefusalUnavailable Refusal = 4004
	// RefusalRate: too many calls, on this connection or of this app. Call more slowly. As a close code: far too many.
	RefusalRate Refusal = 4005
	// RefusalAddress: too many connections from this address.
	RefusalAddress Refusal = 4006
	// RefusalFailures: too many refused UserSigs of this UserID (70050). Wait a minute.
	RefusalFailures Refusal = 4007
	// RefusalReplaced: the same device connected again; this connection is the older one. A client that did connect again
	// has nothing to do.
	RefusalReplaced Refusal = 4008
)

// Log in again.
const (
	// RefusalExpired: the UserSig is past its lifetime (70001).
	RefusalExpired Refusal = 4100
	// RefusalRevoked: the account was kicked by the app backend, which voids its UserSigs (70052).
	RefusalRevoked Refusal = 4101
	// RefusalKeyDropped: the key that signed the UserSig is not one of the app's, or not any more (70009).
	RefusalKeyDropped Refusal = 4102
)

// Stop.
const (
	// RefusalKicked: another device logged in, and the app allows only so many.
	RefusalKicked Refusal = 4200
	// RefusalTicket: the UserSig is empty, broken, or made for somebody else or another app (70002, 70003, 70013, 70014,
	// 70016).
	RefusalTicket Refusal = 4201
	// RefusalApp: there is no such app, or it is disabled (70020, 60016).
	RefusalApp Refusal = 4202
	// RefusalProtocol: a frame that is not of this protocol: binary, too large, not JSON, or another method before login.
	RefusalProtocol Refusal = 4203
	// RefusalDeleted: the account was deleted.
	RefusalDeleted Refusal = 4204
	// RefusalOrigin: the app does not allow pages of this web origin.
	RefusalOrigin Refusal = 4205
	// RefusalLogin: a login parameter is wrong (70402): UserID, DeviceID or SDKVersion.
	RefusalLogin Refusal = 4206
)

// Fix the call.
const (
	// RefusalCall: a parameter is missing, out of range or of the wrong type (30001), or it is not a JSON-RPC request.
	RefusalCall Refusal = 4300
	// RefusalMethod: there is no such method, or it is not for a session that is logged in.
	RefusalMethod Refusal = 4301
)

// JSON-RPC 2.0's own error codes.
const (
	CodeRPCParse   Code = -32700 // the frame is not JSON
	CodeRPCRequest Code = -32600 // the frame is not a request
	CodeRPCMethod  Code = -32601 // there is no such method
	CodeRPCParams  Code = -32602 // the params have another shape than the method wants
)
