package operator_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/operator"
	"github.com/kithchat/kith/internal/relation"
)

// twoApps serves apps 7 and 8.
func twoApps(t *testing.T) *fixture {
	t.Helper()
	f := serve(t, nil)
	f.newApp(t)
	if _, err := f.CreateApp(t.Context(), operator.CreateApp{SDKAppID: 8}); err != nil {
		t.Fatal(err)
	}
	return f
}

// ids are those of a page, in order.
func ids(page operator.EventPage) []string {
	found := []string{}
	for _, e := range page.Events {
		found = append(found, e.ID)
	}
	return found
}

func eventIDs(numbers ...int) []string {
	all := []string{}
	for _, n := range numbers {
		all = append(all, eventID(n))
	}
	return all
}

func TestEvents(t *testing.T) {
	f := twoApps(t)
	f.events.add(7, 1, relation.StateDelivered, func(r *relation.Record) { r.Settled, r.Replayed = start, 2 })
	f.events.add(7, 2, relation.StateDead, func(r *relation.Record) {
		r.Owner, r.Attempts, r.Reason, r.Settled = "tom", 9, "status", start.Add(time.Hour)
		r.NewEvent = relation.NewEvent{
			Kind: relation.EventState, Origin: relation.Origin{ClientIP: "192.0.2.9", Platform: "iOS"},
			State: &relation.StateChange{Action: relation.ActionLogin, Reason: relation.ReasonRegister, Kicked: []string{"Web"}},
		}
	})
	f.events.add(8, 3, relation.StateRetrying, func(r *relation.Record) { r.Due, r.Reason = start.Add(time.Minute), "timeout" })
	f.events.add(7, 4, relation.StateWaiting, nil)

	page, err := f.Events(t.Context(), operator.EventQuery{SDKAppID: 7, State: relation.StateDead})
	want := operator.Event{
		SDKAppID: 7, ID: eventID(2), FromAccount: "tom", Seq: 2, Command: relation.EventState,
		Change:   &relation.StateChange{Action: relation.ActionLogin, Reason: relation.ReasonRegister, Kicked: []string{"Web"}},
		ClientIP: "192.0.2.9", Platform: "iOS", Created: start.Add(2 * time.Second), State: relation.StateDead,
		Settled: start.Add(time.Hour), Attempts: 9, Reason: "status",
	}
	if err != nil || len(page.Events) != 1 || !reflect.DeepEqual(page.Events[0], want) || page.Next != "" {
		t.Errorf("dead: %+v, err %v, want %+v", page, err, want)
	}
	f.now = start.Add(10 * time.Second)
	for name, test := range map[string]struct {
		q    operator.EventQuery
		want []string
	}{
		"all apps":   {operator.EventQuery{}, eventIDs(4, 3, 2, 1)},
		"one app":    {operator.EventQuery{SDKAppID: 7}, eventIDs(4, 2, 1)},
		"account":    {operator.EventQuery{Account: "tom"}, eventIDs(2)},
		"command":    {operator.EventQuery{Command: relation.EventBlockDelete}, eventIDs(4, 3, 1)},
		"state":      {operator.EventQuery{State: relation.StateRetrying}, eventIDs(3)},
		"from":       {operator.EventQuery{From: "2026-01-01T00:00:03Z"}, eventIDs(4, 3)},
		"to":         {operator.EventQuery{To: "2026-01-01T01:00:03+01:00"}, eventIDs(2, 1)},
		"ago":        {operator.EventQuery{From: "8s", To: "7s"}, eventIDs(2)},
		"before":     {operator.EventQuery{Before: eventID(3)}, eventIDs(2, 1)},
		"none":       {operator.EventQuery{Account: "nobody"}, []string{}},
		"everything": {operator.EventQuery{SDKAppID: 7, Account: "mia", Command: relation.EventBlockDelete, State: relation.StateDelivered, From: "1d", To: "1ms", Limit: 1000}, eventIDs(1)},
	} {
		page, err := f.Events(t.Context(), test.q)
		if err != nil || !reflect.DeepEqual(ids(page), test.want) {
			t.Errorf("%s: %v, err %v, want %v", name, ids(page), err, test.want)
		}
	}
}

