package dispatch

import (
	"math"
	"testing"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

func TestBackoffSchedule(t *testing.T) {
	tests := []struct {
		attempts  int
		low, high time.Duration
	}{
		{1, 200 * time.Millisecond, 300 * time.Millisecond},
		{2, 400 * time.Millisecond, 600 * time.Millisecond},
		{3, 800 * time.Millisecond, 1200 * time.Millisecond},
		{4, 1600 * time.Millisecond, 2400 * time.Millisecond},
		{5, 3200 * time.Millisecond, 4800 * time.Millisecond},
		{6, 6400 * time.Millisecond, 9600 * time.Millisecond},
		{7, 12800 * time.Millisecond, 19200 * time.Millisecond},
		{8, 24 * time.Second, 36 * time.Second},
		{9, 24 * time.Second, 36 * time.Second},
		{1000, 24 * time.Second, 36 * time.Second},
		{math.MaxInt, 24 * time.Second, 36 * time.Second},
		{0, 200 * time.Millisecond, 300 * time.Millisecond},
		{-5, 200 * time.Millisecond, 300 * time.Millisecond},
	}
	for _, tt := range tests {
		if got := Backoff(tt.attempts, 0); got != tt.low {
			t.Errorf("Backoff(%d, 0) = %v, want %v", tt.attempts, got, tt.low)
		}
		highest := Backoff(tt.attempts, math.Nextafter(1, 0))
		if highest > tt.high || highest < tt.high-time.Microsecond {
			t.Errorf("Backoff(%d, 1) = %v, want just %v", tt.attempts, highest, tt.high)
		}
		if highest > retryLongest {
			t.Errorf("Backoff(%d, 1) = %v is longer than %v", tt.attempts, highest, retryLongest)
		}
	}
}

func TestDecide(t *testing.T) {
	began := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	ended := began.Add(2 * time.Second)
	after := ended.Add
	day := policy{budget: 24 * time.Hour}
	with := func(change func(*policy)) policy {
		p := day
		change(&p)
		return p
	}
	fresh := relation.Event{SDKAppID: appA, Owner: "mira.k", Seq: 7, Created: began.Add(-1000 * time.Hour), Attempts: 2}
	tried := func(ago time.Duration) relation.Event {
		e := fresh
		e.BudgetFrom = after(-ago)
		return e
	}
	refused := Outcome{Reason: ReasonConnect, Detail: "connection refused"}
	appError := Outcome{Reason: ReasonAppError, Detail: "ErrorCode 1", Status: 200}
	local := Outcome{Reason: ReasonLocal, Detail: "too many open files", Ours: true}
	retry := func(wait time.Duration, from time.Time, reason string) relation.Settlement {
		return relation.Settlement{Verdict: relation.Retry, Attempts: 3, Due: after(wait), BudgetFrom: from, Reason: reason}
	}
	dead := func(reason string) relation.Settlement {
		return relation.Settlement{Verdict: relation.Dead, Attempts: 3, Reason: reason}
	}
	delivered := relation.Settlement{Verdict: relation.Delivered, Attempts: 3}
	tests := []struct {
		name    string
		policy  policy
		event   relation.Event
		outcome Outcome
		want    relation.Settlement
	}{
		{"delivered", day, fresh, Outcome{}, delivered},
		{"delivered after the budget", day, tried(48 * time.Hour), Outcome{}, delivered},
		{"the budget begins with the first failure", day, fresh, refused, retry(time.Second, ended, "connect: connection refused")},
		{
			"failed again", day, tried(time.Hour), refused,
			retry(time.Second, after(-time.Hour), "connect: connection refused"),
		},
		{
			"asked to wait", day, fresh,
			Outcome{Reason: ReasonStatus, Detail: "429", Status: 429, RetryAfter: time.Minute},
			retry(time.Minute, ended, "status: 429"),
		},
		{
			"asked to wait for less than planned", day, fresh,
			Outcome{Reason: ReasonStatus, Detail: "503", Status: 503, RetryAfter: time.Millisecond},
			retry(time.Second, ended, "status: 503"),
		},
		{
			"throttled without a wait", day, fresh,
			Outcome{Reason: ReasonStatus, Detail: "429", Status: 429},
			retry(5*time.Second, ended, "status: 429"),
		},
		{
			"asked to wait for a week", day, fresh,
			Outcome{Reason: ReasonStatus, Detail: "503", Status: 503, RetryAfter: 7 * 24 * time.Hour},
			retry(5*time.Minute, ended, "status: 503"),
		},
		{
			"a moment before the budget is spent", day, tried(24*time.Hour - time.Millisecond), refused,
			retry(time.Second, after(time.Millisecond-24*time.Hour), "connect: connection refused"),
		},
		{
			"budget spent", day, tried(24 * time.Hour), refused,
			dead("connect: connection refused; given up after 3 attempts in 24h0m0s, later events of the account go on"),
		},
		{
			"budget spent, but the endpoint was resumed only now",
			with(func(p *policy) { p.grace = after(time.Millisecond) }), tried(72 * time.Hour), refused,
			retry(time.Second, after(-72*time.Hour), "connect: connection refused"),
		},
		{
			"attempts spent", with(func(p *policy) { p.attempts = 3 }), tried(time.Minute), refused,
			dead("connect: connection refused; given up after 3 attempts in 1m0s, later events of the account go on"),
		},
		{"attempts left", with(func(p *policy) { p.attempts = 4 }), fresh, refused, retry(time.Second, ended, "connect: connection refused")},
		{
			"no retry", with(func(p *policy) { p.retry = relation.RetryOff }),
			relation.Event{SDKAppID: appA, Owner: "mira.k", Seq: 7},
			Outcome{Reason: ReasonTimeout},
			relation.Settlement{Verdict: relation.Dead, Attempts: 1, Reason: "timeout; given up after 1 attempt, later events of the account go on"},
		},
		{
			"timeouts only, a timeout", with(func(p *policy) { p.retry = relation.RetryTimeouts }), fresh,
			Outcome{Reason: ReasonTimeout},
			retry(time.Second, ended, "timeout"),
		},
		{
			"timeouts only, another failure", with(func(p *policy) { p.retry = relation.RetryTimeouts }), fresh, refused,
			dead("connect: connection refused; given up after 3 attempts in 0s, later events of the account go on"),
		},
		{"app-error is a failure", day, fresh, appError, retry(time.Second, ended, "app-error: ErrorCode 1")},
		{"app-error is accepted", with(func(p *policy) { p.appError = relation.AppErrorAccept }), fresh, appError, delivered},
		{
			"app-error parks", with(func(p *policy) { p.appError = relation.AppErrorPark }), tried(time.Minute), appError,
			dead("app-error: ErrorCode 1; given up after 3 attempts in 1m0s, later events of the account go on"),
		},
		{
			"410 never parks", with(func(p *policy) { p.retry, p.attempts = relation.RetryOff, 1 }), tried(72 * time.Hour),
			Outcome{Reason: ReasonGone, Detail: "410", Status: 410},
			retry(time.Second, after(-72*time.Hour), "gone: 410"),
		},
		{
			"our own fault costs no attempt and no time",
			with(func(p *policy) { p.retry, p.attempts = relation.RetryOff, 1 }), tried(48 * time.Hour), local,
			relation.Settlement{
				Verdict: relation.Retry, Attempts: 2, Due: after(7 * time.Second), BudgetFrom: after(9*time.Second - 48*time.Hour),
				Reason: "local: too many open files",
			},
		},
		{
			"our own fault begins no budget", day, fresh, local,
			relation.Settlement{Verdict: relation.Retry, Attempts: 2, Due: after(7 * time.Second), Reason: "local: too many open files"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.EventKey, tt.want.At = tt.event.Key(), ended
			at := trial{
				outcome: tt.policy.accept(tt.outcome), began: began, ended: ended, random: 0.5, ownWait: 7 * time.Second,
			}
			if got := tt.policy.decide(&tt.event, at); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestPolicyOfAnApp(t *testing.T) {
	got := policyOf(relation.Callback{}, time.Hour)
	if want := (policy{retry: relation.RetryFailures, appError: relation.AppErrorRetry, budget: time.Hour}); got != want {
		t.Errorf("defaults: %+v", got)
	}
	got = policyOf(relation.Callback{
		Retry: relation.RetryTimeouts, AppError: relation.AppErrorPark, MaxAttempts: 5, MaxAgeMS: 60_000,
	}, time.Hour)
	want := policy{retry: relation.RetryTimeouts, appError: relation.AppErrorPark, attempts: 5, budget: time.Minute}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
