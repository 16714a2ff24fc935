// Package relation is the rule: who may block whom, what a call changes, and which event tells about it.
//
// Rules are pure. A rule takes a Snapshot of what was read and returns the Change to write together with the outcome of
// each item; it touches no disk, no clock and no network, so it may be run again on a newer snapshot. Service wraps the
// rules with a clock and a Store; restapi and gateway call it and nothing else.
//
// Invariants:
//   - One call that changed something makes exactly one event, with exactly the pairs that changed, in request order. A
//     call that changed nothing makes none.
//   - Asking twice is safe: the second call reports each item as already listed or not listed and changes nothing.
//   - A list keeps the order of insertion; its sequence grows by one with each call that changed it and starts at 0. It
//     also grows when entries of deleted accounts are removed in the background.
//   - UserIDs are compared byte by byte.
//
// The package also declares the ports it needs (Store, Outbox, AppStore, Records, Replays, Exporter) and the records they carry. It imports nothing
// of this module. Service is safe for concurrent use.
package relation
