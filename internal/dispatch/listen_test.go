package dispatch

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
)

// listeningWorld has an app whose events go to who listens.
func listeningWorld(t *testing.T) *world {
	w := newWorld(t, &receiver{})
	w.apps.set(testApp(appA, relation.Callback{Listen: true, Token: "wh-token-7"}))
	return w
}

func (w *world) listen() relation.Listening {
	w.t.Helper()
	l, err := w.d.Listen(appA)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func okAnswer() relation.ExchangeAnswer {
	return relation.ExchangeAnswer{Status: http.StatusOK, Body: []byte(answerOK)}
}

func TestEventsWaitForWhoListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := listeningWorld(t)
		w.start()
		for n := range 50 {
			w.outbox.commit(appA, fmt.Sprint("user", n), "x")
		}
		pass(10 * time.Hour)
		if s := w.endpoint(); s.State != relation.EndpointFailing || s.Reason != "no-listener: nobody listens" || s.Listeners != 0 {
			t.Errorf("status %+v", s)
		}
		l := w.listen()
		go func() {
			for x := range l.C {
				if !l.Answer(x.ID, okAnswer()) {
					t.Errorf("nobody waits for the answer to %+v", x)
				}
			}
		}()
		w.drained(time.Second)
		if s := w.endpoint(); s.State != relation.EndpointHealthy || s.Listeners != 1 {
			t.Errorf("status %+v", s)
		}
		l.Close()
		l.Close()
		w.stop()
	})
}

// That nobody listens gives no event up, whatever the app's policy, and yet it holds the events back.
func TestNobodyListeningCostsNoBudget(t *testing.T) {
	for name, c := range map[string]relation.Callback{
		"retry off":      {Listen: true, Retry: relation.RetryOff},
		"timeouts":       {Listen: true, Retry: relation.RetryTimeouts},
		"one attempt":    {Listen: true, MaxAttempts: 1},
		"a short budget": {Listen: true, MaxAgeMS: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, &receiver{})
				w.apps.set(testApp(appA, c))
				w.start()
				for n := range 20 {
					w.outbox.commit(appA, fmt.Sprint("user", n), "x")
				}
				pass(48 * time.Hour)
				if s := w.endpoint(); s.State != relation.EndpointFailing {
					t.Errorf("status %+v", s)
				}
				for _, s := range w.outbox.verdicts() {
					if s.Verdict != relation.Retry || s.Attempts != 0 || !s.BudgetFrom.IsZero() || !s.Attempt.Fault {
						t.Fatalf("settled %+v", s)
					}
				}
				l := w.listen()
				go func() {
					for x := range l.C {
						l.Answer(x.ID, okAnswer())
					}
				}()
				w.drained(time.Second)
				l.Close()
				w.stop()
				if n := len(w.outbox.letters()); n != 0 {
					t.Errorf("%d dead letters", n)
				}
			})
		})
	}
}

// A listener that goes in the middle of an exchange is the endpoint's failure.
func TestAListenerThatGoesCostsAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &receiver{})
		w.apps.set(testApp(appA, relation.Callback{Listen: true, Retry: relation.RetryOff}))
		w.start()
		l := w.listen()
		w.outbox.commit(appA, "mira.k", "x")
		<-l.C
		l.Close()
		w.drained(time.Second)
		w.stop()
		s := w.outbox.verdicts()
		if len(s) != 1 || s[0].Verdict != relation.Dead || s[0].Attempts != 1 || s[0].Attempt.Reason != string(ReasonConnect) {
			t.Errorf("settled %+v", s)
		}
	})
}

func TestAnExchangeIsTheRequestThatAnEndpointWouldGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := listeningWorld(t)
		w.start()
		l := w.listen()
		event := w.outbox.commit(appA, "mira.k", "troll_77")
		x := <-l.C
		l.Answer(x.ID, okAnswer())
		if !strings.HasPrefix(x.Query, "SdkAppid=1600077123&CallbackCommand=Sns.CallbackBlackListDelete&contenttype=json&ClientIP=203.0.113.9") ||
			!strings.Contains(x.Query, "&Sign=") {
			t.Errorf("query %s", x.Query)
		}
		if x.Header.Get(api.HeaderWebhookID) != event.ID || x.Header.Get(api.HeaderAttempt) != "1" ||
			x.Header.Get(api.HeaderSequence) != "1" || x.Header.Get("Content-Type") != "application/json" {
			t.Errorf("header %v", x.Header)
		}
		const want = `{"CallbackCommand":"Sns.CallbackBlackListDelete","PairList":[{"From_Account":"mira.k","To_Account":"troll_77"}]}`
		if string(x.Body) != want {
			t.Errorf("body %s", x.Body)
		}
		w.drained(time.Second)
		w.stop()
		if _, ok := <-l.C; ok {
			t.Error("the listening goes on after Stop")
		}
	})
}

