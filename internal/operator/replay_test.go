package operator_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// settled adds six settled events of app 7, one that waits, and one that is retried.
func settled(f *fixture) {
	for n := 1; n <= 6; n++ {
		state := relation.StateDelivered
		if n%2 == 0 {
			state = relation.StateDead
		}
		f.events.add(7, n, state, func(r *relation.Record) {
			if n > 4 {
				r.Owner, r.Kind = "tom", relation.EventBlockAdd
			}
		})
	}
	f.events.add(7, 7, relation.StateRetrying, nil)
	f.events.add(7, 8, relation.StateWaiting, nil)
}

func TestReplay(t *testing.T) {
	f := twoApps(t)
	settled(f)
	f.now = start.Add(10 * time.Second)
	for name, test := range map[string]struct {
		req  operator.CreateReplay
		want int64
	}{
		"all":      {operator.CreateReplay{}, 6},
		"one":      {operator.CreateReplay{ID: eventID(3)}, 1},
		"dead":     {operator.CreateReplay{Dead: true}, 3},
		"account":  {operator.CreateReplay{Account: "tom"}, 2},
		"command":  {operator.CreateReplay{Command: relation.EventBlockDelete}, 4},
		"range":    {operator.CreateReplay{From: "2026-01-01T00:00:02Z", To: "6s"}, 2},
		"after":    {operator.CreateReplay{After: eventID(4)}, 2},
		"together": {operator.CreateReplay{Account: "mia", Dead: true, After: eventID(2)}, 1},
	} {
		test.req.SDKAppID, test.req.DryRun = 7, true
		counted, err := f.CreateReplay(t.Context(), test.req)
		if err != nil || counted.Selected != test.want || counted.Replay != nil {
			t.Errorf("%s: counted %+v, err %v, want %d", name, counted, err, test.want)
		}
		before := f.sends.changes()
		test.req.DryRun, test.req.Rate = false, ptr(2.5)
		made, err := f.CreateReplay(t.Context(), test.req)
		if err != nil || made.Replay == nil || made.Selected != test.want {
			t.Fatalf("%s: made %+v, err %v", name, made, err)
		}
		r := *made.Replay
		if id, err := uuid.Parse(r.ID); err != nil || id.Version() != 7 || r.SDKAppID != 7 || r.State != relation.ReplayRunning || r.Rate != 2.5 ||
			r.Total != test.want || !r.Created.Equal(f.now) || r.Selection.Until == "" || r.Selection.Account != test.req.Account {
			t.Errorf("%s: %+v", name, r)
		}
		if f.sends.changes() != before+1 {
			t.Errorf("%s: the dispatcher was not told", name)
		}
		if shown, err := f.Replay(t.Context(), r.ID); err != nil || !reflect.DeepEqual(shown, r) {
			t.Errorf("%s: shown %+v, err %v, want %+v", name, shown, err, r)
		}
	}
	for app, want := range map[uint32]int{0: 8, 7: 8, 8: 0} {
		if list, err := f.Replays(t.Context(), operator.ReplayQuery{SDKAppID: app}); err != nil || len(list.Replays) != want {
			t.Errorf("of app %d: %d, err %v, want %d", app, len(list.Replays), err, want)
		}
	}
	f.events.forgotten = eventID(5)
	_, err := f.CreateReplay(t.Context(), operator.CreateReplay{SDKAppID: 7, After: eventID(4)})
	refused(t, err, http.StatusConflict, operator.CodeConflict)
	if !strings.Contains(err.Error(), "take another export") {
		t.Errorf("what to do is not said: %v", err)
	}
	if none, err := f.CreateReplay(t.Context(), operator.CreateReplay{SDKAppID: 8, DryRun: true}); err != nil || none.Selected != 0 {
		t.Errorf("a dry run that selects nothing: %+v, err %v", none, err)
	}
}

