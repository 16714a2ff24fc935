package store

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// DatabaseFile is the name of the default engine's database in the data directory.
const DatabaseFile = "kith.db"

// Options says which database to open, and how.
type Options struct {
	// Dir is the data directory. One process uses it at a time; SQLite has its database there. It may be empty with a URL.
	Dir string
	// URL names a PostgreSQL database (postgres://…); empty means SQLite in Dir.
	URL string
	// Retention is for how long delivered events and their attempts are kept, counted from their commit. 0: not at all,
	// and then no attempt is recorded either.
	Retention time.Duration
	// RecordSize is what the record of delivered events may occupy in bytes, about; 0: any. Beyond it the oldest go first,
	// of the app that has most.
	RecordSize int64
	// Now is the clock for background work and retention; time.Now when nil.
	Now func() time.Time
	// Log hears of background work; nothing when nil.
	Log *slog.Logger
	// OnCommit is called by the writing goroutine after each commit that has anything to tell, in commit order, and before
	// the Apply calls of the commit return. What it tells can be read by then. The deletion of an app tells nothing. It must
	// not block, must not call the store and must not change what it is given.
	OnCommit func(relation.Commit)
	// OnBatch is called after each commit with what it held. It must not block.
	OnBatch func(Batch)
	// OnForget is called when delivered events were removed from the record, with how many. crowded says that they were not
	// too old: the record had no room for them. It must not block.
	OnForget func(events int, crowded bool)
	// Fault is for tests: it is called at each step of a commit ("begin", "settle", "read", "write", "commit", "committed") and
	// fails the commit by returning an error. "settle" comes when events are written where they go and not yet taken away
	// where they were.
	Fault func(step string) error
}

// Batch describes one group commit.
type Batch struct {
	Calls    int           // Apply calls merged
	Verdicts int           // settlements merged
	Took     time.Duration // from the start of the transaction to its end
	Err      error
}

// closeGrace is how long Close waits for a commit before it cuts it off; only a PostgreSQL that hangs takes that long.
const closeGrace = 5 * time.Second

// Store is a database. It implements all store ports of package relation.
type Store struct {
	engine   engine
	lock     io.Closer // of the data directory
	now      func() time.Time
	log      *slog.Logger
	options  Options
	queue    *queue
	answers  sync.Pool // of the channels on which calls are answered
	counts   *counts
	pages    *pageHints
	recount  bool // counts may be wrong; used by the writing goroutine only, as what follows
	ids      idPool
	eventIDs eventIDs

	sweep   chan struct{}
	probe   chan struct{}
	doubted atomic.Bool     // a read failed, so a commit is to be tried
	writing context.Context // ends when Close has waited long enough for a commit
	cut     context.CancelFunc
	stop    context.CancelFunc
	done    sync.WaitGroup
	closing sync.Once
	closed  error

	condition condition
}

var (
	_ relation.Store    = (*Store)(nil)
	_ relation.Outbox   = (*Store)(nil)
	_ relation.AppStore = (*Store)(nil)
	_ relation.Records  = (*Store)(nil)
	_ relation.Replays  = (*Store)(nil)
	_ relation.Exporter = (*Store)(nil)
)

// Open opens the database, creates or migrates it, and starts the store's goroutines. An error is a sentence for the
// operator: a newer, foreign or damaged database, a directory in use, a disk that is full or read-only. Close the store
// to release the database.
func Open(ctx context.Context, options Options) (*Store, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	lock, err := lockDir(options.Dir)
	if err != nil {
		return nil, err
	}
	e, err := openEngine(ctx, options)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s := &Store{
		engine: e, lock: lock, now: options.Now, log: options.Log, options: options,
		queue: newQueue(), counts: newCounts(), pages: newPageHints(),
		sweep: make(chan struct{}, 1), probe: make(chan struct{}, 1),
	}
	s.answers.New = func() any { return make(chan error, 1) }
	s.writing, s.cut = context.WithCancel(context.Background())
	err = e.readAlone(ctx, func(c conn) error { return errors.Join(s.counts.load(c), s.eventIDs.load(c)) })
	if err != nil {
		return nil, errors.Join(err, e.close(), lock.Close())
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.done.Go(s.write)
	s.done.Go(func() { s.sweeper(background) })
	s.done.Go(func() { s.prober(background) })
	return s, nil
}

func openEngine(ctx context.Context, options Options) (engine, error) {
	if options.URL == "" {
		return openSQLite(ctx, options.Dir, options.Log, options.Fault)
	}
	return openPostgres(ctx, options.URL, options.Fault)
}

// Close commits what was accepted, stops the goroutines and closes the database. Calls that come later get
// ErrUnavailable. Closing twice is safe and returns the same error.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.stop()
		s.queue.close()
		late := time.AfterFunc(closeGrace, s.cut)
		s.done.Wait()
		late.Stop()
		s.cut()
		s.closed = errors.Join(s.engine.close(), s.lock.Close())
	})
	return s.closed
}

// Backup writes a consistent copy of the database to a new file at path, while the store works. PostgreSQL has its own
// tools for this and answers with an error that names them.
func (s *Store) Backup(ctx context.Context, path string) error { return s.engine.backup(ctx, path) }

// Ready returns nil when the store can commit, or why it cannot: the last commit failed, one does not end, or a sync failed.
// A store that failed tries again by itself every second. After a read of due events failed it tries, too.
func (s *Store) Ready() error { return s.condition.err() }

// Engine names the engine: sqlite or postgres.
func (s *Store) Engine() string {
	if strings.HasPrefix(s.options.URL, "postgres") {
		return "postgres"
	}
	return "sqlite"
}

// Size returns the bytes that the database occupies on disk, the write-ahead log included, and those of the log alone.
// For PostgreSQL the log belongs to the server and is 0.
func (s *Store) Size() (total, wal int64) { return s.engine.size() }
