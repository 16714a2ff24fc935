package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/kithchat/kith/internal/relation"
)

// engine is one SQL database. write is called by one goroutine at a time, read by many.
type engine interface {
	// write runs fn in a transaction and commits it durably. An error that is errLost leaves open whether it did.
	write(ctx context.Context, fn func(conn) error) error
	// read runs fn on a consistent view that has every commit made so far.
	read(ctx context.Context, fn func(conn) error) error
	// readAlone is read on a connection of its own, for what may take long.
	readAlone(ctx context.Context, fn func(conn) error) error
	// backup writes a consistent copy to a new file.
	backup(ctx context.Context, path string) error
	// scrub removes what is left of overwritten and deleted rows from the files.
	scrub(ctx context.Context) error
	// upkeep does what the engine needs between commits, with the writing connection at rest.
	upkeep()
	// size is what the database occupies on disk, in bytes, and how much of it is the write-ahead log.
	size() (total, wal int64)
	close() error
}

// conn runs statements inside a transaction. Parameters are written $1, $2, … and first appear in that order.
type conn interface {
	// query runs q and calls scan for each row.
	query(q string, scan func(row) error, args ...any) error
	// each runs s for every index of cols, which are slices of one length ([]int64, []string or [][]byte). scan is
	// called for each row with the index it belongs to; it may be nil.
	each(s set, scan func(i int, r row) error, cols ...any) error
}

// row is a row of a result; scan copies its columns into *int64, *string or *[]byte.
type row interface {
	scan(dest ...any) error
}

// set is a statement for many rows. one is the spelling for a single row; all takes every column as an array and, if it
// returns rows, returns the row's ordinal (from 1) as the first column.
//
// all finds its rows by an index, the first column of which is compared by = ANY (ARRAY[key]): that is what = says, but for =
// PostgreSQL may as well go through the whole index and compare each row with each key. It does while it takes the table for
// empty, as it takes an outbox that was empty when it was last analyzed, until it is analyzed again: with 100,000 events for
// half a minute a commit. OFFSET 0 keeps it from that where a subquery finds the rows.
type set struct{ one, all string }

var (
	// errLost marks a commit whose answer was lost: it may or may not have happened.
	errLost = errors.New("the answer to the commit was lost")
	// errBroken marks a failure after which the state on disk is unknown.
	errBroken = errors.New("the database can no longer be trusted to sync")
)

// lost marks an error that came after the commit was sent.
func lost(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errLost, err)
}

func unavailable(err error) error {
	if err == nil || errors.Is(err, relation.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", relation.ErrUnavailable, err)
}