// An order whose answer was lost is carried out, and can be given again.
func TestReplayOrdersWhoseAnswerWasLost(t *testing.T) {
	f := twoApps(t)
	settled(f)
	req := operator.CreateReplay{SDKAppID: 7, Dead: true, Replay: eventID(1000)}
	create := func() (operator.Replay, error) {
		made, err := f.CreateReplay(t.Context(), req)
		if err != nil {
			return operator.Replay{}, err
		}
		return *made.Replay, nil
	}
	pause := func() (operator.Replay, error) { return f.PauseReplay(t.Context(), req.Replay) }
	for i, order := range []func() (operator.Replay, error){create, pause} {
		f.events.lost = relation.ErrUnavailable
		_, err := order()
		refused(t, err, http.StatusServiceUnavailable, operator.CodeUnavailable)
		if told := f.sends.changes(); told != 2*i+1 {
			t.Errorf("order %d: the dispatcher was told %d times", i, told)
		}
		f.events.lost = nil
		if r, err := order(); err != nil || r.ID != req.Replay || r.Total != 3 {
			t.Errorf("order %d again: %+v, err %v", i, r, err)
		}
	}
	if list, err := f.Replays(t.Context(), operator.ReplayQuery{}); err != nil || len(list.Replays) != 1 || list.Replays[0].State != relation.ReplayPaused {
		t.Errorf("replays: %+v, err %v", list, err)
	}
}

func TestWrongReplaysAreRefused(t *testing.T) {
	f := twoApps(t)
	settled(f)
	for name, test := range map[string]struct {
		body, want string
		status     int
	}{
		"no app":         {`{}`, "sdkappid is missing", 400},
		"negative app":   {`{"sdkappid":-1}`, "whole number that fits", 400},
		"unknown app":    {`{"sdkappid":9}`, "there is no app", 404},
		"unknown event":  {`{"sdkappid":7,"id":"` + eventID(99) + `"}`, "no such event", 404},
		"another's":      {`{"sdkappid":8,"id":"` + eventID(1) + `"}`, "no such event", 404},
		"retried event":  {`{"sdkappid":7,"id":"` + eventID(7) + `"}`, "will be sent anyway", 400},
		"waiting event":  {`{"sdkappid":7,"id":"` + eventID(8) + `"}`, "will be sent anyway", 400},
		"waiting, dry":   {`{"sdkappid":7,"id":"` + eventID(8) + `","dry_run":true}`, "will be sent anyway", 400},
		"id and more":    {`{"sdkappid":7,"id":"` + eventID(1) + `","dead":true}`, "leave the other conditions out", 400},
		"no event id":    {`{"sdkappid":7,"id":"x"}`, "id must be the id of an event", 400},
		"no position":    {`{"sdkappid":7,"after":"x"}`, "after must be the id of an event", 400},
		"no account":     {`{"sdkappid":7,"account":"ü"}`, "account must be 1 to 32 bytes", 400},
		"no command":     {`{"sdkappid":7,"command":"x"}`, "there is no callback command", 400},
		"no replay id":   {`{"sdkappid":7,"replay":"` + strings.ToUpper(eventID(1)[:8]+"-abcd"+eventID(1)[13:]) + `"}`, "replay must be a new UUID in lower case", 400},
		"no time":        {`{"sdkappid":7,"from":"x"}`, "from must be a time", 400},
		"inside out":     {`{"sdkappid":7,"from":"1h","to":"2h"}`, "from must be before to", 400},
		"rate 0":         {`{"sdkappid":7,"rate":0}`, "rate must be more than 0", 400},
		"negative rate":  {`{"sdkappid":7,"rate":-1}`, "rate must be more than 0", 400},
		"rate, dry":      {`{"sdkappid":7,"rate":0,"dry_run":true}`, "rate must be more than 0", 400},
		"unknown field":  {`{"sdkappid":7,"until":"x"}`, "there is no field", 400},
		"no JSON":        {`sdkappid=7`, "not valid JSON", 400},
		"wrong kind":     {`{"sdkappid":"7"}`, "sdkappid", 400},
		"rate as a word": {`{"sdkappid":7,"rate":"fast"}`, "rate", 400},
	} {
		status, body := f.do(t, http.MethodPost, "/operator/v1/replays", test.body, authorized())
		if status != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s: %d %s, want %d and %q", name, status, body, test.status, test.want)
		}
	}
	if list, err := f.Replays(t.Context(), operator.ReplayQuery{}); err != nil || len(list.Replays) != 0 || f.sends.changes() != 0 {
		t.Errorf("a refused call changed something: %+v, err %v", list, err)
	}
}

