package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// postgresReaders is how many connections read at a time.
	postgresReaders = 8
	// advisoryKey names the lock that the one writing node holds: "kith" in ASCII.
	advisoryKey = 0x6b697468
	// postgresTimeout bounds connecting.
	postgresTimeout = 10 * time.Second
	// lockTries and lockPause bound the wait for the advisory lock, to two seconds.
	lockTries = 20
	// commitTimeout bounds a whole commit, readTimeout a whole read. A server that hangs longer is given up with the connection:
	// one that went away without a word would else hold up a read for as long as TCP sends again, which is a quarter of an hour.
	commitTimeout, readTimeout = 30 * time.Second, 30 * time.Second
	// readOnlyTransaction is the SQLSTATE of a write in a session that may not write.
	readOnlyTransaction = "25006"
	lockPause           = 100 * time.Millisecond
)

// sessionSettings hold every statement to its index: all of them look rows up by key, while the planner, whose
// statistics lag behind a busy outbox, would at times rather read a whole table. Generic plans save planning each time.
// A commit is synced before it is answered, whatever the server's default is.
//
// A server that does not hear of a node any more, since its machine or the network went away, ends its sessions after a minute,
// not after the usual two hours: one of them holds the advisory lock, without which nobody writes.
var sessionSettings = map[string]string{
	"tcp_keepalives_idle":     "30",
	"tcp_keepalives_interval": "10",
	"tcp_keepalives_count":    "3",
	"tcp_user_timeout":        "60s",

	"application_name":   "kith",
	"synchronous_commit": "on",
	"plan_cache_mode":    "force_generic_plan",
	"enable_seqscan":     "off",
	"enable_bitmapscan":  "off",
	"enable_sort":        "off",
	"enable_hashjoin":    "off",
	"enable_mergejoin":   "off",
	"jit":                "off",
}

// postgresEngine writes on one connection, which also holds the advisory lock, and reads on a pool. A lost writing
// connection is opened again by the next write, which takes the lock anew.
type postgresEngine struct {
	config *pgx.ConnConfig
	writer *pgx.Conn
	pool   *pgxpool.Pool
	fault  func(step string) error
	// patience bounds a read that is not alone.
	patience time.Duration
}

func openPostgres(ctx context.Context, url string, fault func(string) error) (*postgresEngine, error) {
	pool, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, postgresURLError(url, err)
	}
	pool.MaxConns = postgresReaders
	for name, value := range sessionSettings {
		pool.ConnConfig.RuntimeParams[name] = value
	}
	pool.ConnConfig.ConnectTimeout = postgresTimeout
	e := &postgresEngine{config: pool.ConnConfig.Copy(), fault: fault, patience: readTimeout}
	if err := e.connect(ctx); err != nil {
		return nil, err
	}
	if err := migratePostgres(ctx, e.config); err != nil {
		_ = e.writer.Close(ctx)
		return nil, err
	}
	if e.pool, err = pgxpool.NewWithConfig(ctx, pool); err != nil {
		_ = e.writer.Close(ctx)
		return nil, err
	}
	return e, nil
}

// connect opens the writing connection and takes the advisory lock.
func (e *postgresEngine) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, postgresTimeout)
	defer cancel()
	config := e.config.Copy()
	config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("cannot connect to PostgreSQL at %s:%d as %s: %w%s",
			e.config.Host, e.config.Port, e.config.User, redactPostgres(err), certificateAdvice(err))
	}
	if err := takeAdvisoryLock(ctx, c); err != nil {
		_ = c.Close(ctx)
		return err
	}
	e.writer = c
	return nil
}

// takeAdvisoryLock waits a moment for the lock: the server may not have noticed yet that its last holder died.
func takeAdvisoryLock(ctx context.Context, c *pgx.Conn) error {
	for range lockTries {
		var locked bool
		err := c.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(advisoryKey)).Scan(&locked)
		if err != nil || locked {
			return err
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.New("another kith uses this database; one node at a time can: stop the other, or name another database")
}

// redactPostgres drops the parts of a connect error that could repeat the connection string.
func redactPostgres(err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return errors.New(e.Message)
	}
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return errors.New(text)
}

