package proof

import (
	"path/filepath"
	"sync"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Lock holds the write lock of the server's SQLite database until what it returns is called.
func (w *World) Lock() (unlock func() error, err error) {
	conn, err := sqlite.OpenConn(filepath.Join(w.o.Launcher.Data, "kith.db"), sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	if err := sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return sync.OnceValue(conn.Close), nil
}
