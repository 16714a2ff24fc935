package dispatch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// BenchmarkDeliver compares deliveries with what a plain net/http client posts to the same receiver with as many
// requests under way; "no store" leaves the disk out. Compare the rates of one run.
func BenchmarkDeliver(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, answerOK)
	}))
	defer server.Close()
	b.Run("plain client", func(b *testing.B) { benchmarkPlain(b, server.URL) })
	b.Run("no store", func(b *testing.B) { benchmarkNoStore(b, server.URL) })
	b.Run("backlog on disk", func(b *testing.B) { benchmarkBacklog(b, server.URL) })
}

func report(b *testing.B) { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s") }

func benchmarkPlain(b *testing.B, url string) {
	const n = relation.DefaultCallbackConcurrency
	transport := &http.Transport{MaxIdleConnsPerHost: n}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	body := `{"CallbackCommand":"Sns.CallbackBlackListDelete","PairList":[{"From_Account":"user1234567","To_Account":"troll_77"}]}`
	jobs := make(chan struct{})
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for range jobs {
				response, err := client.Post(url, "application/json", strings.NewReader(body))
				if err != nil {
					b.Error(err)
					continue
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	for b.Loop() {
		jobs <- struct{}{}
	}
	close(jobs)
	all.Wait()
	report(b)
}

func benchmarkNoStore(b *testing.B, url string) {
	apps := &appSet{}
	apps.set(testApp(appA, relation.Callback{URL: url}))
	outbox := &vastOutbox{
		start: time.Now().Add(-24 * time.Hour), owners: b.N, targets: []string{"troll_77"}, settled: make(chan int, 1024),
	}
	d := New(Options{Outbox: outbox, Apps: apps, Egress: loopback(b)})
	b.ResetTimer()
	d.Start()
	for delivered := 0; delivered < b.N; {
		delivered += <-outbox.settled
	}
	report(b)
	b.StopTimer()
	_ = d.Stop(context.Background())
}

func benchmarkBacklog(b *testing.B, url string) {
	s, err := store.Open(b.Context(), store.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	app := testApp(appA, relation.Callback{URL: url})
	if err := s.CreateApp(b.Context(), *app); err != nil {
		b.Fatal(err)
	}
	fillBacklog(b, s)
	apps := &appSet{}
	apps.set(app)
	e := &engine{s, New(Options{Outbox: s, Apps: apps, Egress: loopback(b)}), apps}
	b.ResetTimer()
	e.d.Start()
	e.drained(b)
	report(b)
	b.StopTimer()
	e.close(b)
}

// fillBacklog commits b.N events of as many owners.
func fillBacklog(b *testing.B, s *store.Store) {
	next := make(chan int)
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for n := range next {
				owner := fmt.Sprintf("user%07d", n)
				event := relation.NewEvent{Kind: relation.EventBlockDelete, Targets: []string{"troll_77"}}
				decide := func(relation.Snapshot) relation.Change {
					return relation.Change{
						At: time.Now(), Import: []relation.Profile{{UserID: owner}}, Events: []relation.NewEvent{event},
					}
				}
				scope := relation.Scope{SDKAppID: appA, Owner: owner, Accounts: []string{owner}}
				if err := s.Apply(context.Background(), scope, decide); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for n := range b.N {
		next <- n
	}
	close(next)
	all.Wait()
}
