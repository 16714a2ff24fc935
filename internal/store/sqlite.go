package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const (
	// sqliteReaders is how many connections read at a time.
	sqliteReaders = 4
	// checkpointPages is the length of the write-ahead log, in pages, from which it is moved into the database beside the
	// writer.
	checkpointPages = 4096
	// finishPages is how little must be left to move, besides the pages of the last commit, for the writer to do it
	// itself, between two commits, so that the log starts over. It bounds how long a checkpoint holds up commits.
	finishPages = 512
	// mostPages is the length at which the writer does it whatever is left, so that the log stays bounded on a disk that
	// cannot keep up.
	mostPages = 65536
	// checkpointPasses bounds the passes over the log for one checkpoint. Each moves what was written during the one
	// before, which is less each time.
	checkpointPasses = 16
	// journalLimit is what the log's file shrinks to, in bytes, when it starts over after it grew behind a long read.
	journalLimit = "journal_size_limit=67108864"
)

type sqliteEngine struct {
	path    string
	shm     *os.File // the wal-index
	writer  sqliteConn
	readers chan sqliteConn
	fault   func(step string) error
	log     *slog.Logger

	checkpoint chan struct{}
	length     uint32        // of the log after the last commit, in pages; used by the writer only
	lastCommit atomic.Uint32 // how many of them that commit added
	done       sync.WaitGroup
}

// openSQLite opens or creates DIR/kith.db. The caller holds the directory's lock.
func openSQLite(ctx context.Context, dir string, log *slog.Logger, fault func(string) error) (_ *sqliteEngine, err error) {
	path := filepath.Join(dir, DatabaseFile)
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // SQLite keeps its log beside the file, not beside the link
	}
	if err := migrateSQLite(ctx, path); err != nil {
		return nil, err
	}
	e := &sqliteEngine{
		path: path, fault: fault, log: log,
		readers:    make(chan sqliteConn, sqliteReaders),
		checkpoint: make(chan struct{}, 1),
	}
	if e.writer, err = openSQLiteConn(path, sqlite.OpenReadWrite); err != nil {
		return nil, describeSQLite(path, err)
	}
	for range sqliteReaders {
		c, err := openSQLiteConn(path, sqlite.OpenReadOnly)
		if err != nil {
			_ = e.closeConns()
			return nil, describeSQLite(path, err)
		}
		e.readers <- c
	}
	if e.shm, err = os.Open(path + "-shm"); err != nil {
		_ = e.closeConns()
		return nil, fmt.Errorf("cannot read the wal-index: %w", err)
	}
	e.done.Go(e.checkpoints)
	return e, nil
}

func openSQLiteConn(path string, mode sqlite.OpenFlags) (sqliteConn, error) {
	c, err := sqlite.OpenConn(path, mode|sqlite.OpenWAL)
	if err != nil {
		return sqliteConn{}, err
	}
	c.SetBusyTimeout(10 * time.Second)
	for _, q := range []string{"synchronous=FULL", "wal_autocheckpoint=0", "cache_size=-65536", "temp_store=MEMORY", journalLimit} {
		if err := sqlitex.ExecuteTransient(c, "PRAGMA "+q, nil); err != nil {
			_ = c.Close()
			return sqliteConn{}, err
		}
	}
	return sqliteConn{c}, nil
}

func (e *sqliteEngine) write(_ context.Context, fn func(conn) error) error {
	c := e.writer
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := e.step("begin")
	if err == nil {
		err = fn(c)
	}
	if err == nil {
		err = e.step("commit")
	}
	if err == nil {
		err = c.exec("COMMIT")
	}
	if err == nil {
		return lost(e.step("committed"))
	}
	if rollback := c.exec("ROLLBACK"); rollback != nil && !c.c.AutocommitEnabled() {
		return fmt.Errorf("%w: %w; the transaction could not be rolled back: %w", errBroken, err, rollback)
	}
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultIOErr {
		return fmt.Errorf("%w: %w", errBroken, describeSQLite(e.path, err))
	}
	return describeSQLite(e.path, err)
}

// step lets a test fail or kill the process at a named point of a commit.
func (e *sqliteEngine) step(name string) error {
	if e.fault == nil {
		return nil
	}
	return e.fault(name)
}

