package relation

import (
	"net/http"
	"time"
)

// EndpointState is how the dispatcher treats an endpoint now.
type EndpointState string

// States of endpoints.
const (
	// EndpointOff: the app has no callback URL and nobody may listen, or the app is disabled. Nothing is sent.
	EndpointOff EndpointState = "off"
	// EndpointHealthy: events go as fast as the endpoint takes them.
	EndpointHealthy EndpointState = "healthy"
	// EndpointFailing: it failed steadily; it is probed with one event at a time, the others wait on disk.
	EndpointFailing EndpointState = "failing"
	// EndpointRecovering: a probe succeeded; the rate is being raised to full speed.
	EndpointRecovering EndpointState = "recovering"
	// EndpointPaused: an operator paused it, or it answered 410. Nothing is sent until somebody resumes it.
	EndpointPaused EndpointState = "paused"
)

// EndpointStatus says how an endpoint does.
type EndpointStatus struct {
	SDKAppID  uint32
	State     EndpointState
	Since     time.Time // when it came into this state; the start of the dispatcher, if it was in it since then
	Reason    string    // why it is failing or paused: the last failure, or the words of who paused it
	NextProbe time.Time // EndpointFailing: when it is probed next
	Limit     int       // attempts that may be under way now, by the endpoint's health
	InFlight  int       // attempts under way; more than Limit after that was lowered
	Listeners int       // who listens instead of the URL (Callback.Listen), or besides
	// LastFailure is what became of the last attempt that failed since the start, LastFailureAt when it ended. Empty and zero:
	// none did.
	LastFailure   string
	LastFailureAt time.Time
	// RecentAttempts ended in about the last minute, and RecentFailed of them failed.
	RecentAttempts, RecentFailed int
}

// Exchange is a callback as it goes out, for whoever receives it through the operator API. It can be replayed byte for
// byte against a local handler: signatures are those that the app backend gets.
type Exchange struct {
	ID     string      // of this exchange, not of the event
	Query  string      // what is appended to the callback URL, Sign and RequestTime included
	Header http.Header // without those of the transport
	Body   []byte
}

// ExchangeAnswer is what a listener's handler answered. A non-empty Failure says that it could not be asked.
type ExchangeAnswer struct {
	Status  int
	Header  http.Header // Retry-After is looked at
	Body    []byte
	Failure string
}

// Activity is an attempt that ended, as it is told to whoever watches.
type Activity struct {
	Event    Event
	Attempt  Attempt
	Verdict  Verdict
	Due      time.Time // when it is tried next; Retry only
	Test     bool      // a test or trigger, no event of the outbox
	Endpoint string    // where it went, without the query
	Exchange *Exchange // what went out; only for watchers that asked for it
}

// Watch follows what the dispatcher does. A watcher that does not keep up loses activities, never the dispatcher's time.
type Watch struct {
	C <-chan Activity // closed when the watch ends
	// Lost returns how many activities were not told because C was full.
	Lost func() int64
	// Close ends the watch. It may be called twice.
	Close func()
}

// Listening is a listener that stands in for an app's URL. While at least one is there, events of an app with
// Callback.Listen go to one of them, one exchange at a time for each account.
type Listening struct {
	C <-chan Exchange // closed when the listening ends
	// Answer settles an exchange. It reports false when nobody waits for it any more.
	Answer func(exchange string, answer ExchangeAnswer) bool
	// Close ends it; exchanges that are not answered count as failed connections. It may be called twice.
	Close func()
}

// Trigger asks for a marked test callback with the documented shape. It is no event: it is not stored or retried.
type Trigger struct {
	Kind    EventKind
	Owner   string   // From_Account, or To_Account of State.StateChange; empty: a name that says that it is a test
	Targets []string // To_Account; empty: one such name
}
