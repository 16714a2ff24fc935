// Package proof runs the real kith program between a load and hostile app backends, breaks everything around it, and
// verifies afterwards what was promised.
//
// A [World] is a kith server process on a data directory, apps whose callbacks go through a toxiproxy to a
// [hostile.Receiver], and owners that block and unblock over REST and remember what they were told. Whoever drives it
// (the fault test of this package, [Soak]) makes faults: modes of the receivers, toxics of the network, refused writes of
// the store, kill -9 of the server and of the receivers. [World.Verify] then compares three accounts of what happened:
// what the owners were told, what the receivers' journal holds, and what the server calls dead letters and lists.
//
//   - Every change that was acknowledged has one event; it was taken by the receiver, or is a dead letter with a reason.
//   - There is no event of a change that nobody was told of.
//   - The events of an account were taken in the order of its changes, each with exactly the pairs that changed.
//   - Each list holds what its owner's acknowledged changes made of it.
//
// Only processes that the package started are killed, by their id. All servers listen on loopback. What is random is
// drawn from one seed; how the parts interleave in time is not repeated by it. Only tests and measurements may import this
// package.
package proof
