package operator

import (
	"net/http"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// TailLine is a line of the stream of attempts: one that ended, or a sign of life.
type TailLine struct {
	Activity *Activity `json:"activity,omitempty"`
	Pulse
}

// Activity is an attempt that ended.
type Activity struct {
	Event    Event     `json:"event"`
	Attempt  Attempt   `json:"attempt"`
	Verdict  string    `json:"verdict"`        // delivered, retry or dead
	Due      time.Time `json:"due,omitzero"`   // when it is tried next; of a retry
	Test     bool      `json:"test,omitempty"` // a test or trigger, no event that happened
	Endpoint string    `json:"endpoint"`       // where it went, without the query
}

func (h *handler) tailEvents(w http.ResponseWriter, r *http.Request) (any, error) {
	q := h.query(r)
	app, account, command := q.app(), q.account(), q.command()
	if q.err != nil {
		return nil, q.err
	}
	if err := h.known(app); err != nil {
		return nil, err
	}
	if h.Delivery == nil {
		return nil, unsupported("this server does not deliver")
	}
	end, err := h.openStream(r)
	if err != nil {
		return nil, err
	}
	watch := h.Delivery.Watch(app, false)
	defer watch.Close()
	defer end()
	stream[relation.Activity]{
		app: app, source: watch.C, lost: watch.Lost,
		line: func(a relation.Activity, p Pulse) (any, bool) {
			told := (account == "" || a.Event.Owner == account) && (command == "" || a.Event.Kind == command)
			return TailLine{Activity: showActivity(&a), Pulse: p}, told
		},
		pulse: func(p Pulse) any { return TailLine{Pulse: p} },
	}.send(h, w, r)
	return nil, nil
}

func showActivity(a *relation.Activity) *Activity {
	shown := &Activity{
		Event: eventOf(&a.Event), Attempt: showAttempt(a.Attempt), Due: a.Due, Test: a.Test, Endpoint: a.Endpoint,
	}
	shown.Verdict, shown.Event.State = verdict(a.Verdict)
	shown.Event.Due, shown.Event.Reason = a.Due, a.Attempt.Reason
	if a.Verdict != relation.Retry {
		shown.Event.Settled = a.Attempt.At.Add(a.Attempt.Took)
	}
	return shown
}

// verdict returns the word for a verdict, and the state of an event that got it.
func verdict(v relation.Verdict) (string, relation.State) {
	switch v {
	case relation.Delivered:
		return "delivered", relation.StateDelivered
	case relation.Retry:
		return "retry", relation.StateRetrying
	}
	return "dead", relation.StateDead
}
