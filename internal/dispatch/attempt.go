package dispatch

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// message is one request to an endpoint, before it is addressed and signed.
type message struct {
	call    webhook.Call
	id      string
	attempt int
	body    []byte
	test    bool
}

// messageOf returns the message for an event's next attempt.
func messageOf(e *relation.Event) message {
	return message{
		call: webhook.Call{
			Command: string(e.Kind), ClientIP: e.Origin.ClientIP, OptPlatform: e.Origin.Platform,
		},
		id:      e.ID,
		attempt: e.Attempts + 1,
		body:    bodyOf(e),
	}
}

func bodyOf(e *relation.Event) []byte {
	if e.Kind == relation.EventState {
		return stateBody(e)
	}
	pairs := make([]api.Pair, len(e.Targets))
	for i, target := range e.Targets {
		pairs[i] = api.Pair{FromAccount: e.Owner, ToAccount: target}
	}
	return webhook.EncodeBlackList(string(e.Kind), pairs)
}

func stateBody(e *relation.Event) []byte {
	// An event without its detail is damaged; that must not end the process, at each start again.
	state := cmp.Or(e.State, &relation.StateChange{})
	kicked := make([]api.KickedDevice, len(state.Kicked))
	for i, platform := range state.Kicked {
		kicked[i] = api.KickedDevice{Platform: platform}
	}
	return webhook.EncodeState(api.StateCallback{
		CallbackCommand: string(e.Kind),
		EventTime:       e.Created.UnixMilli(),
		Info:            api.StateInfo{Action: state.Action, ToAccount: e.Owner, Reason: state.Reason},
		KickedDevice:    kicked,
	})
}

// attempt sends an event once and says what came of it, with what the record keeps. It reports false when ctx ended first:
// then nothing is known of the endpoint.
func (d *Dispatcher) attempt(ctx context.Context, r *route, e *queued) (trial, relation.Attempt, bool) {
	var reused atomic.Bool // the transport may get a connection after the attempt has ended
	t := trial{began: d.o.Now()}
	trace := httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		reused.Store(i.Reused)
		if e.Attempts == 0 {
			d.o.Metrics.FirstByte(r.sdkAppID, e.Kind, max(0, d.o.Now().Sub(e.committed())))
		}
	}}
	a, err := r.send(httptrace.WithClientTrace(ctx, &trace), messageOf(&e.Event), t.began, d.userAgent)
	if ctx.Err() != nil {
		return trial{}, relation.Attempt{}, false
	}
	t.ended, t.random = d.o.Now(), d.o.Random()
	t.outcome = r.policy.accept(classify(a, err, t.ended))
	d.o.Metrics.Attempt(r.sdkAppID, e.Kind, t.outcome.Label(), t.took(), reused.Load())
	return t, d.recordOf(r, e.Attempts+1, t, a), true
}

// took is how long the attempt took; a clock that was set back made it take no time.
func (t trial) took() time.Duration { return max(0, t.ended.Sub(t.began)) }

// recordOf is what the record keeps of an attempt.
func (d *Dispatcher) recordOf(r *route, number int, t trial, a *answer) relation.Attempt {
	o := t.outcome
	return relation.Attempt{
		Number: number, At: t.began.Truncate(time.Microsecond), Took: t.took(), Status: o.Status,
		Reason: string(o.Reason), Detail: o.Detail, Answer: excerpt(a, r.secrets), Node: d.o.Node, Fault: o.Ours,
	}
}

// committed returns when the event was committed. The moment when the commit was reported is finer than Created.
func (q *queued) committed() time.Time {
	if q.offered.IsZero() {
		return q.Created
	}
	return q.offered
}

// send makes one request, signed for now, and reads the answer. The route's timeout covers all of it.
func (r *route) send(ctx context.Context, m message, now time.Time, userAgent string) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	m.call.RequestTime = now.Unix()
	response, err := r.client.RoundTrip(r.request(ctx, m, userAgent))
	if err != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	defer func() { _ = response.Body.Close() }()
	a := &answer{status: response.StatusCode, header: response.Header}
	// Every answer is read, not only the ones that count: a connection can be used again only after that.
	a.body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	a.tooLarge = len(a.body) > maxAnswer
	if err != nil {
		err = errors.Join(err, ctx.Err())
	}
	return a, err
}

func (r *route) request(ctx context.Context, m message, userAgent string) *http.Request {
	header := http.Header{
		"Content-Type": {"application/json"},
		"User-Agent":   {userAgent},
		// These names go out in lower case, as they are documented.
		api.HeaderWebhookID: {m.id},
		api.HeaderAttempt:   {strconv.Itoa(m.attempt)},
	}
	if m.test {
		header[api.HeaderTest] = []string{"1"}
	}
	u := r.target.URL(m.call)
	request := &http.Request{
		Method:        http.MethodPost,
		URL:           u,
		Host:          u.Host,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		ContentLength: int64(len(m.body)),
		Body:          io.NopCloser(bytes.NewReader(m.body)),
		GetBody:       func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.body)), nil },
	}
	return request.WithContext(ctx)
}
