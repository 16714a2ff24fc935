package client

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/kithchat/kith/api"
)

// maxPause is the longest that a call waits because the server asked for it. Longer ones are left to the caller.
const maxPause = 30 * time.Second

// stale are the codes of a ticket that was good once, or is too old by the server's clock.
var stale = []api.Code{api.CodeTicketExpired, api.CodeTicketRevoked}

// call makes a REST call, tries it again where that may help, and decodes the answer. repeated says that an earlier try may
// have been carried out, though it was not answered so. The answer is decoded for a refusal too, which may list items.
func (r *REST) call(ctx context.Context, path string, request, answer any) (repeated bool, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return false, fmt.Errorf("client: %s: %w", command(path), err)
	}
	resigned := false
	for failed := 0; ; failed++ {
		sig, err := r.tickets.get()
		if err != nil {
			return repeated, err
		}
		a, err := r.try(ctx, path, body, sig)
		if e := asError(err); e != nil && slices.Contains(stale, e.Code) && !resigned {
			resigned = true
			r.tickets.drop(sig, a.serverTime)
			failed--
			continue
		}
		if err == nil || !r.mayRetry(ctx, err, failed) {
			return repeated, decodeAnswer(path, a.body, answer, err)
		}
		repeated = repeated || undecided(a, err)
		if over := r.backoff.wait(ctx, failed, asked(err)); over != nil {
			return repeated, fmt.Errorf("%w; gave up: %w", err, over)
		}
	}
}

// mayRetry decides whether a failed call is tried again. All commands may be repeated; see the package comment.
func (r *REST) mayRetry(ctx context.Context, err error, failed int) bool {
	if ctx.Err() != nil || failed >= r.o.Retries || asked(err) > maxPause {
		return false
	}
	e := asError(err)
	return e == nil || e.Temporary() && e.Code != api.CodeTooManyFailures
}

// undecided reports whether a failed try may have been carried out.
func undecided(a attempt, err error) bool {
	if e := asError(err); e != nil {
		return e.undecided()
	}
	return !a.untouched
}

// asked returns the pause that an error asks for.
func asked(err error) time.Duration {
	if e := asError(err); e != nil {
		return e.RetryAfter()
	}
	return 0
}

// decodeAnswer decodes the body of an answer; why is the error of the call.
func decodeAnswer(path string, body []byte, answer any, why error) error {
	if answer == nil || why != nil && asError(why) == nil {
		return why
	}
	if err := json.Unmarshal(body, answer); err != nil && why == nil {
		return fmt.Errorf("client: %s: the answer has another shape than it should: %w", command(path), err)
	}
	return why
}
