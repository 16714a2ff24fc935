package store_test

import (
	"context"
	"errors"
	"testing"

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
	return opener(t, o, store.Options{Dir: t.TempDir()})
}

func postgresFactory(t testing.TB, o storetest.Options) func() storetest.Engine {
	return opener(t, o, store.Options{URL: pgtest.NewDatabase(t)})
}

func opener(t testing.TB, o storetest.Options, where store.Options) func() storetest.Engine {
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
		return s
	}
}
