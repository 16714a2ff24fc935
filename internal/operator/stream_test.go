package operator_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// reading is a stream that a goroutine of the test reads.
type reading[T any] struct {
	lines chan T
	ended chan error
	stop  context.CancelFunc
}

// read runs a call of the client until the test ends.
func read[T any](t *testing.T, call func(ctx context.Context, each func(T) error) error) *reading[T] {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &reading[T]{make(chan T), make(chan error, 1), cancel}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.ended <- call(ctx, func(line T) error {
			select {
			case r.lines <- line:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

// next returns the next line. The test's own deadline is the only one.
func (r *reading[T]) next(t *testing.T) T {
	t.Helper()
	select {
	case line := <-r.lines:
		return line
	case err := <-r.ended:
		t.Fatalf("the stream ended: %v", err)
	}
	panic("unreachable")
}

func (f *fixture) tail(t *testing.T, q operator.EventQuery) (*reading[operator.TailLine], *feed[relation.Activity]) {
	t.Helper()
	r := read(t, func(ctx context.Context, each func(operator.TailLine) error) error { return f.Tail(ctx, q, each) })
	if line := r.next(t); !line.Alive.Equal(start) || line.Activity != nil {
		t.Errorf("the first line is %+v", line)
	}
	return r, <-f.sends.watch
}

// activity is an attempt for mia's n-th event.
func activity(n int, verdict relation.Verdict) relation.Activity {
	return relation.Activity{
		Event: relation.Event{
			SDKAppID: 7, Owner: "mia", Seq: int64(n), ID: eventID(n), Created: start, Attempts: 1,
			NewEvent: relation.NewEvent{Kind: relation.EventBlockAdd, Targets: []string{"lia"}},
		},
		Attempt: relation.Attempt{Number: 1, At: start, Took: 2 * time.Millisecond, Status: 200, Node: "a"},
		Verdict: verdict, Endpoint: "http://x/",
	}
}

func TestTail(t *testing.T) {
	f := twoApps(t)
	r, feed := f.tail(t, operator.EventQuery{SDKAppID: 7, Account: "mia", Command: relation.EventBlockAdd})
	if want := []watched{{7, false}}; !reflect.DeepEqual(f.sends.watched, want) {
		t.Errorf("watched %+v, want %+v", f.sends.watched, want)
	}
	feed.lost = 3
	other, command := activity(1, relation.Delivered), activity(2, relation.Delivered)
	other.Event.Owner, command.Event.Kind = "tom", relation.EventState
	retried := activity(3, relation.Retry)
	retried.Due, retried.Attempt.Status, retried.Attempt.Reason = start.Add(time.Minute), 503, "status"
	for _, a := range []relation.Activity{other, command, retried, activity(4, relation.Dead), activity(5, relation.Delivered)} {
		feed.c <- a
	}
	event := operator.Event{
		SDKAppID: 7, ID: eventID(3), FromAccount: "mia", Seq: 3, Command: relation.EventBlockAdd, ToAccount: []string{"lia"}, Created: start,
		State: relation.StateRetrying, Due: start.Add(time.Minute), Attempts: 1, Reason: "status",
	}
	want := operator.TailLine{
		Activity: &operator.Activity{
			Event: event, Verdict: "retry", Due: start.Add(time.Minute), Endpoint: "http://x/",
			Attempt: operator.Attempt{Number: 1, At: start, DurationMS: 2, Status: 503, Reason: "status", Node: "a"},
		},
		Pulse: operator.Pulse{Lost: 3},
	}
	if got := r.next(t); !reflect.DeepEqual(got, want) {
		t.Errorf("line %+v, want %+v", got.Activity, want.Activity)
	}
	for _, want := range []string{"dead", "delivered"} {
		if got := r.next(t).Activity; got.Verdict != want || string(got.Event.State) != want || !got.Event.Settled.Equal(start.Add(2*time.Millisecond)) {
			t.Errorf("%s: %+v", want, got)
		}
	}
	r.stop() // the reader goes
	<-feed.closed
}

func TestTailEndsWithTheServer(t *testing.T) {
	f := twoApps(t)
	r, feed := f.tail(t, operator.EventQuery{})
	close(feed.c)
	if line := r.next(t); line.End == "" {
		t.Errorf("the last line is %+v", line)
	}
	if err := <-r.ended; !errors.Is(err, operator.ErrStreamEnded) || !strings.Contains(err.Error(), "the server stops") {
		t.Errorf("err = %v", err)
	}
	<-feed.closed
}

func TestTailIsCutOff(t *testing.T) {
	f := twoApps(t)
	r, feed := f.tail(t, operator.EventQuery{})
	f.server.CloseClientConnections()
	if err := <-r.ended; !errors.Is(err, operator.ErrStreamEnded) {
		t.Errorf("err = %v", err)
	}
	<-feed.closed
}

func TestStreamShowsThatItIsThere(t *testing.T) {
	f := serve(t, func(o *operator.Options) { o.Heartbeat = time.Millisecond })
	f.newApp(t)
	r := read(t, func(ctx context.Context, each func(operator.TailLine) error) error {
		return f.Tail(ctx, operator.EventQuery{}, each)
	})
	feed := <-f.sends.watch
	for range 5 {
		if line := r.next(t); line.Alive.IsZero() {
			t.Errorf("line %+v", line)
		}
	}
	r.stop()
	<-feed.closed
}

// A reader that stops reading is cut off, and what fed its stream is let go.
func TestSlowReaderIsCutOff(t *testing.T) {
	f := serve(t, func(o *operator.Options) { o.LineTimeout = 20 * time.Millisecond })
	f.newApp(t)
	f.listenOn(t, 7)
	for path, begin := range map[string]func() (send func() bool){
		"/operator/v1/events/tail": func() func() bool {
			feed, big := <-f.sends.watch, activity(1, relation.Delivered)
			big.Attempt.Detail = strings.Repeat("x", 1<<20)
			return func() bool { return push(feed, big) }
		},
		"/operator/v1/apps/7/listen?mode=instead": func() func() bool {
			feed, big := <-f.sends.listen, *exchange(1)
			big.Body = make([]byte, 1<<20)
			return func() bool { return push(feed, big) }
		},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n", path, token); err != nil {
			t.Fatal(err)
		}
		for send := begin(); send(); {
		}
		_ = conn.Close()
	}
}

func TestTooManyStreamsAreRefused(t *testing.T) {
	f := serve(t, func(o *operator.Options) { o.MaxStreams = 2 })
	f.newApp(t)
	f.listenOn(t, 7)
	first, feed := f.tail(t, operator.EventQuery{})
	f.listen(t, operator.ListenInstead)
	for name, err := range map[string]error{
		"tail":   f.Tail(t.Context(), operator.EventQuery{}, nil),
		"listen": f.Listen(t.Context(), 7, operator.ListenInstead, nil),
	} {
		t.Run(name, func(t *testing.T) { refused(t, err, http.StatusServiceUnavailable, operator.CodeUnavailable) })
	}
	close(feed.c)
	if line := first.next(t); line.End == "" {
		t.Errorf("line %+v", line)
	}
	<-first.ended
	<-feed.closed
	f.tail(t, operator.EventQuery{}) // there is room again
}

// push feeds a value, unless the handler has closed the feed.
func push[T any](f *feed[T], value T) bool {
	select {
	case f.c <- value:
		return true
	case <-f.closed:
		return false
	}
}

func TestWrongTailsAreRefused(t *testing.T) {
	f := twoApps(t)
	for _, query := range []string{"sdkappid=x", "command=x", "account=%20%C3", "state=dead", "follow=1"} {
		if status, body := f.do(t, http.MethodGet, "/operator/v1/events/tail?"+query, "", authorized()); status != http.StatusBadRequest {
			t.Errorf("tail?%s: %d %s", query, status, body)
		}
	}
	if len(f.sends.watched) != 0 {
		t.Error("a refused call watches")
	}
}

// exchange is what goes out for mia's n-th event.
func exchange(n int) *relation.Exchange {
	return &relation.Exchange{
		ID: eventID(n), Query: "SdkAppid=7&CallbackCommand=Sns.CallbackBlackListAdd",
		Header: http.Header{"Webhook-Id": {eventID(n)}, "Content-Type": {"application/json"}},
		Body:   []byte("{\"CallbackCommand\":\"Sns.CallbackBlackListAdd\"} \x00\xff"),
	}
}

func (f *fixture) listen(t *testing.T, mode string) *reading[operator.ListenLine] {
	t.Helper()
	r := read(t, func(ctx context.Context, each func(operator.ListenLine) error) error {
		return f.Listen(ctx, 7, mode, each)
	})
	if line := r.next(t); !line.Alive.Equal(start) || line.Exchange != nil {
		t.Errorf("the first line is %+v", line)
	}
	return r
}

func TestListenMirror(t *testing.T) {
	f := twoApps(t)
	if _, err := f.SetCallback(t.Context(), 7, operator.SetCallback{URL: ptr("http://x/")}); err != nil {
		t.Fatal(err)
	}
	r := f.listen(t, operator.ListenMirror)
	feed := <-f.sends.watch
	if want := []watched{{7, true}}; !reflect.DeepEqual(f.sends.watched, want) {
		t.Errorf("watched %+v, want %+v", f.sends.watched, want)
	}
	feed.c <- activity(1, relation.Retry) // nothing was sent
	sent := activity(2, relation.Delivered)
	sent.Exchange = exchange(2)
	feed.c <- sent
	line := r.next(t)
	got := line.Exchange
	if got == nil || !reflect.DeepEqual(*sent.Exchange, relation.Exchange{ID: got.ID, Query: got.Query, Header: got.Header, Body: got.Body}) {
		t.Errorf("exchange %+v, want %+v", got, sent.Exchange)
	}
	if line.Activity == nil || line.Activity.Verdict != "delivered" || line.Activity.Event.ID != eventID(2) {
		t.Errorf("activity %+v", line.Activity)
	}
	err := f.AnswerExchange(t.Context(), 7, got.ID, operator.ExchangeAnswer{Status: 200})
	refused(t, err, http.StatusConflict, operator.CodeConflict)
	close(feed.c)
	if line := r.next(t); line.End == "" {
		t.Errorf("the last line is %+v", line)
	}
	<-feed.closed
}

func TestListenInstead(t *testing.T) {
	f := twoApps(t)
	f.listenOn(t, 7)
	r := f.listen(t, operator.ListenInstead)
	feed := <-f.sends.listen
	feed.c <- *exchange(1)
	got := r.next(t).Exchange
	wait := f.sends.await(got.ID)
	answer := operator.ExchangeAnswer{Status: 503, Header: http.Header{"retry-after": {"5"}}, Body: []byte("\x00later")}
	for app, want := range map[uint32]int{8: http.StatusConflict} {
		refused(t, f.AnswerExchange(t.Context(), app, got.ID, answer), want, operator.CodeConflict)
	}
	if err := f.AnswerExchange(t.Context(), 7, got.ID, answer); err != nil {
		t.Fatal(err)
	}
	want := relation.ExchangeAnswer{Status: 503, Header: http.Header{"Retry-After": {"5"}}, Body: []byte("\x00later")}
	if got := <-wait; !reflect.DeepEqual(got, want) {
		t.Errorf("answer %+v, want %+v", got, want)
	}
	refused(t, f.AnswerExchange(t.Context(), 7, got.ID, answer), http.StatusConflict, operator.CodeConflict) // twice
	f.sends.await(eventID(9))
	r.stop()
	<-feed.closed
	// The handler takes the listening off its list before it ends.
	read(t, func(ctx context.Context, each func(operator.ListenLine) error) error {
		return f.Listen(ctx, 7, operator.ListenInstead, each)
	}).next(t)
	for name, answer := range map[string]operator.ExchangeAnswer{
		"nothing": {}, "both": {Status: 200, Failure: "x"}, "status": {Status: 99}, "status 600": {Status: 600}, "negative": {Status: -1},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, f.AnswerExchange(t.Context(), 7, eventID(9), answer), http.StatusBadRequest, operator.CodeInvalid)
		})
	}
	if err := f.AnswerExchange(t.Context(), 7, eventID(9), operator.ExchangeAnswer{Failure: "connection refused"}); err != nil {
		t.Errorf("a refused answer settled the exchange: %v", err)
	}
}

