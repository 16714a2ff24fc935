// Package hostile is an app backend that misbehaves, for tests.
//
// A [Receiver] is a real HTTP or HTTPS server on loopback. It behaves in [Mode]s: well, or wrong in one particular way in
// one particular phase of an exchange. [Receiver.Use] sets the modes of a window of time; each connection and each request
// then draws one of them from a seeded source. A [Journal] notes what arrived and what was taken, and checks while it goes
// what Kith promises to an app backend:
//
//   - an event does not arrive before an earlier one of its account was taken,
//   - no event comes again after a newer one of its account, but for a copy that was under way all the time,
//   - the same id always has the same content,
//   - a replay brings the events of an account in order too,
//   - no redirect is followed, and nothing is sent to whom the certificate does not prove to be the endpoint,
//   - while the network in between adds nothing of its own, one callback of an account is in flight at a time.
//
// An event counts as taken from when the receiver has decided to answer that it is handled, whether or not that answer
// reaches the sender. A journal can be a file, so that it outlives a receiver process that is killed.
//
// All methods are safe for concurrent use. A Receiver ends with Close, which leaves no goroutine behind. Only tests and
// measurements may import this package; it imports api and nothing else of Kith.
package hostile
