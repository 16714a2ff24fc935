package operator_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

func TestEventsAreParkedAndRetried(t *testing.T) {
	f := twoApps(t)
	stuck := f.events.add(7, 1, relation.StateRetrying, func(r *relation.Record) { r.Reason, r.Head = "app-error", true })
	f.events.add(7, 2, relation.StateWaiting, nil)
	f.events.add(7, 3, relation.StateDelivered, nil)
	f.sends.endpoints = []relation.EndpointStatus{{SDKAppID: 7, State: relation.EndpointHealthy}}
	var did []string
	f.sends.decide = func(key relation.EventKey, what string) error {
		did = append(did, fmt.Sprint(what, " ", key.SDKAppID, " ", key.Owner, " ", key.Seq))
		if key.Seq != 1 {
			return &relation.BehindError{Head: eventID(1)}
		}
		return nil
	}
	for name, order := range map[string]func(uint32, string) (operator.EventDetail, error){
		"park": func(app uint32, id string) (operator.EventDetail, error) { return f.ParkEvent(t.Context(), app, id) },
		"retry": func(app uint32, id string) (operator.EventDetail, error) {
			return f.RetryEvent(t.Context(), app, id)
		},
	} {
		did = nil
		for _, app := range []uint32{0, 7} {
			if e, err := order(app, stuck.ID); err != nil || e.ID != stuck.ID || e.Explanation == "" {
				t.Errorf("%s: %+v, err %v", name, e, err)
			}
		}
		what := map[string]string{"park": "park 7 mia 1", "retry": "hurry after app-error 7 mia 1"}[name]
		if want := []string{what, what}; !reflect.DeepEqual(did, want) {
			t.Errorf("%s did %q, want %q", name, did, want)
		}
		for id, want := range map[string]string{
			eventID(2): "waits behind " + eventID(1) + " of the same account",
			eventID(3): "does not wait any more: delivered at",
			eventID(9): "no such event",
			"x":        "the id must be",
		} {
			if _, err := order(7, id); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v, want %q", name, id, err, want)
			}
		}
		if _, err := order(8, stuck.ID); err == nil {
			t.Errorf("%s: another app's event", name)
		}
		status, body := f.do(t, http.MethodPost, "/operator/v1/events/"+eventID(2)+"/"+name, "", authorized())
		if status != http.StatusConflict || !strings.Contains(body, operator.CodeConflict) {
			t.Errorf("%s: status %d, %s", name, status, body)
		}
	}
}

// Nothing can be tried at once while nothing is sent, but anything can be parked.
func TestAPausedEndpointAllowsParkOnly(t *testing.T) {
	for _, state := range []relation.EndpointState{relation.EndpointPaused, relation.EndpointOff} {
		f := twoApps(t)
		f.sends.decide = func(relation.EventKey, string) error { return nil }
		f.sends.endpoints = []relation.EndpointStatus{{SDKAppID: 7, State: state}}
		e := f.events.add(7, 1, relation.StateWaiting, func(r *relation.Record) { r.Head = true })
		if _, err := f.RetryEvent(t.Context(), 0, e.ID); err == nil || !strings.Contains(err.Error(), "nothing is sent to app 7 now") {
			t.Errorf("%s: retry: %v", state, err)
		}
		if _, err := f.ParkEvent(t.Context(), 0, e.ID); err != nil {
			t.Errorf("%s: park: %v", state, err)
		}
	}
}
