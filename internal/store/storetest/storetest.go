package storetest

import (
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// Engine is what an engine offers: all store ports on one database. All methods but Close are safe for concurrent use.
type Engine interface {
	relation.Store
	relation.Outbox
	relation.AppStore
	relation.Records
	relation.Replays
	relation.Exporter
	// Close ends background work and releases the database. Calls under way end first or fail with
	// relation.ErrUnavailable; later ones fail.
	Close() error
}

// Options is what the suite wants of an engine that it opens.
type Options struct {
	// Now is the engine's clock; never nil.
	Now func() time.Time
	// Retention is for how long delivered events are kept, counted from their commit; 0: none is, and no attempt.
	Retention time.Duration
	// RecordSize is what they may occupy in bytes, about; 0: any.
	RecordSize int64
	// OnCommit must be called after each commit that has anything to tell, in commit order, by one goroutine at a time, and
	// before the calls of the commit return; never nil. What it tells can be read by then. It may read the engine.
	OnCommit func(relation.Commit)
	// Lose, if not nil, is asked after each commit; true has the engine lose the answer to it.
	Lose func() bool
}

// Factory makes a fresh database, gone when t ends. Each call of open opens that same database, as a restart does; the
// suite closes an engine before it opens the next. A database that cannot be opened fails t.
type Factory func(t testing.TB, o Options) (open func() Engine)

// test is one test of an area.
type test struct {
	name string
	run  func(x *fixture)
	with func(*Options) // other options than most tests have, if not nil
}

// Run runs the whole suite on the engines that f opens.
func Run(t *testing.T, f Factory) {
	areas := []struct {
		name  string
		tests []test
	}{
		{"account", accountTests()},
		{"block", blockTests()},
		{"event", eventTests()},
		{"commit", commitTests()},
		{"online", onlineTests()},
		{"settle", settleTests()},
		{"record", recordTests()},
		{"replay", replayTests()},
		{"export", exportTests()},
		{"app", appTests()},
		{"apply", applyTests()},
		{"concurrent", concurrentTests()},
		{"linear", linearTests()},
	}
	for _, area := range areas {
		t.Run(area.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range area.tests {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(newFixture(t, f, c.with))
				})
			}
		})
	}
	t.Run("history", func(t *testing.T) {
		t.Parallel()
		Compare(t, f, newModel)
	})
}
