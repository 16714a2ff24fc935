package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // goose needs a database/sql driver
	"zombiezen.com/go/sqlite"
)

//go:embed migrations
var migrations embed.FS

// applicationID marks a database file as ours: "Kith" in ASCII, in SQLite's header.
const applicationID = 0x4b697468

// migrateSQLite creates the file or brings it to this version's schema, and refuses what is not ours.
func migrateSQLite(ctx context.Context, path string) error {
	created, err := inspectSQLite(path)
	if err != nil {
		return err
	}
	if err := private(path); err != nil {
		return err
	}
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: path}).String() + "?_pragma=busy_timeout(10000)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return describeSQLite(path, err)
	}
	defer func() { _ = db.Close() }()
	if created {
		for _, q := range []string{fmt.Sprintf("PRAGMA application_id=%d", applicationID), "PRAGMA journal_mode=WAL"} {
			if _, err := db.ExecContext(ctx, q); err != nil {
				return describeSQLite(path, err)
			}
		}
	}
	if err := migrate(ctx, goose.DialectSQLite3, db, "migrations/sqlite"); err != nil {
		return describeSQLite(path, err)
	}
	return nil
}

// private makes sure that only our user reads the file, which holds keys. SQLite gives its log the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = errors.Join(f.Chmod(0o600), f.Close())
	}
	if err != nil {
		return fmt.Errorf("cannot write the database: %w; let the kith user own it", err)
	}
	return nil
}

// inspectSQLite looks at the file before anything writes to it.
func inspectSQLite(path string) (created bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("cannot read the database: %w", err)
	case info.Size() == 0:
		return true, nil
	}
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return false, describeSQLite(path, err)
	}
	defer func() { _ = c.Close() }()
	var id int64
	scan := func(r row) error { return r.scan(&id) }
	if err := (sqliteConn{c}).query("PRAGMA application_id", scan); err != nil {
		return false, describeSQLite(path, err)
	}
	var tables int64
	if err := (sqliteConn{c}).query("SELECT count(*) FROM sqlite_schema", func(r row) error { return r.scan(&tables) }); err != nil {
		return false, describeSQLite(path, err)
	}
	if id == 0 && tables == 0 {
		return true, nil
	}
	if id != applicationID {
		return false, fmt.Errorf("%s is a database of another program; name another data directory, or move the file away", path)
	}
	return false, nil
}

func migratePostgres(ctx context.Context, config *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*config.Copy())
	defer func() { _ = db.Close() }()
	return migrate(ctx, goose.DialectPostgres, db, "migrations/postgres")
}

// migrate runs what is missing and refuses a database of a newer version.
func migrate(ctx context.Context, dialect goose.Dialect, db *sql.DB, dir string) error {
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	newest, err := newestVersion(dir)
	if err != nil {
		return err
	}
	have, err := provider.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if have > newest {
		return fmt.Errorf("the database has schema version %d and this kith knows up to %d; start the newer kith that made it, or restore a backup", have, newest)
	}
	_, err = provider.Up(ctx)
	return err
}

// newestVersion is the schema version that the embedded migrations lead to.
func newestVersion(dir string) (newest int64, err error) {
	files, err := fs.ReadDir(migrations, dir)
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		version, err := goose.NumericComponent(file.Name())
		if err != nil {
			return 0, err
		}
		newest = max(newest, version)
	}
	return newest, nil
}

// describeSQLite adds to an error of the engine what to do about it.
func describeSQLite(path string, err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	advice := ""
	switch code := sqlite.ErrCode(err).ToPrimary(); {
	case code == sqlite.ResultFull || strings.Contains(text, "SQLITE_FULL") || strings.Contains(text, "disk is full"):
		advice = "the disk is full; free space on it, then ask again"
	case code == sqlite.ResultReadOnly || strings.Contains(text, "readonly database"):
		advice = "the data directory cannot be written; mount it writable and let the kith user own it"
	case code == sqlite.ResultCantOpen || strings.Contains(text, "unable to open database"):
		advice = "the file cannot be opened; check that the directory exists and that the kith user may write it"
	case code == sqlite.ResultNotADB || strings.Contains(text, "not a database"):
		advice = "the file is no SQLite database; restore a backup, or move the file away to start empty"
	case code == sqlite.ResultCorrupt || strings.Contains(text, "malformed"):
		advice = "the database is damaged; stop kith, keep a copy, and restore a backup"
	case code == sqlite.ResultIOErr:
		advice = "the disk failed; check the disk, then start kith again"
	default:
		return err
	}
	return fmt.Errorf("%s: %w: %s", path, err, advice)
}
