// Package storetest is the contract of the store ports in internal/relation, in executable form.
//
// [Run] runs everything an engine has to hold: accounts, lists, events and apps, each in the file of its name; atomicity
// and the order of decisions (apply.go); seeded random histories against a plain model (history.go, model.go); and
// linearizability of concurrent calls (linear.go). [Compare] runs the histories on two engines and compares all that can
// be seen of them. No behaviour of an engine is claimed that this suite does not check; a changed rule about storage
// changes the suite first.
//
// The suite drives an engine through the ports and relation.Service only, with a clock of its own. What engines do in
// the background (sweeping the rows of what was deleted) is awaited with a deadline. Everything else is deterministic but
// for the interleaving of goroutines; histories print their seed. Two variables of the environment choose others:
//
//	KITH_TEST_SEED=7 KITH_TEST_STEPS=5000 go test -run 'TestConformance/sqlite/history' ./internal/store
//
// Tests run in parallel, each on a database of its own. The package imports internal/relation and test libraries, and
// only tests may import it.
package storetest
