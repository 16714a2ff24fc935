package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/internal/store"
)

// settleSteps are the points of the commit of a verdict.
var settleSteps = []string{"begin", "settle", "commit", "committed"}

func verdictOf(name string) relation.Verdict {
	if name == "dead" {
		return relation.Dead
	}
	return relation.Delivered
}

// settleHead gives a verdict on the app's only head, with its attempt.
func settleHead(s *store.Store, v relation.Verdict) error {
	ctx := context.Background()
	heads, err := s.Due(ctx, relation.DueQuery{SDKAppID: testApp().SDKAppID, Now: time.UnixMilli(math.MaxInt32 * 1000), Limit: 1})
	if err != nil || len(heads) == 0 {
		return fmt.Errorf("no head: %w", err)
	}
	now := time.Now()
	_, err = s.Settle(ctx, []relation.Settlement{{
		EventKey: heads[0].Key(), Verdict: v, Attempts: heads[0].Attempts + 1, At: now, Due: now,
		Reason: "status", Attempt: relation.Attempt{Number: heads[0].Attempts + 1, At: now, Answer: strings.Repeat("a", relation.MaxAnswerKept)},
	}})
	return err
}

// wantSettled wants the newest event to be in one state, everywhere, and the figures to be those of the rows.
func wantSettled(t *testing.T, s *store.Store, want relation.State) {
	t.Helper()
	app := testApp().SDKAppID
	page, err := s.Records(t.Context(), relation.RecordQuery{SDKAppID: app, Limit: 1000})
	if err != nil || len(page.Records) == 0 {
		t.Fatalf("records: %v %v", page, err)
	}
	newest, err := s.Record(t.Context(), app, page.Records[0].ID)
	if err != nil || newest.State != want || page.Records[0].State != want {
		t.Fatalf("the event is %s, %v; want %s", newest.State, err, want)
	}
	if attempts := len(newest.Log); (want == relation.StateWaiting) != (attempts == 0) {
		t.Errorf("%s, and %d attempts are recorded", want, attempts)
	}
	states := make(map[relation.State]int64)
	for _, e := range page.Records {
		states[e.State]++
	}
	if sum := int64(len(page.Records)); sum != states[relation.StateWaiting]+states[relation.StateDelivered]+states[relation.StateDead] {
		t.Errorf("states %v", states)
	}
	events, err := s.Following(t.Context(), relation.EventKey{SDKAppID: app, Owner: "mira.k"}, 10)
	if err != nil || int64(len(events)) != states[relation.StateWaiting] {
		t.Errorf("%d events wait, %v; want %v", len(events), err, states)
	}
	importAccounts(t, s, app, "lia") // after a commit whose answer was lost, the next one counts
	kept, err := s.RecordStats(t.Context())
	if err != nil || states[relation.StateDelivered] > 0 && (len(kept) != 1 || kept[0].Events != states[relation.StateDelivered]) {
		t.Errorf("record %v %v, want %v", kept, err, states)
	}
	outbox, err := s.OutboxStats(t.Context())
	if err != nil || len(outbox) > 1 || len(outbox) == 1 && (outbox[0].Waiting != states[relation.StateWaiting] || outbox[0].Dead != states[relation.StateDead]) {
		t.Errorf("outbox %v %v, want %v", outbox, err, states)
	}
}

// An event is where it was or where it goes, never in both or in neither, whatever a commit fails of.
func TestPromise1FailedVerdictLeavesTheEventInOnePlace(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		failing := faultAt(&o)
		o.Retention = time.Hour
		o.Now = func() time.Time { return testApp().Updated }
		s := open(t, o)
		app := seed(t, s)
		for name, after := range map[string]relation.State{"delivered": relation.StateDelivered, "dead": relation.StateDead} {
			for i, step := range settleSteps {
				if i == 0 {
					toggle(t, s, app)
				}
				failing.Store(step)
				if err := settleHead(s, verdictOf(name)); !errors.Is(err, relation.ErrUnavailable) {
					t.Fatalf("%s: error %v, want ErrUnavailable", step, err)
				}
				failing.Store("")
				want := relation.StateWaiting
				if step == "committed" {
					want = after
				}
				wantSettled(t, s, want)
			}
		}
	})
}

