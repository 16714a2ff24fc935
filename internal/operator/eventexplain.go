package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kithchat/kith/internal/relation"
)

// explain says in words why an event is in its state, and what comes next.
func (h *handler) explain(ctx context.Context, r *relation.Record) (string, error) {
	switch r.State {
	case relation.StateDelivered:
		if tries, by := revived(r); by != nil {
			return fmt.Sprintf("given up after %s; delivered by replay %s at %s%s", attempts(tries), by.Replay, moment(r.Settled), replays(r.Replayed)), nil
		}
		return fmt.Sprintf("delivered at %s, attempt %d%s", moment(r.Settled), r.Attempts, replays(r.Replayed)), nil
	case relation.StateDead:
		return fmt.Sprintf("given up at %s: %s; `kith replay %s` sends it again", moment(r.Settled), whyDead(r), r.ID), nil
	case relation.StateRetrying:
		return fmt.Sprintf("%s %s; it is tried again %s, and later events of this account wait for it%s",
			tried(r.Attempts), reason(r.Reason), h.again(r), h.endpointRemark(r.SDKAppID)), nil
	}
	if r.Head {
		return "it is the next one of this account, and is sent as soon as there is room" + h.endpointRemark(r.SDKAppID), nil
	}
	before, err := h.retryingBefore(ctx, r)
	switch {
	case err != nil:
		return "", err
	case before == nil:
		return "waits behind earlier events of this account, which go first" + h.endpointRemark(r.SDKAppID), nil
	}
	return fmt.Sprintf("waits behind %s of this account, which failed with %s and is retried %s%s",
		before.ID, reason(before.Reason), h.again(before), h.endpointRemark(r.SDKAppID)), nil
}

// revived returns the attempt of a replay that delivered a dead letter, and how many attempts were made before it was given up;
// nil when the event was delivered without a replay.
func revived(r *relation.Record) (tries int, by *relation.Attempt) {
	for i := range r.Log {
		a := &r.Log[i]
		switch {
		case a.Reason == "":
			if a.Replay == "" {
				return 0, nil
			}
			return max(tries, r.Attempts), a
		case a.Replay == "":
			tries = max(tries, a.Number)
		}
	}
	return 0, nil
}

// retryingBefore returns the event of the same account that failed and holds this one up; nil when none does. Only the
// first waiting event of an account is attempted, so there is at most one.
func (h *handler) retryingBefore(ctx context.Context, r *relation.Record) (*relation.Record, error) {
	q := relation.RecordQuery{SDKAppID: r.SDKAppID, Account: r.Owner, State: relation.StateRetrying, Limit: 1}
	page, err := h.Records.Records(ctx, q)
	if err != nil || len(page.Records) == 0 || page.Records[0].Seq >= r.Seq {
		return nil, err
	}
	return &page.Records[0], nil
}

// again says when an event is tried again. While nothing is sent for its app, it is not when it is due.
func (h *handler) again(r *relation.Record) string {
	if status := h.endpointStatus(r.SDKAppID); status != nil {
		switch status.State {
		case relation.EndpointPaused:
			return "after the endpoint is resumed"
		case relation.EndpointOff:
			return "once the app has a callback URL and is enabled"
		}
	}
	return "at " + moment(r.Due)
}

// endpointRemark says what holds up everything that waits for an app, if something does.
func (h *handler) endpointRemark(sdkAppID uint32) string {
	status := h.endpointStatus(sdkAppID)
	if status == nil {
		return ""
	}
	because := ""
	if status.Reason != "" {
		because = ": " + status.Reason
	}
	switch status.State {
	case relation.EndpointOff:
		return "; the app has no callback URL, or is disabled, so nothing is sent"
	case relation.EndpointPaused:
		return "; the endpoint is paused" + because
	case relation.EndpointFailing:
		return "; the endpoint fails and is probed next at " + moment(status.NextProbe) + because
	}
	return ""
}

// whyDead says why an event was given up. The dispatcher says all of it in the reason; records of an older version had only
// its first word.
func whyDead(r *relation.Record) string {
	if strings.Contains(r.Reason, "given up") {
		return r.Reason
	}
	return fmt.Sprintf("%s, after %s; later events of this account went on", reason(r.Reason), attempts(r.Attempts))
}

func isNoEvent(err error) bool { return errors.Is(err, relation.ErrNoEvent) }

func moment(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// tried begins the sentence on the last attempt. None counts while all failed by faults of our own, or nobody listened.
func tried(attempts int) string {
	if attempts == 0 {
		return "it could not be sent yet, which counts as no attempt:"
	}
	return fmt.Sprintf("attempt %d failed with", attempts)
}

func attempts(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}

func reason(text string) string {
	if text == "" {
		return "an unknown reason"
	}
	return text
}

func replays(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", and once more by a replay"
	}
	return fmt.Sprintf(", and %d times more by replays", n)
}
