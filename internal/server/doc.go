// Package server puts the parts of Kith together into one process that starts and stops as a whole.
//
// What it guarantees:
//   - New builds everything and takes every address, or takes nothing and says why: a start that fails half-way is undone.
//   - After Start the REST API and the operator API answer, callbacks go out, and the files by which others find the
//     server (operator.json, the ready file) are there. They are written last and removed first.
//   - The first start creates an app, once everything else has worked, so that its key is never made and then not shown.
//   - Stop takes no new requests, finishes those under way, settles callbacks under way, sends the last traces, and closes the
//     store, in this order. What does not end in time is cut off; no event is lost by that. Stop waits for every goroutine, and is safe
//     to call twice or without Start.
//   - Health, metrics and profiles are on the operator listener only. Labels of metrics are bounded.
//   - Secrets reach no log. The one value that holds some is Info.FirstApp.
//
// A Server is safe for concurrent use, but is started once. It is the only package that meets store, dispatch, restapi,
// gateway and operator. It never exits the process and prints nothing.
package server
