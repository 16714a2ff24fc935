// Package typescript holds the SDK for browsers and Node.js, which is not Go, and its tests, which `go test` runs: the
// SDK's own, against gateways that the tests script, and those against the real kith program, in its own process. They need
// Node.js and the npm packages of this folder, which `make deps` installs; without them they fail. The package imports
// nothing of Kith, so that the wire is judged by the SDK only.
package typescript