// TestEventsAboutATarget follows the cursor through events of which few tell of an account, over more than one call looks at.
func TestEventsAboutATarget(t *testing.T) {
	f := twoApps(t)
	const total = 6000
	var want []string
	for n := 1; n <= total; n++ {
		app, hit := uint32(7+n%2), n%500 == 1 || n > total-4
		f.events.add(app, n, relation.StateDelivered, func(r *relation.Record) {
			if r.Targets = []string{"a", "b"}; hit {
				r.Targets = []string{"a", "tom"}
			}
		})
		if hit {
			want = append([]string{eventID(n)}, want...)
		}
	}
	for _, limit := range []int{1, 3, 100} {
		q, got, pages := operator.EventQuery{ToAccount: "tom", Limit: limit}, []string{}, 0
		for {
			page, err := f.Events(t.Context(), q)
			if err != nil || len(page.Events) > limit {
				t.Fatalf("%d events, err %v", len(page.Events), err)
			}
			got, pages = append(got, ids(page)...), pages+1
			if q.Before = page.Next; page.Next == "" {
				break
			}
		}
		if !reflect.DeepEqual(got, want) || pages < 2 {
			t.Errorf("limit %d: %v on %d pages, want %v", limit, got, pages, want)
		}
	}
}

func TestWrongSearchesAreRefused(t *testing.T) {
	f := twoApps(t)
	for query, want := range map[string]string{
		"limit=0":                 "limit must be 1 to 1000",
		"limit=1001":              "limit must be 1 to 1000",
		"limit=x":                 "limit must be 1 to 1000",
		"sdkappid=x":              "sdkappid must be a whole number",
		"sdkappid=0":              "sdkappid must be a whole number",
		"sdkappid=-7":             "sdkappid must be a whole number",
		"state=lost":              "there is no state",
		"command=Sns.Nothing":     "there is no callback command",
		"account=%C3%A9":          "printable ASCII",
		"from=yesterday":          "from must be a time",
		"from=-2h":                "from must be a time",
		"to=2026-13-01T00:00:00Z": "to must be a time",
		"from=1h&to=2h":           "from must be before to",
		"from=1h&to=1h":           "from must be before to",
		"before=x":                "before must be the id of an event",
		"before=" + strings.ToUpper("01980000-0000-7000-8000-00000000000a"): "before must be the id of an event",
		"dead=1":          `no parameter "dead"; it has sdkappid, account`,
		"limit=1&limit=2": "given 2 times",
		"account=%zz":     "the query of the URL is broken",
	} {
		status, body := f.do(t, http.MethodGet, "/operator/v1/events?"+query, "", authorized())
		if status != http.StatusBadRequest || !strings.Contains(body, want[:]) && !strings.Contains(body, strings.ReplaceAll(want, `"`, `\"`)) {
			t.Errorf("events?%s: %d %s, want a sentence with %q", query, status, body, want)
		}
	}
	if status, body := f.do(t, http.MethodGet, "/operator/v1/status?verbose=1", "", authorized()); status != http.StatusBadRequest {
		t.Errorf("a call that has no parameters took one: %d %s", status, body)
	}
}

// Pages over all apps have every event once, newest first, however short the pages of each app are.
func TestPagesOverAllApps(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		f := twoApps(t)
		for id := uint32(9); id < 12; id++ {
			if _, err := f.CreateApp(t.Context(), operator.CreateApp{SDKAppID: id}); err != nil {
				t.Fatal(err)
			}
		}
		f.events.scan = 1 + random.IntN(5)
		want := []string{}
		const most = 150
		for n := most; n > 0; n-- {
			state := relation.StateDelivered
			if random.IntN(3) == 0 {
				state = relation.StateDead
				want = append(want, eventID(n))
			}
			f.events.add(uint32(7+random.IntN(5)), n, state, nil)
		}
		got, q := []string{}, operator.EventQuery{State: relation.StateDead, Limit: 1 + random.IntN(40)}
		for pages := 0; ; pages++ {
			page, err := f.Events(t.Context(), q)
			if err != nil || len(page.Events) > q.Limit || pages > most {
				t.Fatalf("page %d has %d events, err %v", pages, len(page.Events), err)
			}
			got = append(got, ids(page)...)
			if q.Before = page.Next; page.Next == "" {
				break
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("round %d, limit %d, scan %d: got %v, want %v", round, q.Limit, f.events.scan, got, want)
		}
	}
}

// A search that finds nothing does not read on for ever.
func TestSearchOverAllAppsIsBounded(t *testing.T) {
	f := twoApps(t)
	f.events.scan = 1
	for n := range 500 {
		f.events.add(7, n, relation.StateDelivered, nil)
	}
	page, err := f.Events(t.Context(), operator.EventQuery{Account: "nobody"})
	if err != nil || len(page.Events) != 0 || page.Next == "" || f.events.reads > 110 {
		t.Errorf("%d reads, page %+v, err %v", f.events.reads, page, err)
	}
}

