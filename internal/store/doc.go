// Package store keeps accounts, blocklists, apps and the outbox in SQLite (the default) or PostgreSQL. It implements the
// ports of package relation; no rule lives here.
//
// Invariants:
//   - One goroutine writes. It merges the calls that wait into one transaction: it reads what all of them name, runs
//     their decisions one after another on the evolving snapshot, writes the net difference, commits once and then
//     answers all (group commit, writer.go and batch.go). An idle store commits at once; what arrives during a commit
//     is merged into the next. Apps take turns (queue.go), and a commit is as much work as fits in a short time (pace.go).
//   - A nil error means committed and synced. Change and event are in the same commit, so both are there or neither.
//   - Options.OnCommit hears of every event, change of a list, kick and deletion after its commit, in commit order, and
//     before the caller does; and of every commit whose answer was lost.
//   - An owner's events are numbered in commit order. Only the earliest waiting one (the head) has a due time.
//   - An event is in one table: event while it waits, then record (delivered) or dead_event (given up). A verdict moves it in one
//     commit, together with its attempt and the totals of the record. Ids of events only rise (id.go).
//   - An account has an internal id that is never reused. Deleting an account frees its UserID at once; the rows that
//     name its id are invisible from then on and are removed in the background, in small commits (sweep.go).
//   - SQLite: the process holds the data directory's lock file; WAL, synchronous=FULL, one writing connection, several
//     reading ones. PostgreSQL: the process holds an advisory lock, one node at a time.
//   - After a failed disk sync nothing more is written until the process is started again, because what is on disk is
//     then unknown; reads go on.
//
// The same code drives both engines. A statement that runs for many rows (type set) has two spellings: SQLite runs it
// once for each row, PostgreSQL once for all rows through unnest. Store is safe for concurrent use; Open starts its
// goroutines and Close ends them.
package store
