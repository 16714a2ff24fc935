package dispatch

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/kithchat/kith/internal/egress"
	"github.com/kithchat/kith/webhook"
)

// labelDelivered is the outcome of an attempt that did not fail, as metrics call it.
const labelDelivered = "delivered"

// Outcome is what came of an attempt. One without a Reason is a delivery.
type Outcome struct {
	Reason Reason
	// Detail adds a few words, such as the status. It is made of fixed texts, numbers and messages of the operating
	// system, never of the URL's query, the Token or the answer.
	Detail string
	// Status is the answer's HTTP status, 0 when there was none.
	Status int
	// RetryAfter is what the endpoint asked for with status 429 or 503; zero otherwise.
	RetryAfter time.Duration
	// Ours says that the fault is not the endpoint's, which therefore pays for it with no attempt and no time.
	Ours bool
}

// tells reports whether the outcome says how the endpoint does. That nobody listens does, though it costs no event anything.
func (o Outcome) tells() bool { return !o.Ours || o.Reason == ReasonNoListener }

// Delivered reports whether the app backend has the event.
func (o Outcome) Delivered() bool { return o.Reason == "" }

// Label returns "delivered" or the reason.
func (o Outcome) Label() string {
	if o.Delivered() {
		return labelDelivered
	}
	return string(o.Reason)
}

// String returns the label and, if there is one, the detail.
func (o Outcome) String() string {
	if o.Detail == "" {
		return o.Label()
	}
	return o.Label() + ": " + o.Detail
}

// answer is a response as far as it was read.
type answer struct {
	status   int
	header   http.Header
	body     []byte
	tooLarge bool
}

// classify turns what an attempt got at now into its outcome. Exactly one of a and err is set, or both when the body
// could not be read to its end.
func classify(a *answer, err error, now time.Time) Outcome {
	if a == nil {
		return classifyError(err)
	}
	o := classifyAnswer(a, err)
	o.Status, o.RetryAfter = a.status, retryAfter(a, now)
	return o
}

func classifyAnswer(a *answer, err error) Outcome {
	status := strconv.Itoa(a.status)
	switch {
	case a.status >= 300 && a.status < 400:
		return Outcome{Reason: ReasonRedirect, Detail: status}
	case a.status == http.StatusGone:
		return Outcome{Reason: ReasonGone, Detail: status}
	case egress.RefusedByNginx(a.status, a.body):
		return Outcome{Reason: ReasonClientCert, Detail: "nginx answered 400: it refuses the client certificate, or wants one"}
	case a.status != http.StatusOK:
		return Outcome{Reason: ReasonStatus, Detail: status}
	case err != nil:
		return classifyError(err)
	case a.tooLarge:
		return Outcome{Reason: ReasonTooLarge, Detail: "more than " + strconv.Itoa(maxAnswer) + " bytes"}
	}
	return classifyBody(a.body)
}

func classifyBody(body []byte) Outcome {
	response, err := webhook.ParseAnswer(body)
	if err != nil {
		return Outcome{Reason: ReasonNotJSON, Detail: shorten(err.Error())}
	}
	if response.ErrorCode != 0 {
		return Outcome{Reason: ReasonAppError, Detail: "ErrorCode " + strconv.Itoa(response.ErrorCode)}
	}
	return Outcome{}
}

// retryAfter reads Retry-After, in seconds or as a date, where it has a meaning. Nonsense counts as absent, and more seconds than
// can be counted as very many.
func retryAfter(a *answer, now time.Time) time.Duration {
	if a.status != http.StatusTooManyRequests && a.status != http.StatusServiceUnavailable {
		return 0
	}
	text := a.header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// shorten keeps a reason short enough for a log line and a table.
func shorten(text string) string {
	const limit = 160
	if len(text) <= limit {
		return text
	}
	return text[:limit] + "..."
}
