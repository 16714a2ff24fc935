package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kithchat/kith/internal/pgtest"
	"github.com/kithchat/kith/internal/store"
	"github.com/kithchat/kith/internal/store/storetest"
)

// The contract holds on both engines, and they cannot be told apart.
func TestConformance(t *testing.T) {
	for name, run := range map[string]func(*testing.T){
		"sqlite":   func(t *testing.T) { storetest.Run(t, sqliteFactory) },
		"postgres": func(t *testing.T) { storetest.Run(t, postgresFactory) },
		"both":     func(t *testing.T) { storetest.Compare(t, sqliteFactory, postgresFactory) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t)
		})
	}
}

func sqliteFactory(t testing.TB, o storetest.Options) func() storetest.Engine {
	dir := t.TempDir()
	return opener(t, o, store.Options{Dir: dir}, func() ([]string, error) { return store.Check(context.Background(), dir) })
}

func postgresFactory(t testing.TB, o storetest.Options) func() storetest.Engine {
	url := pgtest.NewDatabase(t)
	return opener(t, o, store.Options{URL: url}, func() ([]string, error) { return miscounted(url) })
}

// checked looks at its database each time it is closed: whatever a test did, the rows keep the rules and the counters are
// those of the rows.
type checked struct {
	*store.Store
	t     testing.TB
	check func() ([]string, error)
}

func (c checked) Close() error {
	err := c.Store.Close()
	if problems, checkErr := c.check(); checkErr != nil || len(problems) > 0 {
		c.t.Errorf("the closed database: %q %v", problems, checkErr)
	}
	return err
}

// miscounted compares the totals of the record with its rows.
func miscounted(url string) (problems []string, err error) {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close(ctx) }()
	rows, err := c.Query(ctx, `SELECT sdkappid || ': ' || sum(events) || ' events and ' || sum(bytes) || ' bytes too many' FROM (
		SELECT sdkappid, events, bytes FROM record_total
		UNION ALL SELECT r.sdkappid, -1, -(size + 200 * (SELECT count(*) FROM attempt a WHERE a.sdkappid = r.sdkappid AND a.id = r.id))
			FROM record r) x GROUP BY sdkappid HAVING sum(events) <> 0 OR sum(bytes) <> 0`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func opener(t testing.TB, o storetest.Options, where store.Options, check func() ([]string, error)) func() storetest.Engine {
	where.Now, where.OnCommit, where.Retention, where.RecordSize = o.Now, o.OnCommit, o.Retention, o.RecordSize
	where.Fault = func(step string) error {
		if step == "committed" && o.Lose() {
			return errors.New("injected")
		}
		return nil
	}
	return func() storetest.Engine {
		s, err := store.Open(context.Background(), where)
		if err != nil {
			t.Fatal(err)
		}
		return checked{s, t, check}
	}
}
