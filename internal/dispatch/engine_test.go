package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// engine is a dispatcher on the real store.
type engine struct {
	*store.Store
	d    *Dispatcher
	apps *appSet
}

var errInjected = errors.New("injected fault")

// startEngine opens the store in dir and delivers app A's events to url. fault, if any, fails steps of commits.
func startEngine(t testing.TB, dir, url string, fault func(string) error) *engine {
	t.Helper()
	app := testApp(appA, relation.Callback{URL: url, TimeoutMS: unhurried}) // or a slow machine repeats what it told
	apps := &appSet{}
	apps.set(app)
	var offer atomic.Pointer[Dispatcher]
	s, err := store.Open(t.Context(), store.Options{Dir: dir, Retention: time.Hour, Fault: fault, OnCommit: func(c relation.Commit) {
		if d := offer.Load(); d != nil {
			d.Offer(c.Events)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := retried(func() error { return s.CreateApp(t.Context(), *app) }); err != nil && !errors.Is(err, relation.ErrAppExists) {
		t.Fatal(err)
	}
	d := New(Options{Outbox: s, Apps: apps, Egress: loopback(t), Replays: s})
	offer.Store(d)
	d.Start()
	return &engine{s, d, apps}
}

func (e *engine) close(t testing.TB) {
	t.Helper()
	if err := e.d.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// retried repeats what the store refuses, as an app backend would, for longer than any injected fault lasts.
func retried(call func() error) (err error) {
	for range 100 {
		if err = call(); !errors.Is(err, relation.ErrUnavailable) {
			return err
		}
	}
	return fmt.Errorf("refused a hundred times: %w", err)
}

func (e *engine) waiting(t testing.TB) int64 {
	t.Helper()
	stats, err := e.OutboxStats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	for _, s := range stats {
		n += s.Waiting
	}
	return n
}

// drained waits until the outbox is empty. It polls: nothing tells of the last settlement from outside.
func (e *engine) drained(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); e.waiting(t) > 0; time.Sleep(2 * time.Millisecond) { // polls, see above
		if time.Now().After(deadline) {
			t.Fatalf("%d events still wait", e.waiting(t))
		}
	}
}

// TestPromise6RealStoreUnderFaults blocks and unblocks from several goroutines on the real store, while the receiver
// fails, commits fail, and dispatcher and store are restarted.
func TestPromise6RealStoreUnderFaults(t *testing.T) {
	const owners, rounds, targets = 8, 4, 12
	rc := &receiver{answer: flakyStatus(rand.New(rand.NewPCG(1, 1)))}
	server := httptest.NewServer(rc)
	defer server.Close()
	var steps atomic.Int64
	fault := func(string) error {
		if steps.Add(1)%97 == 0 {
			return errInjected
		}
		return nil
	}
	dir := t.TempDir()
	want := map[string][]string{}
	for round := range rounds {
		e := startEngine(t, dir, server.URL, fault)
		svc := relation.NewService(e.Store, nil)
		var all sync.WaitGroup
		for o := range owners {
			owner := fmt.Sprint("owner", o)
			ids := make([]string, targets)
			for i := range targets {
				ids[i] = fmt.Sprintf("t%d-%02d", round, i)
			}
			want[owner] = append(want[owner], ids...)
			all.Go(func() { blockAll(t, svc, owner, ids) })
		}
		all.Wait()
		if round == rounds-1 {
			arrived(t, rc, owners*rounds*targets)
		}
		e.close(t)
	}
	rc.checkOneAtATime(t)
	rc.checkAttempts(t)
	for owner, targets := range want {
		var got []string
		for _, d := range rc.seen() {
			if d.Took && d.Owner == owner {
				got = append(got, d.Targets...)
			}
		}
		if got = slices.Compact(got); !slices.Equal(got, targets) {
			t.Errorf("%s got %v, want %v", owner, got, targets)
		}
	}
}

// arrived waits until the receiver has taken n different events. The store's own count will not do: the injected faults
// include commits whose answer was lost.
func arrived(t *testing.T, rc *receiver, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) { // polls: the receiver keeps a journal only
		ids := distinct(rc.ids(""))
		if len(ids) >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d events arrived", len(ids), n)
		}
	}
}

// blockAll blocks the targets one call after another, so that each makes an event.
func blockAll(t *testing.T, svc *relation.Service, owner string, targets []string) {
	app := testApp(appA, relation.Callback{URL: "http://any/"})
	profiles := []relation.Profile{{UserID: owner}}
	for _, target := range targets {
		profiles = append(profiles, relation.Profile{UserID: target})
	}
	err := retried(func() error {
		_, err := svc.Import(context.Background(), relation.AccountImport{SDKAppID: appA, Profiles: profiles})
		return err
	})
	for _, target := range targets {
		if err == nil {
			err = retried(func() error {
				_, err := svc.Block(context.Background(), relation.BlockCommand{App: app, Owner: owner, Targets: []string{target}})
				return err
			})
		}
	}
	if err != nil {
		t.Error(err)
	}
}