func (e *postgresEngine) write(ctx context.Context, fn func(conn) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	tx, err := e.begin(ctx)
	if err != nil {
		return err
	}
	defer e.dropReadOnly(ctx, &err)
	err = e.step("begin")
	if err == nil {
		err = fn(postgresConn{ctx, tx})
	}
	if err == nil {
		err = e.step("commit")
	}
	if err != nil {
		_ = tx.Rollback(ctx)
		return err
	}
	if err = tx.Commit(ctx); err != nil {
		if _, refused := errors.AsType[*pgconn.PgError](err); refused || errors.Is(err, pgx.ErrTxCommitRollback) {
			return err
		}
		return lost(err)
	}
	return lost(e.step("committed"))
}

// begin starts a transaction, on a new connection if the old one is lost: nothing was sent on it that could count twice.
func (e *postgresEngine) begin(ctx context.Context) (pgx.Tx, error) {
	if !e.writer.IsClosed() {
		tx, err := e.writer.Begin(ctx)
		if err == nil {
			return tx, nil
		}
		_ = e.writer.Close(ctx)
	}
	if err := e.connect(ctx); err != nil {
		return nil, err
	}
	return e.writer.Begin(ctx)
}

// dropReadOnly gives a connection up whose session cannot write, as after a failover; the next one may be better.
func (e *postgresEngine) dropReadOnly(ctx context.Context, err *error) {
	if refused, ok := errors.AsType[*pgconn.PgError](*err); ok && refused.Code == readOnlyTransaction {
		_ = e.writer.Close(ctx)
	}
}

func (e *postgresEngine) step(name string) error {
	if e.fault == nil {
		return nil
	}
	return e.fault(name)
}

func (e *postgresEngine) read(ctx context.Context, fn func(conn) error) error {
	bounded, cancel := context.WithTimeout(ctx, e.patience)
	defer cancel()
	err := e.readIn(bounded, fn)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("PostgreSQL did not answer within %s", e.patience)
	}
	return err
}

func (e *postgresEngine) readIn(ctx context.Context, fn func(conn) error) error {
	tx, err := e.beginRead(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	return fn(postgresConn{ctx, tx})
}

func (e *postgresEngine) readAlone(ctx context.Context, fn func(conn) error) error {
	c, err := pgx.ConnectConfig(ctx, e.config.Copy())
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return redactPostgres(err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	return fn(postgresConn{ctx, tx})
}

// beginRead starts a reading transaction. After a restart of the server every connection of the pool may be dead; each
// failure drops one.
func (e *postgresEngine) beginRead(ctx context.Context) (tx pgx.Tx, err error) {
	for range postgresReaders + 1 {
		tx, err = e.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err == nil || ctx.Err() != nil {
			return tx, err
		}
	}
	return nil, err
}

func (e *postgresEngine) backup(context.Context, string) error {
	return errors.New("the store is PostgreSQL; copy it with pg_dump or your server's own backup")
}

func (e *postgresEngine) upkeep() {}

func (e *postgresEngine) size() (total, wal int64) {
	ctx, cancel := context.WithTimeout(context.Background(), postgresTimeout)
	defer cancel()
	_ = e.pool.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&total)
	return total, 0
}

func (e *postgresEngine) close() error {
	e.pool.Close()
	ctx, cancel := context.WithTimeout(context.Background(), postgresTimeout)
	defer cancel()
	return e.writer.Close(ctx)
}

// postgresConn runs statements in one transaction; pgx keeps them prepared.
type postgresConn struct {
	ctx context.Context
	tx  pgx.Tx
}

type postgresRow struct {
	rows pgx.Rows
	set  bool // the first column is the ordinal
}

func (c postgresConn) query(q string, scan func(row) error, args ...any) error {
	rows, err := c.tx.Query(c.ctx, q, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if scan == nil {
			continue
		}
		if err := scan(postgresRow{rows: rows}); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (c postgresConn) each(s set, scan func(i int, r row) error, cols ...any) error {
	if rows(cols[0]) == 0 {
		return nil
	}
	rows, err := c.tx.Query(c.ctx, s.all, cols...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if scan == nil {
			continue
		}
		ordinal := binary.BigEndian.Uint64(rows.RawValues()[0])
		if err := scan(int(ordinal)-1, postgresRow{rows: rows, set: true}); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r postgresRow) scan(dest ...any) error {
	if r.set {
		return r.rows.Scan(append([]any{nil}, dest...)...)
	}
	return r.rows.Scan(dest...)
}