func TestEvent(t *testing.T) {
	f := twoApps(t)
	f.events.add(8, 1, relation.StateDelivered, func(r *relation.Record) {
		r.Settled, r.Attempts = start.Add(time.Second), 2
		r.Log = []relation.Attempt{
			{Number: 1, At: start, Took: 1500 * time.Microsecond, Status: 503, Reason: "status", Detail: "HTTP 503", Answer: "sorry", Node: "a"},
			{Number: 2, At: start, Reason: "local", Node: "a", Fault: true},
			{Number: 2, At: start, Took: time.Millisecond, Status: 200, Node: "b", Replay: "r"},
		}
	})
	want := []operator.Attempt{
		{Number: 1, At: start, DurationMS: 1.5, Status: 503, Reason: "status", Detail: "HTTP 503", Answer: "sorry", Node: "a"},
		{Number: 2, At: start, Reason: "local", Node: "a", Fault: true},
		{Number: 2, At: start, DurationMS: 1, Status: 200, Node: "b", Replay: "r"},
	}
	for _, app := range []uint32{0, 8} {
		event, err := f.Event(t.Context(), app, eventID(1))
		if err != nil || event.SDKAppID != 8 || event.ID != eventID(1) || !reflect.DeepEqual(event.Log, want) {
			t.Errorf("of app %d: %+v, err %v", app, event, err)
		}
	}
	_, err := f.Event(t.Context(), 7, eventID(1))
	refused(t, err, http.StatusNotFound, operator.CodeNotFound)
	_, err = f.Event(t.Context(), 0, eventID(2))
	refused(t, err, http.StatusNotFound, operator.CodeNotFound)
	_, err = f.Event(t.Context(), 0, "x")
	refused(t, err, http.StatusBadRequest, operator.CodeInvalid)
}

func TestEventIsExplained(t *testing.T) {
	f := twoApps(t)
	due := start.Add(time.Minute)
	f.events.add(7, 1, relation.StateDelivered, func(r *relation.Record) { r.Settled, r.Replayed = start, 2 })
	f.events.add(7, 2, relation.StateDead, func(r *relation.Record) { r.Settled, r.Reason, r.Attempts = start, "app-error", 9 })
	f.events.add(7, 3, relation.StateRetrying, func(r *relation.Record) { r.Due, r.Reason, r.Head = due, "timeout", true })
	f.events.add(7, 4, relation.StateWaiting, nil)
	f.events.add(8, 5, relation.StateWaiting, func(r *relation.Record) { r.Head = true })
	f.events.add(8, 6, relation.StateWaiting, nil)
	f.events.add(7, 7, relation.StateDead, func(r *relation.Record) {
		r.Settled, r.Reason = start, "status: 500; given up after 3 attempts in 1h0m0s, later events of the account go on"
	})
	f.events.add(8, 8, relation.StateRetrying, func(r *relation.Record) { r.Due, r.Reason, r.Attempts, r.Head = due, "no-listener", 0, true })
	for n, want := range map[int]string{
		8: "it could not be sent yet, which counts as no attempt: no-listener; it is tried again after the endpoint is resumed, " +
			"and later events of this account wait for it; the endpoint is paused: maintenance",
		1: "delivered at 2026-01-01 00:00:00 UTC, attempt 1, and 2 times more by replays",
		2: "given up at 2026-01-01 00:00:00 UTC: app-error, after 9 attempts; later events of this account went on; " +
			"`kith replay " + eventID(2) + "` sends it again",
		7: "given up at 2026-01-01 00:00:00 UTC: status: 500; given up after 3 attempts in 1h0m0s, later events of the account go on; " +
			"`kith replay " + eventID(7) + "` sends it again",
		3: "attempt 1 failed with timeout; it is tried again at 2026-01-01 00:01:00 UTC, and later events of this account wait for it; " +
			"the endpoint fails and is probed next at 2026-01-01 00:01:00 UTC: no answer",
		4: "waits behind " + eventID(3) + " of this account, which failed with timeout and is retried at 2026-01-01 00:01:00 UTC; " +
			"the endpoint fails and is probed next at 2026-01-01 00:01:00 UTC: no answer",
		5: "it is the next one of this account, and is sent as soon as there is room; the endpoint is paused: maintenance",
		6: "waits behind earlier events of this account, which go first; the endpoint is paused: maintenance",
	} {
		f.sends.endpoints = []relation.EndpointStatus{
			{SDKAppID: 7, State: relation.EndpointFailing, Reason: "no answer", NextProbe: due},
			{SDKAppID: 8, State: relation.EndpointPaused, Reason: "maintenance"},
		}
		event, err := f.Event(t.Context(), 0, eventID(n))
		if err != nil || event.Explanation != want {
			t.Errorf("event %d: %q, err %v, want %q", n, event.Explanation, err, want)
		}
	}
	f.sends.endpoints = []relation.EndpointStatus{{SDKAppID: 8, State: relation.EndpointOff}}
	if event, err := f.Event(t.Context(), 8, eventID(5)); err != nil || !strings.Contains(event.Explanation, "the app has no callback URL") {
		t.Errorf("off: %q, err %v", event.Explanation, err)
	}
	if event, err := f.Event(t.Context(), 8, eventID(8)); err != nil || !strings.Contains(event.Explanation, "once the app has a callback URL") {
		t.Errorf("off, retrying: %q, err %v", event.Explanation, err)
	}
	f.sends.endpoints = nil
	if event, err := f.Event(t.Context(), 8, eventID(6)); err != nil || event.Explanation != "waits behind earlier events of this account, which go first" {
		t.Errorf("no endpoint: %q, err %v", event.Explanation, err)
	}
}

