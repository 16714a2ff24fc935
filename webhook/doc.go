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
// SdkAppid, the Sign and the signature with their age, the size, and that the body is JSON whose CallbackCommand is the
// query's. Your function gets a typed event. When it returns nil the callback is settled; when it returns an error, or
// panics, Kith keeps the event and sends it again.
//
// What the handler answers. The body is always the documented triple ActionStatus, ErrorCode, ErrorInfo as
// application/json; only HTTP 200 with ErrorCode 0 settles a callback, so every other row leads to a retry:
//
//	200, ErrorCode 0   handled, or a command without a handler, or a delivery that Options.Dedup remembers, or a test
//	200, ErrorCode 1   your function returned an error, or the same event is still being handled
//	400, ErrorCode 1   unreadable query or body; CallbackCommand of query and body differ
//	403, ErrorCode 1   wrong SdkAppid; Sign or signature missing or wrong; its time too far from now
//	405, ErrorCode 1   not POST
//	413, ErrorCode 1   body longer than Options.MaxBody
//	500, ErrorCode 1   your function panicked
//
// Refusals have a status of their own, not 200, so that proxies, rate limiters and monitors in front of a public
// endpoint see them for what they are.
//
// Delivery is at least once, in commit order for one From_Account, whose logins and logouts (State.StateChange) stand in
// the same order. Make your functions idempotent: an event can come again after a timeout or a restart, with the same
// [Event.ID]. [Options.Dedup] makes repetitions rare but cannot exclude them. Kith waits 2 seconds for an answer unless told
// otherwise; when it gives up, the context of your function ends.
//
// # The last writer wins
//
// An operator can have events sent again that were handled long ago, so that your copy can be mended or rebuilt: such an
// event has its old [Event.ID] and [Event.Sequence], and [Event.Replay] names the replay. It comes beside the newer events of
// the account, not in order with them. One rule makes any order harmless: keep with each pair (app, From_Account,
// To_Account) the Sequence of the last event applied to it, also when that event removed the pair, and apply an event to a
// pair only if its Sequence is higher. Sequences of one From_Account only rise, also when the account is deleted and
// imported again; those of two accounts have nothing to do with each other. An example shows the rule.
//
// A copy that is rebuilt from an export begins empty, without any Sequence, and from then on ignores events whose [Event.ID] is
// not greater than the export's position. Entries of the export have Sequence 0 and never replace a pair that an event touched.
// docs/operations.md has the steps and why they are right.
//
// # Tests
//
// An operator can send a test, with a body of the documented shape about made-up accounts. Its id begins with test_, and it has
// the header kith-test; a request with the header alone is refused, since no signature covers that. A Handler
// verifies it like any callback, so the test says whether URL, Token and secrets are right, then logs it and answers OK
// without calling your functions. Set [Options.Tests] to get tests too, and look at [Event.Test]. A receiver that does not
// use this package has to look at the id itself.
//
// # What Sign proves
//
// Sign is the SHA-256 of Token and RequestTime, as Tencent Chat documents it ([Options.Tokens]). It proves that somebody who
// knows the Token made this text at RequestTime. It covers neither the body nor the other parameters, so whoever reads one
// request can forge others until the skew has passed.
//
// # What a signature proves
//
// The headers webhook-id, webhook-timestamp and webhook-signature are those of Standard Webhooks ([Options.Secrets],
// [Verify]). A signature proves that the holder of the key sent exactly this id and body, and when. Under a shared secret
// (whsec_, HMAC-SHA256) the receiver could have made it as well; under a key pair the receiver has the public key (whpk_,
// Ed25519) only, and nothing to lose. It covers neither the query nor Kith's own headers: whoever reads a request can, until
// the skew has passed, send this id and body again with another SdkAppid, ClientIP, kith-sequence or
// kith-replay. So give
// each app secrets of its own, and use HTTPS beyond one machine; then nobody reads requests.
//
// Sign and signature are checked independently, each if its option is set. To change a key, give the receiver the new one
// besides the old one, then the sender; take the old one from the sender, and last from the receiver.
//
// # Sending
//
// [Target] builds the request URL, [EncodeBlackList] or [EncodeState] the body, a [Signer] the signature; [ParseAnswer] reads
// the answer. Kith's dispatcher is built on them, and a test of your own receiver can be as well.
//
// # Invariants
//
// A Handler, a Target and a Signer are safe for concurrent use and start no goroutines; there is nothing to stop. The
// package imports the standard library and package api, and nothing else. Tokens and secrets reach no log, no answer and no
// error.
package webhook
