package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
)

// Scrub writes the files of the database anew, so that nothing of what was overwritten or deleted before is left in them. It
// takes as long as copying the database and as much room again; commits wait meanwhile, so call it before anything is served.
// PostgreSQL rewrites the records of apps only, and keeps older ones in its own log and backups for as long as it is told to.
func (s *Store) Scrub(ctx context.Context) error { return s.engine.scrub(ctx) }

func (e *sqliteEngine) scrub(ctx context.Context) (err error) {
	c, err := openSQLiteConn(e.path, sqlite.OpenReadWrite)
	if err != nil {
		return describeSQLite(e.path, err)
	}
	defer func() { err = errors.Join(err, c.c.Close()) }()
	c.c.SetInterrupt(ctx.Done())
	for _, q := range []string{"PRAGMA temp_store=FILE", "VACUUM"} { // the copy may not fit into memory
		if err := c.exec(q); err != nil {
			return readError(ctx, e.path, err)
		}
	}
	busy := int64(0)
	err = c.query("PRAGMA wal_checkpoint(TRUNCATE)", func(r row) error { return r.scan(&busy) })
	if err == nil && busy != 0 {
		err = errors.New("the write-ahead log is in use and cannot be emptied")
	}
	return readError(ctx, e.path, err)
}

func (e *postgresEngine) scrub(ctx context.Context) error {
	c, err := pgx.ConnectConfig(ctx, e.config.Copy())
	if err != nil {
		return redactPostgres(err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	_, err = c.Exec(ctx, "VACUUM (FULL) app")
	return err
}
