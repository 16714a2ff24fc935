// Package usersig makes and checks UserSig v2 tickets, the HMAC-SHA256 tickets
// by which Tencent Chat clients and app backends prove who they are.
//
// A ticket is a JSON object, compressed with zlib, written in base64 with the
// characters "*-_" in the places of "+/=". The HMAC covers the UserID, the
// SDKAppID, the issue time, the lifetime and the optional user buffer.
//
// What the package guarantees:
//
//   - Verify accepts a ticket only if one of the given keys signed exactly the
//     content it returns. It reports the first failed check of a fixed order.
//   - An empty key never signs and never verifies.
//   - Work is bounded: a ticket longer than 16 KiB, or of more than 8 KiB when
//     inflated, is refused.
//   - No key, ticket or signature is ever part of an error.
//   - Errors of Verify and Decode are of a closed set, see [Error].
//
// All functions are safe for concurrent use. Nothing is started, nothing has to
// be stopped. Tickets are not remembered: a caller that sees the same ticket
// often may keep the [Ticket] that Verify returned and ask [Ticket.CheckTime]
// again, for as long as the keys stay the same.
//
// The package imports the standard library only, so that an app backend can
// use it without taking anything else along. It must never import another
// package of this module.
package usersig
