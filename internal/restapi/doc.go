// Package restapi serves the v4 REST API to app backends: POST /v4/<service>/<command> with the caller's SDKAppID,
// admin and UserSig in the query and a JSON object in the body.
//
// It decodes, authenticates, calls a rule of package relation, and encodes; it decides nothing about accounts or lists.
// The steps of a request are, in this order: path and method, query, ticket, admin, rate, body, rule. The first that
// fails answers. If the app changed while the body was on its way, ticket and admin are checked again.
//
// Invariants:
//   - Every answer is HTTP 200 with the envelope (ActionStatus, ErrorCode, ErrorInfo), failures too, and carries the
//     CORS headers. Only OPTIONS is answered 204. A panic in a command is logged, answered as internal, and keeps the
//     connection.
//   - A failed envelope means that nothing was changed, with two exceptions: a call that ran into the time limit
//     (60008) goes on if it was decided already, and one whose commit the store lost sight of (internal error) may have
//     been committed. All commands can be sent again without harm.
//   - Tickets, keys and bodies never reach a log or an answer.
//   - While several apps are at work and the processors are busy, calls of one that floods wait for their turn (Isolation).
//   - Memory is bounded: bodies by Options.MaxBody, verified tickets by Options.TicketCache, refused ones by the minute.
//
// A Handler is safe for concurrent use and needs no start. To stop, shut the http.Server down, call Handler.Wait, then
// close the store.
//
// To add a command: write its function in the file of its noun, and add a row to Handler.table. The package must never
// import a store, the dispatcher or the gateway.
package restapi
