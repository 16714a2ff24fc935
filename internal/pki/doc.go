// Package pki is Kith's certificate authority for client certificates: an app backend that trusts it knows by mutual TLS
// that a callback comes from this Kith and for which app.
//
// The CA is made at the first start (ECDSA P-256, ten years), in the data directory as ca/ca.crt and ca/ca.key, or it is the
// operator's own. Files of a CA are never overwritten by another CA: endpoints would stop to trust what Kith shows them. The
// key is encrypted on disk when Options.Seal is set.
//
// A client certificate (ECDSA P-256) has the common name "kith app <SDKAppID>" and the URI kith://app/<SDKAppID>, and is good
// for client authentication only. It is kept in the app's record; this package remembers none, and cannot revoke any.
//
// A CA never changes after Open and is safe for concurrent use. The package imports internal/relation only.
package pki
