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
	created := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	event := relation.Event{SDKAppID: appA, Owner: "mira.k", Seq: 7, Created: created, Attempts: 2}
	day := policy{budget: 24 * time.Hour}
	refused := Outcome{Reason: ReasonConnect, Detail: "connection refused"}
	after := created.Add
	tests := []struct {
		name    string
		policy  policy
		outcome Outcome
		now     time.Time
		want    relation.Settlement
	}{
		{"delivered", day, Outcome{}, after(time.Hour), relation.Settlement{Verdict: relation.Delivered, Attempts: 3}},
		{"delivered after the budget", day, Outcome{}, after(48 * time.Hour), relation.Settlement{Verdict: relation.Delivered, Attempts: 3}},
		{
			"failed", day, refused, after(time.Hour),
			relation.Settlement{
				Verdict: relation.Retry, Attempts: 3, Due: after(time.Hour + time.Second),
				Reason: "connect: connection refused",
			},
		},
		{
			"asked to wait", day,
			Outcome{ReasonStatus, "429", time.Minute},
			after(time.Hour),
			relation.Settlement{
				Verdict: relation.Retry, Attempts: 3, Due: after(time.Hour + time.Minute), Reason: "status: 429",
			},
		},
		{
			"asked to wait for a week", day,
			Outcome{ReasonStatus, "503", 7 * 24 * time.Hour},
			after(time.Hour),
			relation.Settlement{
				Verdict: relation.Retry, Attempts: 3, Due: after(time.Hour + 5*time.Minute), Reason: "status: 503",
			},
		},
		{
			"a moment before the budget is spent", day, refused, after(24*time.Hour - time.Millisecond),
			relation.Settlement{
				Verdict: relation.Retry, Attempts: 3, Due: after(24*time.Hour + 999*time.Millisecond),
				Reason: "connect: connection refused",
			},
		},
		{
			"budget spent", day, refused, after(24 * time.Hour),
			relation.Settlement{Verdict: relation.Dead, Attempts: 3, Reason: "connect: connection refused"},
		},
		{
			"no retry",
			policy{budget: 24 * time.Hour, noRetry: true},
			Outcome{Reason: ReasonTimeout},
			after(time.Second),
			relation.Settlement{Verdict: relation.Dead, Attempts: 3, Reason: "timeout"},
		},
		{
			"our own fault costs nothing",
			policy{noRetry: true},
			Outcome{Reason: ReasonLocal, Detail: "too many open files"},
			after(48 * time.Hour),
			relation.Settlement{
				Verdict: relation.Retry, Attempts: 2, Due: after(48*time.Hour + time.Second),
				Reason: "local: too many open files",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.EventKey, tt.want.At = event.Key(), tt.now
			if got := tt.policy.decide(&event, tt.outcome, tt.now, 0.5); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}
