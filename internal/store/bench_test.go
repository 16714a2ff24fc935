package store_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/pgtest"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

const answer = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}`

// BenchmarkUnblock measures durable changes and their verdicts with 64 callers; every other call blocks again what the one before removed.
func BenchmarkUnblock(b *testing.B) {
	for _, engine := range []string{"sqlite", "sqlite without record", "postgres", "postgres without record"} {
		b.Run(engine, func(b *testing.B) {
			o := store.Options{Dir: b.TempDir(), Retention: time.Hour}
			if strings.HasSuffix(engine, "without record") {
				o.Retention = 0
			}
			if strings.HasPrefix(engine, "postgres") {
				o.URL = pgtest.NewDatabase(b)
			}
			var calls, batches atomic.Int64
			o.OnBatch = func(x store.Batch) { calls.Add(int64(x.Calls)); batches.Add(1) }
			var settle func([]relation.Event)
			o.OnCommit = func(c relation.Commit) { settle(c.Events) }
			s, err := store.Open(b.Context(), o)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			verdicts := make(chan []relation.Settlement, 4096)
			settle = func(events []relation.Event) {
				var list []relation.Settlement
				for i := range events {
					list = append(list, relation.Settlement{
						EventKey: events[i].Key(), At: events[i].Created, Attempts: 1,
						Attempt: relation.Attempt{Number: 1, At: events[i].Created, Took: time.Millisecond, Status: 200, Answer: answer, Node: "node-1"},
					})
				}
				verdicts <- list
			}
			var settler sync.WaitGroup
			settler.Go(func() {
				for list := range verdicts {
					_, _ = s.Settle(b.Context(), list)
				}
			})
			app := testApp()
			if err := s.CreateApp(b.Context(), app); err != nil {
				b.Fatal(err)
			}
			service := relation.NewService(s, nil)
			const accounts = 5000
			for i := 0; i < accounts; i += 100 {
				cmd := relation.AccountImport{SDKAppID: app.SDKAppID}
				for k := range 100 {
					cmd.Profiles = append(cmd.Profiles, relation.Profile{UserID: fmt.Sprintf("user%08d", i+k)})
				}
				if _, err := service.Import(b.Context(), cmd); err != nil {
					b.Fatal(err)
				}
			}
			calls.Store(0)
			batches.Store(0)
			var n atomic.Int64
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range 64 {
				wg.Go(func() {
					for i := 0; n.Add(1) <= int64(b.N); i++ {
						owner := (w*977 + i/2*131) % accounts
						cmd := relation.BlockCommand{App: &app, Owner: fmt.Sprintf("user%08d", owner), Targets: []string{fmt.Sprintf("user%08d", (owner+w+1)%accounts)}}
						call := service.Block
						if i%2 == 1 {
							call = service.Unblock
						}
						if _, err := call(b.Context(), cmd); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(calls.Load())/float64(max(1, batches.Load())), "calls/commit")
			close(verdicts)
			settler.Wait()
		})
	}
}
