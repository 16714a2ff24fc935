package dispatch

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// TestReplayOnTheRealStore parks some events, delivers others, and replays first the dead ones and then all, with a commit
// failing now and then.
func TestReplayOnTheRealStore(t *testing.T) {
	const owners, targets = 4, 6
	var mended atomic.Bool
	rc := &receiver{answer: func(d delivery, w http.ResponseWriter, _ *http.Request) bool {
		if d.Owner == "owner0" && !mended.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return false
		}
		_, _ = io.WriteString(w, answerOK)
		return true
	}}
	server := httptest.NewServer(rc)
	defer server.Close()
	var steps atomic.Int64
	e := startEngine(t, t.TempDir(), server.URL, func(string) error {
		if steps.Add(1)%89 == 0 {
			return errInjected
		}
		return nil
	})
	defer e.close(t)
	app := testApp(appA, relation.Callback{URL: server.URL, TimeoutMS: unhurried, MaxAttempts: 1})
	e.apps.set(app)
	e.d.AppsChanged()
	svc := relation.NewService(e.Store, nil)
	var all sync.WaitGroup
	for o := range owners {
		ids := make([]string, targets)
		for i := range targets {
			ids[i] = fmt.Sprintf("t%02d", i)
		}
		all.Go(func() { blockAll(t, svc, fmt.Sprint("owner", o), ids) })
	}
	all.Wait()
	e.drained(t)
	mended.Store(true)
	dead := e.replay(t, relation.ReplaySelection{Dead: true})
	if dead.Total != targets || dead.Delivered < targets || dead.Failed != 0 {
		t.Errorf("replay of the dead ones: %+v", dead)
	}
	whole := e.replay(t, relation.ReplaySelection{})
	if whole.Total != owners*targets || whole.Delivered < owners*targets {
		t.Errorf("replay of all: %+v", whole)
	}
	first := map[string][]string{} // ids of each account, in order of commit
	byReplay := map[string]map[string][]string{dead.ID: {}, whole.ID: {}}
	for _, d := range rc.seen() {
		switch {
		case d.Replay != "" && d.Took:
			byReplay[d.Replay][d.Owner] = append(byReplay[d.Replay][d.Owner], d.ID)
		case d.Replay == "" && !slices.Contains(first[d.Owner], d.ID):
			first[d.Owner] = append(first[d.Owner], d.ID)
		}
	}
	if got := byReplay[dead.ID]; len(got) != 1 || !slices.Equal(got["owner0"], first["owner0"]) {
		t.Errorf("the dead ones: %v, want those of owner0, %v", got, first["owner0"])
	}
	for owner, ids := range first {
		if got := byReplay[whole.ID][owner]; !slices.Equal(got, ids) {
			t.Errorf("%s got %v again, want %v", owner, got, ids)
		}
	}
	record, err := e.Record(t.Context(), appA, first["owner0"][0])
	if err != nil || record.State != relation.StateDelivered || len(record.Log) != 3 || record.Log[2].Replay != whole.ID {
		t.Errorf("record %+v, error %v; want a failed attempt and two of replays", record, err)
	}
	rc.checkOneAtATime(t)
}

// replay orders a replay and waits until it is done. It polls: nothing tells of the end from outside.
func (e *engine) replay(t *testing.T, s relation.ReplaySelection) relation.Replay {
	t.Helper()
	id := fmt.Sprintf("replay-%v", s.Dead)
	err := retried(func() error {
		_, err := e.CreateReplay(t.Context(), relation.Replay{
			ID: id, SDKAppID: appA, Selection: s, State: relation.ReplayRunning, Created: time.Now(), Updated: time.Now(),
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	e.d.ReplaysChanged()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) { // polls, see above
		r, err := e.Replay(t.Context(), id)
		if err != nil && !errors.Is(err, relation.ErrUnavailable) {
			t.Fatal(err)
		}
		if r.State == relation.ReplayDone {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatalf("the replay is not done: %+v", r)
		}
	}
}
