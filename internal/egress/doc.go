// Package egress is how callbacks leave the machine: which addresses they may go to, the proxy on the way, TLS, and what
// went wrong before an endpoint could answer.
//
// What the package guarantees:
//
//   - Addresses are checked when they are dialled, after name resolution, so a name that changes its answer (rebinding)
//     gains nothing. Addresses that are not public (loopback, private, link-local, cloud metadata, shared, multicast,
//     reserved, and IPv6 forms of such IPv4 addresses) are refused unless Options.Allow covers them.
//   - A server's certificate is always verified, against the system's roots or the endpoint's own bundle. TLS is 1.2 or newer.
//   - HTTP/1.1 only: there, a connection that hangs holds up one attempt, and under HTTP/2 it would hold up all.
//   - An error says in which phase it happened and whether the fault is Kith's own, so that it costs the receiver no budget.
//     It holds neither the URL nor the proxy's password.
//
// With a proxy, names are resolved by the proxy, and Kith can only refuse literal addresses: the proxy must guard the rest.
//
// An Egress and everything that it returns are safe for concurrent use. No goroutine outlives a dial, and nothing needs to
// be stopped; whoever asked for a Transport closes its idle connections. The package imports nothing of this module.
package egress