func TestWrongListenersAreRefused(t *testing.T) {
	f := twoApps(t)
	refuse := func(app uint32, mode, want string) {
		t.Helper()
		err := f.Listen(t.Context(), app, mode, nil)
		refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
		if err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("mode %s: %q, want %q", mode, err, want)
		}
	}
	refuse(7, "both", "mode must be mirror or instead")
	refuse(7, operator.ListenMirror, "no callback URL")
	refuse(7, operator.ListenInstead, "switch them on")
	f.listenOn(t, 7)
	f.sends.refuse = errRefused
	err := f.Listen(t.Context(), 7, operator.ListenInstead, nil)
	if refused(t, err, http.StatusServiceUnavailable, operator.CodeUnavailable); err != nil && err.Error() != errRefused.Error() {
		t.Errorf("err = %v", err)
	}
	if _, err := f.SetCallback(t.Context(), 8, operator.SetCallback{URL: ptr("http://x/")}); err != nil {
		t.Fatal(err)
	}
	refuse(8, operator.ListenInstead, "has a callback URL")
	if len(f.sends.watched) != 0 {
		t.Error("a refused call watches")
	}
	for _, query := range []string{"mode=mirror&mode=instead", "sdkappid=7"} {
		if status, body := f.do(t, http.MethodGet, "/operator/v1/apps/7/listen?"+query, "", authorized()); status != http.StatusBadRequest {
			t.Errorf("listen?%s: %d %s", query, status, body)
		}
	}
	if _, body := f.do(t, http.MethodPost, "/operator/v1/apps/7/listen/"+url.PathEscape("a/b"), `{"status":200}`, authorized()); !strings.Contains(body, "nobody waits") {
		t.Errorf("odd exchange: %s", body)
	}
}
