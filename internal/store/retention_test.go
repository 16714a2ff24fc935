package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// Records with many attempts go one a commit, so that no commit is long.
func TestRetentionTakesFewAttemptsAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		var mu sync.Mutex
		var removed []int
		now := time.Now()
		o.Retention = time.Hour
		o.Now = func() time.Time { return now }
		o.OnForget = func(events int, _ bool) {
			mu.Lock()
			defer mu.Unlock()
			removed = append(removed, events)
		}
		s := open(t, o)
		app := seed(t, s)
		for range 3 {
			toggle(t, s, app)
			if err := settleHead(s, relation.Delivered); err != nil {
				t.Fatal(err)
			}
		}
		for _, q := range []string{
			`INSERT INTO attempt SELECT sdkappid, id, n, 1, 1, 500, 0, 'status', '', '', '', answer FROM record,
				(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 900) SELECT n FROM c) x`,
			`UPDATE record SET kept = 900`,
			`UPDATE record_total SET bytes = bytes + 3 * 900 * 200`,
		} {
			if err := s.Exec(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		now = now.Add(2 * time.Hour)
		s = open(t, o)
		eventually(t, "no record", func() bool {
			stats, err := s.RecordStats(t.Context())
			return err == nil && len(stats) == 0
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(removed) != 3 || removed[0] != 1 {
			t.Errorf("removed %v, want one a commit", removed)
		}
		if o.URL != "" {
			return
		}
		if problems, err := store.Check(t.Context(), o.Dir); err != nil || len(problems) > 0 {
			t.Errorf("problems %q %v", problems, err)
		}
	})
}
