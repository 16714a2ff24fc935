// Package conformance runs clients that others wrote against the real kith program, started as an operator would start
// it: own process, own data directory, configured by its commands. Each client's scenario is in its own language and
// folder; the Go tests here start the server, the client and a callback receiver, and check what the receiver got. The
// official Standard Webhooks library for JavaScript judges the signatures of callbacks.
//
// The package imports nothing of Kith, so that the wire is judged by outsiders only. Its tests need Node.js and the npm
// packages of conformance/node, which `make deps` installs; without them they fail.
package conformance
