// Package gateway is the door for phones and browsers: WebSocket sessions that speak JSON-RPC 2.0, described frame by frame
// in docs/gateway.md. It decodes, authenticates, calls a rule of relation and encodes; and it tells every connected device of
// a user of each change of the user's blocklist.
//
// Invariants:
//   - A session acts only for the user that it logged in as.
//   - The changes that a device is told are those that the store committed, in order of the list's sequence, none twice and
//     none left out. Where that cannot be kept (history forgotten, the answer to a commit lost), the device is told to read
//     the list again. Nobody but the owner's devices is told anything.
//   - A frame for a device is put into its connection's queue, which is bounded in bytes; nobody ever waits for a slow client.
//     A queue that is full ends the connection.
//   - The calls of one connection run one after another. Logins and departures of one user run one after another, so that
//     State.StateChange events are in the order in which things happened.
//   - A device that was recorded as online is recorded as offline sooner or later, also when this process is killed.
//
// An idle connection holds one goroutine, which reads. A second one, which writes, exists only while there is something to
// write. Gateway is safe for concurrent use. Start it before it serves; Stop it before the store is closed. The store must
// call Committed in commit order, before the calls return whose changes it tells.
package gateway
