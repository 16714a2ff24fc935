package dispatch

// Reason says why an attempt failed. The list is closed; logs, metrics, records and the callback test share it.
type Reason string

// Reasons, in the order in which an attempt can meet them. reasons says what each means.
const (
	ReasonLocal      Reason = "local"
	ReasonNoListener Reason = "no-listener"
	ReasonResolve    Reason = "name-resolution"
	ReasonBlocked    Reason = "blocked-address"
	ReasonProxy      Reason = "proxy"
	ReasonConnect    Reason = "connect"
	ReasonTLS        Reason = "tls"
	ReasonClientCert Reason = "client-certificate"
	ReasonTimeout    Reason = "timeout"
	ReasonBroken     Reason = "broken-answer"
	ReasonRedirect   Reason = "redirect"
	ReasonGone       Reason = "gone"
	ReasonStatus     Reason = "status"
	ReasonTooLarge   Reason = "too-large"
	ReasonNotJSON    Reason = "not-json"
	ReasonAppError   Reason = "app-error"
)

// reasons has each with its row of docs/operations.md.
var reasons = []struct {
	reason Reason
	means  string
}{
	{ReasonLocal, "this machine could not try: its resolver failed, or it has no file descriptors, ports or memory left; costs no budget"},
	{ReasonNoListener, "the app's events go to who listens (`kith listen`), and nobody does; they wait for the next one; costs no budget"},
	{ReasonResolve, "the host name of the callback URL has no address"},
	{ReasonBlocked, "the host name leads to an address that callbacks may not go to, such as a private one"},
	{ReasonProxy, "the egress proxy could not be used; costs no budget"},
	{ReasonConnect, "nothing accepts connections at the address"},
	{ReasonTLS, "the TLS handshake failed, for example because the endpoint's certificate is not valid"},
	{ReasonClientCert, "the endpoint refused the client certificate, or wants one"},
	{ReasonTimeout, "no complete answer within the app's timeout, 2 s unless set, whichever step took the time"},
	{ReasonBroken, "the connection ended early, or what came is not HTTP"},
	{ReasonRedirect, "the answer was a redirect; redirects are never followed"},
	{ReasonGone, "the answer was 410 Gone: the endpoint is paused until somebody resumes it"},
	{ReasonStatus, "the status was neither 200 nor one of the above"},
	{ReasonTooLarge, "the answer is longer than 64 KiB"},
	{ReasonNotJSON, "the answer is not a JSON object with a numeric ErrorCode"},
	{ReasonAppError, "the app backend answered with an ErrorCode other than 0"},
}

// Reasons returns all reasons, in the order in which an attempt can meet them.
func Reasons() []Reason {
	all := make([]Reason, len(reasons))
	for i, r := range reasons {
		all[i] = r.reason
	}
	return all
}
