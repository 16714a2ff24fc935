package store_test

import (
	"context"
	"testing"

	"github.com/kithchat/kith/internal/pgtest"
	"github.com/kithchat/kith/internal/store"
	"github.com/kithchat/kith/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { storetest.Run(t, sqliteFactory) })
	t.Run("postgres", func(t *testing.T) { storetest.Run(t, postgresFactory) })
	t.Run("both", func(t *testing.T) { storetest.Compare(t, sqliteFactory, postgresFactory) })
}

func sqliteFactory(t testing.TB, o storetest.Options) func() storetest.Engine {
	return opener(t, o, store.Options{Dir: t.TempDir()})
}

func postgresFactory(t testing.TB, o storetest.Options) func() storetest.Engine {
	return opener(t, o, store.Options{URL: pgtest.NewDatabase(t)})
}

func opener(t testing.TB, o storetest.Options, where store.Options) func() storetest.Engine {
	where.Now, where.OnCommit = o.Now, o.OnCommit
	return func() storetest.Engine {
		s, err := store.Open(context.Background(), where)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}