func TestAnswersOfListenersAreJudgedLikeAnyOther(t *testing.T) {
	tests := []struct {
		name   string
		answer relation.ExchangeAnswer
		want   Reason
	}{
		{"handled", okAnswer(), ""},
		{"status", relation.ExchangeAnswer{Status: 500}, ReasonStatus},
		{"redirect", relation.ExchangeAnswer{Status: 302}, ReasonRedirect},
		{"not JSON", relation.ExchangeAnswer{Status: 200, Body: []byte("OK")}, ReasonNotJSON},
		{"app-error", relation.ExchangeAnswer{Status: 200, Body: []byte(`{"ErrorCode":3}`)}, ReasonAppError},
		{"too large", relation.ExchangeAnswer{Status: 200, Body: make([]byte, maxAnswer+1)}, ReasonTooLarge},
		{"handler down", relation.ExchangeAnswer{Failure: "dial tcp 127.0.0.1:3000: refused"}, ReasonConnect},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := listeningWorld(t)
				w.start()
				l := w.listen()
				w.outbox.commit(appA, "mira.k", "x")
				l.Answer((<-l.C).ID, tt.answer)
				pass(100 * time.Millisecond)
				if s := w.outbox.verdicts()[0]; s.Attempt.Reason != string(tt.want) {
					t.Errorf("verdict %+v", s)
				}
				w.apps.set()
				w.d.AppsChanged()
				w.stop()
			})
		})
	}
}

func TestListenersShareTheWorkAndOneMayGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := listeningWorld(t)
		w.start()
		var mu sync.Mutex
		under, taken := map[string]bool{}, map[int][]string{}
		serve := func(n int, l relation.Listening) {
			for x := range l.C {
				owner := ownerOf(x)
				mu.Lock()
				if under[owner] {
					t.Errorf("two exchanges of %s at a time", owner)
				}
				under[owner] = true
				mu.Unlock()
				go func() {
					pass(10 * time.Millisecond)
					mu.Lock()
					delete(under, owner)
					taken[n] = append(taken[n], x.Header.Get(api.HeaderWebhookID))
					mu.Unlock()
					l.Answer(x.ID, okAnswer())
				}()
			}
		}
		silent := w.listen() // takes, never answers
		w.outbox.commit(appA, "early", "x")
		first := <-silent.C
		silent.Close()
		for n := range 2 {
			go serve(n, w.listen())
		}
		want := 1
		for n := range 300 {
			w.outbox.commit(appA, fmt.Sprint("user", n%30), "x")
			want++
		}
		w.drained(5 * time.Second)
		if silent.Answer(first.ID, okAnswer()) {
			t.Error("an answer after the end counts")
		}
		if s := w.outbox.verdicts()[0]; s.Reason != "connect: the listener went away" {
			t.Errorf("the exchange of the one who went: %+v", s)
		}
		w.stop()
		mu.Lock()
		defer mu.Unlock()
		if len(taken[0])+len(taken[1]) != want || len(taken[0]) == 0 || len(taken[1]) == 0 {
			t.Errorf("%d and %d exchanges, want %d together", len(taken[0]), len(taken[1]), want)
		}
	})
}

func ownerOf(x relation.Exchange) string {
	_, rest, _ := strings.Cut(string(x.Body), `"From_Account":"`)
	owner, _, _ := strings.Cut(rest, `"`)
	return owner
}

func TestAListenerThatDoesNotAnswerTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := listeningWorld(t)
		w.start()
		l := w.listen()
		for n := range 2 * listenQueue {
			w.outbox.commit(appA, fmt.Sprint("user", n), "x")
		}
		pass(time.Minute)
		for _, s := range w.outbox.verdicts() {
			if s.Attempt.Reason != string(ReasonTimeout) {
				t.Fatalf("verdict %+v", s)
			}
		}
		l.Close()
		w.stop()
	})
}

func TestListenIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &receiver{})
		if _, err := New(w.o).Listen(appA); err == nil {
			t.Error("no error before the start")
		}
		w.start()
		if _, err := w.d.Listen(appB); err != relation.ErrNoApp {
			t.Errorf("unknown app: %v", err)
		}
		if _, err := w.d.Listen(appA); err == nil || !strings.Contains(err.Error(), "set the app to listen first") {
			t.Errorf("app with a URL: %v", err)
		}
		w.apps.set(testApp(appA, relation.Callback{Listen: true}))
		w.d.AppsChanged()
		l := w.listen()
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/"}))
		w.d.AppsChanged()
		if _, ok := <-l.C; ok {
			t.Error("the listening goes on after the app got a URL")
		}
		w.stop()
	})
}

func TestWatchTellsOfEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rc := &receiver{answer: failFirst}
		w := newWorld(t, rc)
		w.apps.set(testApp(appA, relation.Callback{URL: "http://a.test/cb?key=s3cr3t", Token: "wh-token-7"}))
		w.o.Node = "node-1"
		w.start()
		all, one, other := w.d.Watch(0, false), w.d.Watch(appA, true), w.d.Watch(appB, true)
		event := w.outbox.commit(appA, "mira.k", "x")
		w.drained(time.Minute)
		w.stop()
		var got []relation.Activity
		for a := range one.C {
			got = append(got, a)
		}
		if len(got) != 2 {
			t.Fatalf("%d activities, want 2", len(got))
		}
		first, second := got[0], got[1]
		if first.Verdict != relation.Retry || first.Due.IsZero() || first.Event.ID != event.ID || first.Attempt.Status != 503 ||
			first.Attempt.Node != "node-1" || first.Endpoint != "http://a.test/cb" || first.Test {
			t.Errorf("first %+v", first)
		}
		if second.Verdict != relation.Delivered || second.Attempt.Number != 2 || second.Attempt.Answer != answerOK {
			t.Errorf("second %+v", second)
		}
		if x := first.Exchange; x == nil || strings.Contains(x.Query, "s3cr3t") || !strings.HasPrefix(x.Query, "SdkAppid=") || len(x.Body) == 0 {
			t.Errorf("exchange %+v", x)
		}
		if a, ok := <-all.C; !ok || a.Exchange != nil {
			t.Errorf("the watch of all apps: %+v, %v", a, ok)
		}
		if a, ok := <-other.C; ok {
			t.Errorf("another app's watch: %+v", a)
		}
	})
}

func TestAWatcherThatSleepsLosesActivitiesAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &receiver{})
		w.start()
		watch := w.d.Watch(appA, true)
		for n := range watchQueue + 50 {
			w.outbox.commit(appA, fmt.Sprint("user", n), "x")
		}
		w.drained(5 * time.Second)
		if n := watch.Lost(); n != 50 || len(watch.C) != watchQueue {
			t.Errorf("%d lost and %d kept, want 50 and %d", n, len(watch.C), watchQueue)
		}
		watch.Close()
		watch.Close()
		w.stop()
		late := w.d.Watch(appA, true)
		if _, ok := <-late.C; ok {
			t.Error("a watch after Stop is open")
		}
	})
}

func TestTriggerSendsTheDocumentedShape(t *testing.T) {
	tests := []struct {
		trigger relation.Trigger
		want    string
	}{
		{
			relation.Trigger{Kind: relation.EventBlockAdd},
			`{"CallbackCommand":"Sns.CallbackBlackListAdd","PairList":[{"From_Account":"kith-test-from","To_Account":"kith-test-to"}]}`,
		},
		{
			relation.Trigger{Kind: relation.EventBlockDelete, Owner: "mira.k", Targets: []string{"a", "b"}},
			`{"CallbackCommand":"Sns.CallbackBlackListDelete","PairList":[{"From_Account":"mira.k","To_Account":"a"},{"From_Account":"mira.k","To_Account":"b"}]}`,
		},
		{
			relation.Trigger{Kind: relation.EventState},
			`{"CallbackCommand":"State.StateChange","EventTime":946684800000,"Info":{"Action":"Login","To_Account":"kith-test-from","Reason":"Register"}}`,
		},
	}
	synctest.Test(t, func(t *testing.T) {
		w := listeningWorld(t)
		w.start()
		l, watch := w.listen(), w.d.Watch(appA, true)
		for _, tt := range tests {
			got := make(chan relation.Exchange, 1)
			go func() {
				x := <-l.C
				l.Answer(x.ID, okAnswer())
				got <- x
			}()
			report, err := w.d.Trigger(t.Context(), w.apps.All()[0], tt.trigger)
			x := <-got
			if err != nil || !report.OK || string(x.Body) != tt.want || x.Header.Get(api.HeaderTest) != "1" || x.Header.Get(api.HeaderSequence) != "" {
				t.Errorf("report %+v, error %v, exchange %+v with body %s", report, err, x, x.Body)
			}
			if names := stepNames(report); !slices.Equal(names, []string{StepAnswer + " ok"}) || report.Endpoint != "listener" {
				t.Errorf("report %+v", report)
			}
			if a := <-watch.C; !a.Test || a.Event.ID != report.ID || a.Exchange == nil {
				t.Errorf("activity %+v", a)
			}
		}
		if n := len(w.outbox.verdicts()); n != 0 {
			t.Errorf("%d settlements", n)
		}
		for _, bad := range []relation.Trigger{{Kind: "Sns.Nothing"}, {Kind: relation.EventState, Targets: []string{"x"}}} {
			if _, err := w.d.Trigger(t.Context(), w.apps.All()[0], bad); err == nil {
				t.Errorf("%+v is taken", bad)
			}
		}
		l.Close()
		report, err := w.d.Trigger(t.Context(), w.apps.All()[0], relation.Trigger{Kind: relation.EventBlockAdd})
		if err != nil || report.Reason != ReasonNoListener {
			t.Errorf("without a listener: %+v, %v", report, err)
		}
		w.stop()
	})
}
