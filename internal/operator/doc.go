// Package operator is the API by which the person who runs Kith controls it, and the Go client of that API. The kith
// command speaks it to a running server, so that no command ever opens a store that a server holds.
//
// What New's handler guarantees:
//   - Everything below /operator/v1/ and /debug/pprof/ needs the bearer token, compared in constant time. /healthz and
//     /readyz are open and tell nothing but yes or no. /metrics is open to peers on loopback that came without a proxy;
//     others need the token.
//   - A token of one app (kat_…) opens the endpoints that the table in handler.go marks for it, for its own app only.
//   - A web page cannot reach it: a request with an Origin header is refused, and so is one that came to a loopback
//     address under a host name other than localhost (DNS rebinding). There is no CORS.
//   - A secret key is in the answer that made it (create, rotate-key) and in no other, and so is a token of an app. A
//     callback Token is in none. All stay out of logs and errors. A backup holds them, as it is the whole database.
//   - A failed call answers {"error":{"code":"...","message":"..."}} with an HTTP status to match; an error that the
//     package does not know is logged in full and answered without its text.
//   - Bodies are at most 1 MiB; a field that is not known is an error, and so is a query parameter.
//   - OpenAPI describes every call; the tests hold each request and answer against it.
//   - A stream (tail, listen, export) writes each line at once, shows every Options.Heartbeat that it is there, and ends with
//     what feeds it, with its reader, or when the reader takes longer than Options.LineTimeout for a line. A reader that is
//     slow loses lines, is told how many, and holds nothing up.
//
// The handler starts nothing and needs no stopping; handler and Client are safe for concurrent use. Serve it without a
// write timeout: backups, streams and profiles take as long as they take. Streams end when Delivery closes what feeds them, so
// stop that before the server that serves this.
//
// The package also keeps the two files by which a client finds a server on the same machine: operator.json (URL) and
// operator-token, both in the data directory and for its owner only.
//
// It must never import store, restapi or dispatch: what it needs of them is handed in as functions.
package operator
