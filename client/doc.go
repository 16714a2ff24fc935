// Package client is the Go SDK of Kith: the REST API for app backends, and the gateway for programs that act as one user.
//
// An app backend makes calls as an admin of the app:
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//		"os"
//
//		"github.com/kithchat/kith/client"
//	)
//
//	func main() {
//		rest, err := client.NewREST(client.RESTOptions{
//			URL: "https://chat.example.com", SDKAppID: 1600077123, Key: os.Getenv("KITH_KEY"),
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		items, err := rest.Unblock(context.Background(), "mira", "tom", "ann")
//		if err != nil {
//			log.Fatal(err)
//		}
//		for _, it := range items {
//			fmt.Println(it.UserID, it.Err())
//		}
//	}
//
// A user's program connects with a ticket and follows its blocklist:
//
//	session, err := client.Dial(ctx, client.Options{
//		URL: "wss://chat.example.com", SDKAppID: 1600077123, UserID: "mira",
//		UserSig: ticketFromMyBackend, // func(context.Context) (string, error)
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer session.Close()
//	for u := range session.Updates(ctx) {
//		switch u := u.(type) {
//		case client.Synced:
//			show(u.Blocklist)
//		case client.Changed:
//			apply(u.Added, u.Removed)
//		case client.Ended:
//			log.Print(u.Err)
//		}
//	}
//
// # Errors
//
// A call fails as a whole with an [*Error] when the server refused it, and with another error when the server could not be
// asked, or ctx ended. What happened to each account of a call is in its [ItemResult].
//
// # What is tried again
//
// Every command may be repeated without harm, so [REST] tries again after a lost connection, a status of 429 or 5xx, and the
// codes that say "later" (60007, 60008, 60011, 30006, 70500, 91000), after growing pauses with jitter and at least as long as
// Retry-After says. After an expired or revoked ticket (70001, 70052) it signs a new one, by the server's clock, and tries once
// more at once. Nothing else is tried again.
//
// An answer that did not come leaves open whether the call was carried out. So that the second try does not look like a
// failure, "already listed" after such a try counts as blocked, "not listed" as unblocked and "no such account" as deleted,
// for all of its items. A [Session] does the same for a call whose connection was lost.
//
// # Sessions
//
// A Session connects again whenever it has to, as the ranges of [api.Refusal] say: after a pause, with a new ticket, or never
// (then it ends, with [Ended]). It resumes from where its copy of the list stands, and reads the list again when it cannot.
// A reader of [Session.Updates] gets every change once and in order, or a [Synced] that holds what it missed.
//
// # Invariants
//
// All types are safe for concurrent use. A REST starts no goroutines. A Session's end with Close, which waits for them. What
// waits for a reader is bounded. Keys and tickets reach no error; nothing is logged. The package imports packages api and
// usersig, github.com/coder/websocket, and nothing else outside the standard library.
package client
