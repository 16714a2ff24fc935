// Package webhook is what an app backend imports to receive Kith's callbacks, and the signing and URL rules that the
// sender and the receiver share. This program is complete:
//
//	package main
//
//	import (
//		"context"
//		"log"
//		"net/http"
//		"os"
//
//		"github.com/kithchat/kith/webhook"
//	)
//
//	func main() {
//		handler, err := webhook.New(webhook.Options{
//			SDKAppID: 1600077123,
//			Tokens:   []string{os.Getenv("CALLBACK_TOKEN")},
//			OnBlackListDelete: func(ctx context.Context, e webhook.BlackListEvent) error {
//				for _, p := range e.Pairs {
//					log.Println(p.FromAccount, "unblocked", p.ToAccount)
//				}
//				return nil
//			},
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		log.Fatal(http.ListenAndServe("127.0.0.1:9000", handler))
//	}
//
// # Receiving
//
// [New] makes a [Handler], an [http.Handler] that checks a request before any of your code sees it: the method, the
// SdkAppid, the Sign and its age, the size, and that the body is JSON whose CallbackCommand is the query's. Your function
// gets a typed event. When it returns nil the callback is settled; when it returns an error, or panics, Kith keeps the
// event and sends it again.
//
// What the handler answers. The body is always the documented triple ActionStatus, ErrorCode, ErrorInfo as
// application/json; only HTTP 200 with ErrorCode 0 settles a callback, so every other row leads to a retry:
//
//	200, ErrorCode 0   handled, or a command without a handler, or an event that Options.Dedup remembers
//	200, ErrorCode 1   your function returned an error, or the same event is still being handled
//	400, ErrorCode 1   unreadable query or body; CallbackCommand of query and body differ
//	403, ErrorCode 1   wrong SdkAppid; Sign missing or wrong; RequestTime too far from now
//	405, ErrorCode 1   not POST
//	413, ErrorCode 1   body longer than Options.MaxBody
//	500, ErrorCode 1   your function panicked
//
// Refusals have a status of their own, not 200, so that proxies, rate limiters and monitors in front of a public
// endpoint see them for what they are.
//
// Delivery is at least once, in commit order for one From_Account, whose logins and logouts (State.StateChange) stand in
// the same order. Make your functions idempotent: an event can come again
// after a timeout or a restart, with the same [Event.ID]. [Options.Dedup] makes repetitions rare but cannot exclude them.
// Kith waits 2 seconds for an answer unless told otherwise; when it gives up, the context of your function ends.
//
// # What Sign proves
//
// Sign is the SHA-256 of Token and RequestTime, as Tencent Chat documents it. It covers neither the body nor the other
// parameters, so whoever reads one request can forge others until the skew has passed. Use HTTPS beyond one machine.
//
// # Sending
//
// [Target] builds the request URL, [EncodeBlackList] or [EncodeState] the body, [ParseAnswer] reads the answer. Kith's dispatcher is built
// on them, and a test of your own receiver can be as well.
//
// # Invariants
//
// A Handler and a Target are safe for concurrent use and start no goroutines; there is nothing to stop. The package
// imports the standard library and package api, and nothing else. Tokens reach no log, no answer and no error.
package webhook
