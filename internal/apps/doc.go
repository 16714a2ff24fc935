// Package apps is the live registry of apps: who exists, with which keys, admins, settings and callback endpoint.
//
// Invariants:
//
//   - App and All never wait: they read one pointer. What they return is never changed afterwards; after a change there
//     is a new *relation.App.
//
//   - A change is live when the call that made it returns, and only after the store has it on disk.
//
//   - Every app in the registry passed the checks of this package, apart from what the store held at Open.
//
//   - Changes are made one after another. After each one every function given to Watch is called.
//
//   - No app has mutual TLS without a client certificate. Signing keys that have expired go with the next change.
//
// All methods are safe for concurrent use. Nothing is started, nothing has to be stopped; Renew runs for as long as its caller
// says.
//
// The package imports relation and seal only. It must never import a part that reads it (restapi, dispatch, operator), nor store.
package apps
