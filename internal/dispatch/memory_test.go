package dispatch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// vastOutbox holds a head for each of very many owners without keeping any of them: owner n has one event, due n
// milliseconds after start. It forgets what was settled, so the loader must not read the same page twice.
type vastOutbox struct {
	relation.Outbox
	start   time.Time
	owners  int
	targets []string
	settled chan int // the number of verdicts
}

func (v *vastOutbox) head(n int) relation.DueHead {
	at := v.start.Add(time.Duration(n) * time.Millisecond)
	return relation.DueHead{Due: at, Event: relation.Event{
		SDKAppID: appA, Owner: fmt.Sprintf("user%07d", n), Seq: 1, ID: fmt.Sprint(n), Created: at, Head: true,
		NewEvent: relation.NewEvent{Kind: relation.EventBlockDelete, Targets: v.targets},
	}}
}

func (v *vastOutbox) Due(_ context.Context, q relation.DueQuery) ([]relation.DueHead, error) {
	first := 0
	if q.After.Due > 0 {
		first = int(q.After.Due-v.start.UnixMilli()) + 1
	}
	var page []relation.DueHead
	for n := first; n < v.owners && len(page) < q.Limit; n++ {
		page = append(page, v.head(n))
	}
	return page, nil
}

func (v *vastOutbox) NextDue(context.Context, uint32, time.Time) (time.Time, error) {
	return time.Time{}, nil
}

func (v *vastOutbox) Settle(_ context.Context, s []relation.Settlement) ([]relation.EventKey, error) {
	v.settled <- len(s)
	return nil, nil
}

// TestPromise5MemoryIsBoundedWithAMillionWaiting has a million owners waiting on disk, and as many more committed meanwhile,
// while the endpoint hangs; then it comes back for a while.
func TestPromise5MemoryIsBoundedWithAMillionWaiting(t *testing.T) {
	for _, tt := range []struct {
		name    string
		targets []string
		offer   int
		deliver int
	}{
		{"one target each", []string{"troll_77"}, 1_000_000, 3000},
		{"a thousand targets each", strings.Fields(strings.Repeat("a-user-id-of-thirty-two-bytes-.. ", 1000)), 20_000, 300},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { millionWaiting(t, tt.targets, tt.offer, tt.deliver) })
		})
	}
}

func millionWaiting(t *testing.T, targets []string, offer, deliver int) {
	const million = 1_000_000
	release := make(chan struct{})
	rc := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-release
		_, _ = io.WriteString(w, answerOK)
	})
	w := newWorld(t, rc)
	w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/", TimeoutMS: time.Hour.Milliseconds()}))
	outbox := &vastOutbox{start: time.Now().Add(-time.Hour), owners: million, targets: targets, settled: make(chan int, 1024)}
	w.o.Outbox = outbox
	d := New(w.o)
	before := runtime.NumGoroutine()
	d.Start()
	synctest.Wait()
	e := (*d.endpoints.Load())[appA]
	event := outbox.head(0).Event
	for n := range offer {
		event.Owner, event.Seq = "offered", int64(n+1)
		event.Head = n == 0
		if n%2 == 0 {
			event.Owner, event.Seq, event.Head = fmt.Sprintf("late%07d", n), 1, true
		}
		d.Offer([]relation.Event{event})
	}
	checkBounds(t, e, before)

	close(release)
	for delivered := 0; delivered < deliver; {
		delivered += <-outbox.settled
		checkBounds(t, e, before)
	}
	go func() {
		for range outbox.settled { // lets Stop settle the rest
		}
	}()
	if err := d.Stop(t.Context()); err != nil {
		t.Errorf("Stop: %v", err)
	}
	close(outbox.settled)
}

// checkBounds counts what the endpoint holds: lanes, bytes and goroutines (three for each connection, on either side).
func checkBounds(t *testing.T, e *endpoint, before int) {
	t.Helper()
	e.mu.Lock()
	lanes, counted, actual := len(e.lanes), e.bytes, 0
	for _, l := range e.lanes {
		for i := range l.queue {
			actual += eventBytes(&l.queue[i].Event)
		}
	}
	e.mu.Unlock()
	if lanes > DefaultMaxLanes || counted > DefaultMaxBytes || actual != counted {
		t.Fatalf("%d lanes with %d bytes, counted as %d", lanes, actual, counted)
	}
	if n := runtime.NumGoroutine() - before; n > 6*relation.DefaultCallbackConcurrency {
		t.Fatalf("%d goroutines", n)
	}
}