func TestReplaysComeInPages(t *testing.T) {
	f := twoApps(t)
	settled(f)
	ctx := t.Context()
	for range 3 {
		f.now = f.now.Add(time.Second)
		if _, err := f.CreateReplay(ctx, operator.CreateReplay{SDKAppID: 7}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := f.Replays(ctx, operator.ReplayQuery{SDKAppID: 7})
	if err != nil || len(all.Replays) != 3 || all.Next != "" {
		t.Fatalf("all: %+v, err %v", all, err)
	}
	first, err := f.Replays(ctx, operator.ReplayQuery{SDKAppID: 7, Limit: 2})
	if err != nil || !reflect.DeepEqual(first.Replays, all.Replays[:2]) || first.Next == "" {
		t.Errorf("first page: %+v, err %v", first, err)
	}
	rest, err := f.Replays(ctx, operator.ReplayQuery{SDKAppID: 7, Limit: 2, Before: first.Next})
	if err != nil || !reflect.DeepEqual(rest.Replays, all.Replays[2:]) || rest.Next != "" {
		t.Errorf("second page: %+v, err %v", rest, err)
	}
	for _, q := range []operator.ReplayQuery{{Before: "x"}, {Limit: -1}, {Limit: operator.MaxReplayPage + 1}} {
		if list, err := f.Replays(ctx, q); err == nil {
			t.Errorf("%+v: %+v", q, list)
		}
	}
}

func TestReplayOrders(t *testing.T) {
	f := twoApps(t)
	settled(f)
	ctx := t.Context()
	made, err := f.CreateReplay(ctx, operator.CreateReplay{SDKAppID: 7, Rate: ptr(5.0)})
	if err != nil {
		t.Fatal(err)
	}
	id := made.Replay.ID
	progress := relation.ReplayProgress{ID: id, Rate: -1, Cursor: eventID(3), Delivered: 2, Failed: 1, Note: "status", At: start}
	if _, err := f.events.SaveReplay(ctx, progress); err != nil {
		t.Fatal(err)
	}
	want := *made.Replay
	want.Cursor, want.Delivered, want.Failed, want.Note = eventID(3), 2, 1, "status"
	check := func(what string, got operator.Replay, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, err %v, want %+v", what, got, err, want)
		}
	}
	f.now = start.Add(time.Hour)
	want.Rate, want.Updated = 0, f.now
	got, err := f.UpdateReplay(ctx, id, operator.UpdateReplay{Rate: ptr(0.0)})
	check("rate", got, err)
	want.State, want.Note = relation.ReplayPaused, "paused by an operator"
	got, err = f.PauseReplay(ctx, id)
	check("paused", got, err)
	want.State, want.Note = relation.ReplayRunning, ""
	got, err = f.ResumeReplay(ctx, id)
	check("resumed", got, err)
	want.State, want.Note = relation.ReplayCancelled, "cancelled by an operator"
	got, err = f.CancelReplay(ctx, id)
	check("cancelled", got, err)
	if f.sends.changes() != 5 {
		t.Errorf("the dispatcher was told %d times, want 5", f.sends.changes())
	}
	f.now = start.Add(2 * time.Hour)
	for name, order := range map[string]func(string) (operator.Replay, error){
		"pause":  func(id string) (operator.Replay, error) { return f.PauseReplay(ctx, id) },
		"resume": func(id string) (operator.Replay, error) { return f.ResumeReplay(ctx, id) },
		"cancel": func(id string) (operator.Replay, error) { return f.CancelReplay(ctx, id) },
		"rate": func(id string) (operator.Replay, error) {
			return f.UpdateReplay(ctx, id, operator.UpdateReplay{Rate: ptr(1.0)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := order(id)
			refused(t, err, http.StatusConflict, operator.CodeConflict)
			_, err = order("nothing")
			refused(t, err, http.StatusNotFound, operator.CodeNotFound)
		})
	}
	for _, req := range []operator.UpdateReplay{{}, {Rate: ptr(-1.0)}} {
		_, err := f.UpdateReplay(ctx, id, req)
		refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
	}
	_, err = f.Replay(ctx, "nothing")
	refused(t, err, http.StatusNotFound, operator.CodeNotFound)
	got, err = f.Replay(ctx, id)
	check("after refused orders", got, err)
}
