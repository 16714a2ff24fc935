package operator_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func letter(app uint32, n int) relation.DeadEvent {
	return relation.DeadEvent{
		Event: relation.Event{
			SDKAppID: app, Owner: "mia", Seq: int64(n), ID: fmt.Sprintf("id-%d", n), Created: start, Attempts: 9,
			NewEvent: relation.NewEvent{
				Kind: relation.EventBlockDelete, Targets: []string{"lia"},
				Origin: relation.Origin{ClientIP: "192.0.2.1", Platform: "RESTAPI"},
			},
		},
		Parked: start.Add(time.Hour), Reason: "status",
	}
}

func TestDeadEvents(t *testing.T) {
	f := serve(t, nil)
	f.newApp(t)
	if _, err := f.CreateApp(t.Context(), operator.CreateApp{SDKAppID: 8}); err != nil {
		t.Fatal(err)
	}
	f.outbox.dead = []relation.DeadEvent{letter(7, 3), letter(8, 2), letter(7, 1)}
	ctx := t.Context()
	first, err := f.DeadEvents(ctx, operator.DeadQuery{Limit: 2})
	want := operator.DeadEvent{
		SDKAppID: 7, ID: "id-3", FromAccount: "mia", Seq: 3, Command: relation.EventBlockDelete, ToAccount: []string{"lia"},
		ClientIP: "192.0.2.1", Platform: "RESTAPI", Created: start, Parked: start.Add(time.Hour), Attempts: 9, Reason: "status",
	}
	if err != nil || len(first.Events) != 2 || !reflect.DeepEqual(first.Events[0], want) || first.Next != "id-2" {
		t.Fatalf("first page %+v, err %v", first, err)
	}
	last, err := f.DeadEvents(ctx, operator.DeadQuery{Before: first.Next, Limit: 2})
	if err != nil || len(last.Events) != 1 || last.Events[0].ID != "id-1" || last.Next != "" {
		t.Errorf("last page %+v, err %v", last, err)
	}
	ofOne, err := f.DeadEvents(ctx, operator.DeadQuery{SDKAppID: 8})
	if err != nil || len(ofOne.Events) != 1 || ofOne.Events[0].ID != "id-2" {
		t.Errorf("of app 8 %+v, err %v", ofOne, err)
	}
	_, err = f.DeadEvents(ctx, operator.DeadQuery{Limit: 1001})
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
	for _, query := range []string{"", "?dead=1&limit=x", "?dead=1&sdkappid=x"} {
		if status, body := f.do(t, http.MethodGet, "/operator/v1/events"+query, "", authorized()); status != http.StatusBadRequest {
			t.Errorf("GET events%s: %d %s", query, status, body)
		}
	}
}

// A dead letter of a login tells what it would have told, and has no list of targets.
func TestDeadStateEvent(t *testing.T) {
	f := serve(t, nil)
	f.newApp(t)
	state := letter(7, 4)
	state.NewEvent = relation.NewEvent{
		Kind: relation.EventState, Origin: relation.Origin{ClientIP: "192.0.2.1", Platform: "iOS"},
		State: &relation.StateChange{Action: relation.ActionLogin, Reason: relation.ReasonRegister, Kicked: []string{"Web"}},
	}
	f.outbox.dead = []relation.DeadEvent{state, letter(7, 3)}
	page, err := f.DeadEvents(t.Context(), operator.DeadQuery{})
	want := operator.DeadEvent{
		SDKAppID: 7, ID: "id-4", FromAccount: "mia", Seq: 4, Command: relation.EventState, State: state.State,
		ClientIP: "192.0.2.1", Platform: "iOS", Created: start, Parked: start.Add(time.Hour), Attempts: 9, Reason: "status",
	}
	if err != nil || len(page.Events) != 2 || !reflect.DeepEqual(page.Events[0], want) || page.Events[1].State != nil {
		t.Errorf("page %+v, err %v, want %+v first", page, err, want)
	}
	_, body := f.do(t, http.MethodGet, "/operator/v1/events?dead=1&limit=1", "", authorized())
	if !strings.Contains(body, `"state":{"action":"Login","reason":"Register","kicked":["Web"]}`) || strings.Contains(body, "to_account") {
		t.Errorf("body %s", body)
	}
}

func TestOutbox(t *testing.T) {
	f := serve(t, nil)
	f.outbox.stats = []relation.OutboxStats{
		{SDKAppID: 7, Waiting: 3, Dead: 1, Oldest: start.Add(-time.Minute)},
		{SDKAppID: 8, Dead: 2},
	}
	want := operator.Outbox{Apps: []operator.OutboxStats{
		{SDKAppID: 7, Waiting: 3, Dead: 1, Oldest: start.Add(-time.Minute), AgeMS: 60_000},
		{SDKAppID: 8, Dead: 2},
	}}
	if got, err := f.Outbox(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("outbox %+v, err %v, want %+v", got, err, want)
	}
}