// toggle makes an event, whatever is blocked.
func toggle(t *testing.T, s *store.Store, app relation.App) {
	t.Helper()
	svc := relation.NewService(s, nil)
	cmd := relation.BlockCommand{App: &app, Owner: "mira.k", Targets: []string{"troll_77"}}
	out, err := svc.Block(t.Context(), cmd)
	if err == nil && out[0] != relation.Done {
		_, err = svc.Unblock(t.Context(), cmd)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// makeSettled makes an event and gives a verdict on it.
func makeSettled(t *testing.T, s *store.Store, app relation.App, v relation.Verdict) {
	t.Helper()
	toggle(t, s, app)
	if err := settleHead(s, v); err != nil {
		t.Fatal(err)
	}
}

func TestPromise6KillAtEachStepOfAVerdict(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		o.Retention = time.Hour
		s := open(t, o)
		app := seed(t, s)
		for _, verdict := range []string{"delivered", "dead"} {
			toggle(t, s, app)
			for _, step := range settleSteps {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				die(t, o, step, verdict)
				s = open(t, o)
				want := relation.StateWaiting
				if step == "committed" {
					want = map[string]relation.State{"delivered": relation.StateDelivered, "dead": relation.StateDead}[verdict]
				}
				wantSettled(t, s, want)
			}
		}
	})
}

// On a full disk an attempt is recorded with its verdict, or neither is.
func TestFullDiskKeepsAttemptsWhole(t *testing.T) {
	s := open(t, store.Options{Dir: t.TempDir(), Retention: time.Hour})
	app := seed(t, s)
	toggle(t, s, app)
	if err := s.Exec(t.Context(), "PRAGMA max_page_count = 1"); err != nil { // SQLite takes the present size
		t.Fatal(err)
	}
	var err error
	n := 0
	for ; err == nil && n < 10000; n++ {
		err = settleHead(s, relation.Retry)
	}
	if !errors.Is(err, relation.ErrUnavailable) || !strings.Contains(err.Error(), "disk is full") {
		t.Fatalf("error %v, want a full disk", err)
	}
	page, err := s.Records(t.Context(), relation.RecordQuery{SDKAppID: app.SDKAppID, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Record(t.Context(), app.SDKAppID, page.Records[0].ID)
	if err != nil || e.Attempts != n-1 || len(e.Log) != n-1 {
		t.Errorf("%d attempts counted and %d recorded, %v; want %d", e.Attempts, len(e.Log), err, n-1)
	}
}

// revive sends the newest dead letter again, with success.
func revive(s *store.Store) error {
	ctx, app := context.Background(), testApp().SDKAppID
	dead, err := s.Records(ctx, relation.RecordQuery{SDKAppID: app, State: relation.StateDead, Limit: 1})
	if err != nil || len(dead.Records) == 0 {
		return fmt.Errorf("no dead letter: %w", err)
	}
	return s.SettleReplay(ctx, []relation.ReplaySettlement{{
		SDKAppID: app, ID: dead.Records[0].ID, Attempt: relation.Attempt{Number: 2, At: time.Now(), Replay: "r"},
	}})
}

// A dead letter that a replay delivers is a dead letter or in the record, whatever the commit fails of.
func TestPromise1FailedReplayLeavesTheEventInOnePlace(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		failing := faultAt(&o)
		o.Retention = time.Hour
		s := open(t, o)
		app := seed(t, s)
		makeSettled(t, s, app, relation.Dead)
		for _, step := range settleSteps {
			failing.Store(step)
			if err := revive(s); !errors.Is(err, relation.ErrUnavailable) {
				t.Fatalf("%s: error %v, want ErrUnavailable", step, err)
			}
			failing.Store("")
			want := relation.StateDead
			if step == "committed" {
				want = relation.StateDelivered
			}
			wantSettled(t, s, want)
		}
	})
}

