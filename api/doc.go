// Package api is Kith's wire contract: the bodies of the v4 REST commands, the payloads and query parameters of
// callbacks, and the result codes, spelled exactly as Tencent Chat documents them.
//
// It holds types, constants and lists of them only. Nothing here decides, validates, stores or logs, so that servers,
// callback receivers and clients can all import it. It imports the standard library at most, and it never changes the
// meaning of a name: a field that the original spells oddly (CurruentSequence, SdkAppid) is spelled oddly here.
package api
