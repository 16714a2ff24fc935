package dispatch

import (
	"context"
	"errors"
	"net/http/httptrace"
	"time"

	"github.com/google/uuid"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// Steps of a callback test, in order. A step that an attempt does not need (an address needs no name resolution, plain
// HTTP no TLS) or that was not reached is left out of the report.
const (
	StepResolve = "name resolution"
	StepConnect = "connect"
	StepTLS     = "TLS"
	StepRequest = "request"
	StepAnswer  = "answer"
)

// TestStep is one step of a callback test.
type TestStep struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
	TookMS int64  `json:"took_ms"` // milliseconds
}

// TestReport says what a callback test found. OK and Reason are the verdict that an event would have got.
type TestReport struct {
	Endpoint string     `json:"endpoint"` // without the query
	Command  string     `json:"command"`
	ID       string     `json:"id"` // the header webhook-id
	Steps    []TestStep `json:"steps"`
	OK       bool       `json:"ok"`
	Reason   Reason     `json:"reason,omitempty"`
	Detail   string     `json:"detail,omitempty"`
	Answer   string     `json:"answer,omitempty"` // of a failure: the beginning of the answer's body, without secrets
	TookMS   int64      `json:"took_ms"`          // milliseconds
}

// maxAnswerTold is how many characters of an answer a report has.
const maxAnswerTold = 200

// TestCallback sends one request to the app's endpoint over a connection of its own and reports what happened, step by
// step. The request is a real one, signed like any other, with the id of a test, the header kith-test: 1 and an empty PairList, so that an
// app backend which does not know the header changes nothing. Its command is Sns.CallbackBlackListDelete, whichever
// commands the app has switched on. It does not touch the app's events and works for a disabled app; after a delivery,
// events that wait for a retry are tried at once. It fails when the app has no endpoint that can be called, or when ctx ends
// first.
func (d *Dispatcher) TestCallback(ctx context.Context, app *relation.App) (TestReport, error) {
	return d.try(ctx, app, relation.NewEvent{Kind: relation.EventBlockDelete}, "")
}

// try sends a test and reports it.
func (d *Dispatcher) try(ctx context.Context, app *relation.App, told relation.NewEvent, owner string) (TestReport, error) {
	if app.Callback.URL == "" && !app.Callback.Listen {
		return TestReport{}, errors.New("the app has no callback URL: set one first")
	}
	r, err := d.newRoute(app.SDKAppID, settingsOf(app, d.o.Budget))
	if err != nil {
		return TestReport{}, err
	}
	defer r.close()
	id, err := uuid.NewV7()
	if err != nil {
		return TestReport{}, err
	}
	t := trial{began: d.o.Now()}
	told.Origin = relation.Origin{ClientIP: "127.0.0.1", Platform: api.PlatformREST}
	event := relation.Event{SDKAppID: app.SDKAppID, Owner: owner, ID: api.TestIDPrefix + id.String(), NewEvent: told, Created: t.began}
	m := messageOf(&event)
	m.test = true
	steps := &stepRecorder{started: map[string]time.Time{}}
	t.sent = r.compose(m, t.began)
	a, err := r.send(httptrace.WithClientTrace(ctx, steps.trace()), t.sent)
	if ctx.Err() != nil {
		return TestReport{}, ctx.Err()
	}
	t.ended = d.o.Now()
	t.outcome = r.policy.accept(classify(a, err, t.ended))
	if e := (*d.endpoints.Load())[app.SDKAppID]; e != nil && t.outcome.Delivered() {
		e.recheck()
	}
	t.record = d.recordOf(r, m, t, a)
	d.tellTest(r, &event, t)
	return reportOf(r, m, t, steps.finish(a, t.outcome)), nil
}

func reportOf(r *route, m message, t trial, steps []TestStep) TestReport {
	told := ""
	if !t.outcome.Delivered() {
		runes := []rune(t.record.Answer)
		told = string(runes[:min(len(runes), maxAnswerTold)])
	}
	return TestReport{
		Answer:   told,
		Endpoint: r.name(),
		Command:  m.call.Command,
		ID:       m.id,
		Steps:    steps,
		OK:       t.outcome.Delivered(),
		Reason:   t.outcome.Reason,
		Detail:   t.outcome.Detail,
		TookMS:   t.took().Milliseconds(),
	}
}

// tellTest tells whoever watches of a test.
func (d *Dispatcher) tellTest(r *route, e *relation.Event, t trial) {
	v := relation.Dead
	if t.outcome.Delivered() {
		v = relation.Delivered
	}
	d.watches.tell(relation.Activity{Event: *e, Attempt: t.record, Verdict: v, Test: true, Endpoint: r.name()}, t.sent)
}
