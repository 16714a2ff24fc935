// Package dispatch carries events from the outbox to the app backend, as callbacks.
//
// A Dispatcher has one endpoint for each app, and an endpoint has one lane for each owner (From_Account) whose events can
// be sent now. The life of an event:
//
//	committed ──▶ waiting ──▶ head ──▶ attempt ──▶ delivered
//	                           ▲          │
//	                           └─ retry ──┤ (due later)
//	                                      └──────▶ dead
//
// Only an owner's earliest waiting event, its head, is attempted. The store calls Offer after each commit, so that a head
// is sent at once when there is room. Everything else waits on disk, and a loader per endpoint brings it back when it is
// due and there is room.
//
// What the package guarantees:
//
//   - At least once. An event leaves the outbox only after HTTP 200 with ErrorCode 0, or as a dead letter after its retry
//     budget. The webhook-id is the same at each attempt. A crash between attempt and settlement repeats the attempt.
//   - Order. For one (SDKAppID, From_Account) attempts are made in order of Seq, one at a time, whatever their commands: a
//     login stands where it happened between the changes of the user's list. The next event is not sent before the verdict
//     on the one before is durable, so not even a crash makes an app backend see an older event after a newer one.
//   - Independence. Endpoints share nothing but the store. Within an endpoint one owner's failures do not delay another's
//     events, as long as fewer than Callback.Concurrency attempts hang at a time.
//   - Bounded memory. An endpoint holds at most Options.MaxLanes lanes and about Options.MaxBytes of events, however many
//     wait. It has one goroutine and at most Callback.Concurrency more while it has something to send.
//   - Faults of our own (store refusing writes, no file descriptors left) cost the receiver's budget nothing.
//   - Settings. Once AppsChanged returned, no attempt begins under the old ones; those under way finish as they began.
//   - Clock. A head due later than any wait was written while the clock was wrong, and is taken as due. Setting the clock
//     back delays an event by the longest wait and some seconds at most.
//
// Offer, AppsChanged and TestCallback are safe for concurrent use and never wait for an endpoint. Start returns after the
// set-up; Stop waits for attempts under way and their settlements. After Stop a Dispatcher cannot be started again.
//
// The package imports api, internal/relation and webhook, and must never import a store, restapi or gateway.
package dispatch