// A replay whose creation fails can be created again with the same id, whether it is there or not, and is there once.
func TestReplayIsCreatedOnceWhateverFails(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		failing := faultAt(&o)
		o.Retention = time.Hour
		s := open(t, o)
		app := seed(t, s)
		makeSettled(t, s, app, relation.Delivered)
		for i, step := range []string{"begin", "commit", "committed"} {
			ask := relation.Replay{ID: step, SDKAppID: app.SDKAppID, State: relation.ReplayRunning}
			failing.Store(step)
			if _, err := s.CreateReplay(t.Context(), ask); !errors.Is(err, relation.ErrUnavailable) {
				t.Fatalf("%s: error %v, want ErrUnavailable", step, err)
			}
			failing.Store("")
			if made, err := s.CreateReplay(t.Context(), ask); err != nil || made.ID != step || made.Total != 1 {
				t.Errorf("%s: created again: %+v %v", step, made, err)
			}
			if all, err := s.Replays(t.Context(), app.SDKAppID); err != nil || len(all) != i+1 {
				t.Errorf("%s: %d replays, %v; want %d", step, len(all), err, i+1)
			}
		}
	})
}

const killedReplay = "r"

func createReplay(s *store.Store) error {
	_, err := s.CreateReplay(context.Background(), relation.Replay{ID: killedReplay, SDKAppID: testApp().SDKAppID, State: relation.ReplayRunning})
	return err
}

func saveReplay(s *store.Store) error {
	_, err := s.SaveReplay(context.Background(), relation.ReplayProgress{ID: killedReplay, State: relation.ReplayPaused, Rate: -1})
	return err
}

// A dead letter that a replay delivers, a new replay and its state are what they were or what they become, at whatever step the
// process is killed.
func TestPromise6KillAtEachStepOfAReplay(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		o.Retention = time.Hour
		s := open(t, o)
		app := seed(t, s)
		kill := func(call, step string) (done bool) {
			t.Helper()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			die(t, o, step, call)
			s = open(t, o)
			return step == "committed"
		}
		makeSettled(t, s, app, relation.Dead)
		for _, step := range settleSteps {
			want := relation.StateDead
			if kill("revive", step) {
				want = relation.StateDelivered
			}
			wantSettled(t, s, want)
		}
		for _, step := range []string{"begin", "commit", "committed"} {
			created := kill("create replay", step)
			if _, err := s.Replay(t.Context(), killedReplay); created != (err == nil) || !created && !errors.Is(err, relation.ErrNoReplay) {
				t.Errorf("killed at %s of its creation: %v", step, err)
			}
		}
		for _, step := range []string{"begin", "commit", "committed"} {
			want := relation.ReplayRunning
			if kill("save replay", step) {
				want = relation.ReplayPaused
			}
			if r, err := s.Replay(t.Context(), killedReplay); err != nil || r.State != want {
				t.Errorf("killed at %s of its change: %+v %v, want %s", step, r, err, want)
			}
		}
	})
}

// A record that was kept goes when none is to be kept any more, and the attempts of what waits with their events.
func TestRetentionSwitchedOff(t *testing.T) {
	engines(t, func(t *testing.T, o store.Options) {
		o.Retention = time.Hour
		s := open(t, o)
		app := seed(t, s)
		for _, v := range []relation.Verdict{relation.Delivered, relation.Retry} {
			makeSettled(t, s, app, v)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		o.Retention = 0
		s = open(t, o)
		page, err := s.Records(t.Context(), relation.RecordQuery{SDKAppID: app.SDKAppID, Limit: 10})
		if err != nil || len(page.Records) != 1 || page.Records[0].State != relation.StateRetrying {
			t.Errorf("records %+v %v", page, err)
		}
		eventually(t, "no record", func() bool {
			stats, err := s.RecordStats(t.Context())
			return err == nil && len(stats) == 0
		})
		if err := settleHead(s, relation.Delivered); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if o.Dir != "" {
			if problems, err := store.Check(t.Context(), o.Dir); err != nil || len(problems) > 0 { // none of no event
				t.Errorf("problems %q %v", problems, err)
			}
		}
	})
}
