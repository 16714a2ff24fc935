package store

import (
	"fmt"

	"zombiezen.com/go/sqlite"
)

// sqliteConn runs statements on one SQLite connection; statements stay prepared.
type sqliteConn struct{ c *sqlite.Conn }

type sqliteRow struct{ s *sqlite.Stmt }

func (c sqliteConn) exec(q string) error { return c.query(q, nil) }

func (c sqliteConn) query(q string, scan func(row) error, args ...any) error {
	s, err := c.c.Prepare(q)
	if err != nil {
		return err
	}
	for i, a := range args {
		if err := bind(s, i+1, a); err != nil {
			return err
		}
	}
	return drain(s, func(r row) error {
		if scan == nil {
			return nil
		}
		return scan(r)
	})
}

func (c sqliteConn) each(q set, scan func(i int, r row) error, cols ...any) error {
	s, err := c.c.Prepare(q.one)
	if err != nil {
		return err
	}
	for i := range rows(cols[0]) {
		for k, col := range cols {
			bindAt(s, k+1, col, i)
		}
		err := drain(s, func(r row) error {
			if scan == nil {
				return nil
			}
			return scan(i, r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// drain steps through a statement and leaves it ready for the next use.
func drain(s *sqlite.Stmt, scan func(row) error) (err error) {
	defer func() {
		if reset := s.Reset(); err == nil {
			err = reset
		}
	}()
	for {
		more, err := s.Step()
		if err != nil || !more {
			return err
		}
		if err := scan(sqliteRow{s}); err != nil {
			return err
		}
	}
}

func bind(s *sqlite.Stmt, param int, v any) error {
	switch v := v.(type) {
	case int64:
		s.BindInt64(param, v)
	case int:
		s.BindInt64(param, int64(v))
	case string:
		s.BindText(param, v)
	case []byte:
		s.BindBytes(param, v)
	default:
		return fmt.Errorf("parameter %d is a %T, which no statement takes", param, v)
	}
	return nil
}

func bindAt(s *sqlite.Stmt, param int, col any, i int) {
	switch col := col.(type) {
	case []int64:
		s.BindInt64(param, col[i])
	case []string:
		s.BindText(param, col[i])
	case [][]byte:
		s.BindBytes(param, col[i])
	default:
		panic(fmt.Sprintf("column %d is a %T, which no statement takes", param, col))
	}
}

// rows is the length of a column.
func rows(col any) int {
	switch col := col.(type) {
	case []int64:
		return len(col)
	case []string:
		return len(col)
	case [][]byte:
		return len(col)
	}
	panic(fmt.Sprintf("a %T is no column", col))
}

func (r sqliteRow) scan(dest ...any) error {
	for i, d := range dest {
		switch d := d.(type) {
		case *int64:
			*d = r.s.ColumnInt64(i)
		case *int:
			*d = int(r.s.ColumnInt64(i))
		case *string:
			*d = r.s.ColumnText(i)
		case *[]byte:
			*d = make([]byte, r.s.ColumnLen(i))
			r.s.ColumnBytes(i, *d)
		default:
			return fmt.Errorf("column %d is read into a %T", i, d)
		}
	}
	return nil
}
