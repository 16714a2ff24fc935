// Package dispatch carries events from the outbox to the app backend, as callbacks.
//
// A Dispatcher has one endpoint for each app, and an endpoint has one lane for each owner (From_Account) whose events can
// be sent now. The life of an event:
//
//	committed ──▶ waiting ──▶ head ──▶ attempt ──▶ delivered
//	                           ▲          │
//	                           └─ retry ──┤ (due later)
//	                           └──────────┴──────▶ dead
//
// Only an owner's earliest waiting event, its head, is attempted. The store calls Offer after each commit, so that a head
// is sent at once when there is room. Everything else waits on disk, and a loader per endpoint brings it back when it is
// due and there is room.
//
// The states of an endpoint (circuit.go, configure.go, gone.go):
//
//	               8 failures in a row             a probe is answered
//	     healthy ───────────────────────▶ failing ─────────────────────▶ recovering
//	        ▲                                ▲                            │     │
//	        │                                └──── 8 failures in a row ───┘     │
//	        └───────────── at full speed, or nothing waits any more ────────────┘
//
//	any ── paused by an operator, or 410 ──▶ paused ── resumed, or other settings ──▶ recovering
//	any ── no URL and no listeners, or disabled ──▶ off ── switched on ──▶ recovering
//
// What the package guarantees:
//
//   - At least once. An event leaves the outbox only after HTTP 200 with ErrorCode 0 (or what its app takes for that), or as
//     a dead letter when its app's policy says so. The webhook-id is the same at each attempt. A crash between attempt and
//     settlement repeats the attempt.
//   - Order. For one (SDKAppID, From_Account) attempts are made in order of Seq, one at a time, whatever their commands: a
//     login stands where it happened between the changes of the user's list. The next event is not sent before the verdict
//     on the one before is durable, so not even a crash makes an app backend see an older event after a newer one. A dead
//     letter lets the next event go on.
//   - Independence. Endpoints share the store and the settler, which serves them in turns (settle.go). Within an endpoint one
//     owner's failures do not delay another's events, as long as fewer attempts hang at a time than its limit allows.
//   - Isolation. How soon an attempt begins is also up to Options.Isolation, which sees all apps: workers wait for their turn, their
//     events wait on disk, and one of them asks again when it is refused (worker.go).
//   - An endpoint decides how much it gets. While it fails it is probed with one event at a time, and never sooner than it
//     asked for; else attempts under way are bounded by its latency (limit.go), 1 at least and Callback.Attempts at most.
//   - One function decides. classify makes an Outcome of what an attempt got, with a reason from a closed list, and
//     policy.decide makes a settlement of that. Both are pure.
//   - Faults of our own (store refusing writes, resolver, proxy, no file descriptors left) cost the receiver's budget
//     nothing: no attempt, no time, and no failing endpoint. Nor does a pause. That nobody listens costs nothing either, but
//     makes the endpoint failing, which holds the events back.
//   - Bounded memory. An endpoint holds at most Options.MaxLanes lanes and about Options.MaxBytes of events, however many
//     wait. It has one goroutine and at most Callback.Attempts more while it has something to send. A replay holds 128
//     events, a watcher 256 activities, a listener 256 exchanges.
//   - Replays (replay.go). Events that are sent again go through the endpoint as guests: in order for each owner, one at a
//     time together with the owner's live events, within half of the endpoint's limit. A replay goes on from its cursor after
//     a crash or a pause, so it can send a few events twice, and these after later ones.
//   - Settings. Once AppsChanged returned, no attempt begins under the old ones; those under way finish as they began. Signing
//     keys end at their expiry without a call.
//   - Secrets. No log, error, report, status, activity or recorded attempt has the Token, a key, or the configured URL's query
//     or user in it, also when the endpoint echoes them. An Exchange is what is sent, and has its signatures.
//   - Clock. A head due later than any wait was written while the clock was wrong, and is taken as due. Setting the clock
//     back delays an event by the longest wait and some seconds at most.
//
// All exported methods of a Dispatcher are safe for concurrent use. Offer, AppsChanged, ReplaysChanged, Endpoints, Watch and
// Listen never wait for an endpoint; TestCallback and Trigger wait for theirs. Start returns after the set-up; Stop waits for
// attempts under way and their settlements. After Stop a Dispatcher cannot be started again.
//
// The package imports api, internal/egress, internal/relation and webhook, and must never import a store, restapi or gateway.
package dispatch