func TestEndpoints(t *testing.T) {
	f := twoApps(t)
	eight, _ := f.holder(t, 8)
	f.sends.endpoints = []relation.EndpointStatus{
		{
			SDKAppID: 7, State: relation.EndpointHealthy, Limit: 128, InFlight: 3, Listeners: 1,
			LastFailure: "app-error: ErrorCode 7", LastFailureAt: start, RecentAttempts: 5, RecentFailed: 4,
		},
		{SDKAppID: 8, State: relation.EndpointFailing, Since: start, Reason: "connect", NextProbe: start.Add(time.Second), Limit: 1},
	}
	want := operator.EndpointList{Endpoints: []operator.EndpointStatus{
		{
			SDKAppID: 7, State: relation.EndpointHealthy, Limit: 128, InFlight: 3, Listeners: 1,
			LastFailure: "app-error: ErrorCode 7", LastFailureAt: start, RecentAttempts: 5, RecentFailed: 4,
		},
		{SDKAppID: 8, State: relation.EndpointFailing, Since: start, Reason: "connect", NextProbe: start.Add(time.Second), Limit: 1},
	}}
	if got, err := f.Endpoints(t.Context(), 0); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("endpoints %+v, err %v, want %+v", got, err, want)
	}
	for _, client := range []*operator.Client{f.Client, eight} {
		if got, err := client.Endpoints(t.Context(), 8); err != nil || !reflect.DeepEqual(got.Endpoints, want.Endpoints[1:]) {
			t.Errorf("endpoint of 8 %+v, err %v", got, err)
		}
	}
	if got, err := eight.Endpoints(t.Context(), 0); err != nil || !reflect.DeepEqual(got.Endpoints, want.Endpoints[1:]) {
		t.Errorf("endpoints for the holder of a token of app 8 %+v, err %v", got, err)
	}
	if _, err := f.Endpoints(t.Context(), 9); err == nil {
		t.Error("the endpoint of an app that is not there")
	}
	callback, err := f.Callback(t.Context(), 8)
	if err != nil || callback.Endpoint == nil || *callback.Endpoint != want.Endpoints[1] {
		t.Errorf("callback %+v, err %v", callback.Endpoint, err)
	}
}

// A server that was put together without a part says so.
func TestWhatIsNotThere(t *testing.T) {
	f := serve(t, func(o *operator.Options) {
		o.Records, o.Replays, o.Exporter, o.Delivery, o.Trigger = nil, nil, nil, nil, nil
	})
	f.newApp(t)
	if _, err := f.SetCallback(t.Context(), 7, operator.SetCallback{URL: ptr("http://x/")}); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, call := range map[string]func(context.Context) error{
		"events":    func(ctx context.Context) error { _, err := f.Events(ctx, operator.EventQuery{}); return err },
		"event":     func(ctx context.Context) error { _, err := f.Event(ctx, 0, eventID(1)); return err },
		"endpoints": func(ctx context.Context) error { _, err := f.Endpoints(ctx, 0); return err },
		"tail":      func(ctx context.Context) error { return f.Tail(ctx, operator.EventQuery{}, nil) },
		"listen":    func(ctx context.Context) error { return f.Listen(ctx, 7, operator.ListenMirror, nil) },
		"export":    func(ctx context.Context) error { _, err := f.ExportBlocklists(ctx, 7, nil); return err },
		"replays":   func(ctx context.Context) error { _, err := f.Replays(ctx, operator.ReplayQuery{}); return err },
		"replay": func(ctx context.Context) error {
			_, err := f.CreateReplay(ctx, operator.CreateReplay{SDKAppID: 7})
			return err
		},
		"pause": func(ctx context.Context) error { _, err := f.PauseReplay(ctx, "x"); return err },
		"trigger": func(ctx context.Context) error {
			_, err := f.Trigger(ctx, 7, operator.Trigger{Command: relation.EventBlockAdd})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { refused(t, call(ctx), http.StatusNotImplemented, operator.CodeUnsupported) })
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
	if got, err := f.Outbox(t.Context(), 0); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("outbox %+v, err %v, want %+v", got, err, want)
	}
}