func (e *sqliteEngine) read(ctx context.Context, fn func(conn) error) error {
	var c sqliteConn
	select {
	case c = <-e.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { e.readers <- c }()
	return e.readOn(ctx, c, fn)
}

func (e *sqliteEngine) readAlone(ctx context.Context, fn func(conn) error) error {
	c, err := openSQLiteConn(e.path, sqlite.OpenReadOnly)
	if err != nil {
		return describeSQLite(e.path, err)
	}
	defer func() { _ = c.c.Close() }()
	if err := c.exec("PRAGMA cache_size=-4096"); err != nil { // it reads each page once
		return describeSQLite(e.path, err)
	}
	return e.readOn(ctx, c, fn)
}

func (e *sqliteEngine) readOn(ctx context.Context, c sqliteConn, fn func(conn) error) error {
	c.c.SetInterrupt(ctx.Done())
	defer c.c.SetInterrupt(nil)
	if err := c.exec("BEGIN"); err != nil {
		return readError(ctx, e.path, err)
	}
	err := fn(c)
	c.c.SetInterrupt(nil)
	if end := c.exec("ROLLBACK"); err == nil {
		err = end
	}
	return readError(ctx, e.path, err)
}

func readError(ctx context.Context, path string, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return describeSQLite(path, err)
}

// upkeep wakes the checkpointer when the log is long, and finishes its work when little is left.
func (e *sqliteEngine) upkeep() {
	length, behind := e.walPages()
	last := length
	if length > e.length {
		last -= e.length
	}
	e.length = length
	e.lastCommit.Store(last)
	switch {
	case length < checkpointPages:
	case behind <= finishPages+last || length >= mostPages:
		_ = e.writer.exec("PRAGMA wal_checkpoint(PASSIVE)") // does nothing while the checkpointer works
	default:
		wake(e.checkpoint)
	}
}

// walPages reads from the wal-index how long the log is and how far the database is behind it. The places are those of
// SQLite's documented wal-index format: mxFrame at byte 16, nBackfill at byte 96.
func (e *sqliteEngine) walPages() (length, behind uint32) {
	var max, backfill [4]byte
	if _, err := e.shm.ReadAt(max[:], 16); err != nil {
		return 0, 0
	}
	if _, err := e.shm.ReadAt(backfill[:], 96); err != nil {
		return 0, 0
	}
	length = binary.NativeEndian.Uint32(max[:])
	return length, length - min(length, binary.NativeEndian.Uint32(backfill[:]))
}

// checkpoints moves the log into the database beside the writer.
func (e *sqliteEngine) checkpoints() {
	c, err := openSQLiteConn(e.path, sqlite.OpenReadWrite)
	if err != nil {
		e.log.Error("the checkpointer cannot open the database; the writer does its work", "error", err)
		for range e.checkpoint { // drained so that upkeep goes on
		}
		return
	}
	defer func() { _ = c.c.Close() }()
	for range e.checkpoint {
		if err := e.catchUp(c); err != nil {
			e.log.Error("checkpoint failed; it is tried again after the next commits", "error", err)
		}
	}
}

// catchUp moves the log into the database until the writer has little left to do.
func (e *sqliteEngine) catchUp(c sqliteConn) error {
	for range checkpointPasses {
		if err := c.exec("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			return err
		}
		if _, behind := e.walPages(); behind <= finishPages/2+e.lastCommit.Load() {
			return nil
		}
	}
	return nil
}

func (e *sqliteEngine) size() (total, wal int64) {
	if info, err := os.Stat(e.path + "-wal"); err == nil {
		wal = info.Size()
	}
	if info, err := os.Stat(e.path); err == nil {
		total = info.Size() + wal
	}
	return total, wal
}

func (e *sqliteEngine) backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists already; name a new file", path)
	}
	c, err := openSQLiteConn(e.path, sqlite.OpenReadWrite)
	if err != nil {
		return describeSQLite(e.path, err)
	}
	defer func() { _ = c.c.Close() }()
	c.c.SetInterrupt(ctx.Done())
	err = sqlitex.ExecuteTransient(c.c, "VACUUM INTO ?", &sqlitex.ExecOptions{Args: []any{path}})
	if err != nil {
		_ = os.Remove(path)
	}
	return readError(ctx, path, err)
}

func (e *sqliteEngine) close() error {
	close(e.checkpoint)
	e.done.Wait()
	err := e.closeConns()
	return errors.Join(err, e.shm.Close())
}

func (e *sqliteEngine) closeConns() error {
	var errs []error
	for {
		select {
		case c := <-e.readers:
			errs = append(errs, c.c.Close())
			continue
		default:
		}
		break
	}
	return errors.Join(append(errs, e.writer.c.Close())...)
}
