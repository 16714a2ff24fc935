package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/kithchat/kith/internal/operator"
)

// maxForwardAnswer is how much of a local answer is taken, in bytes: more than the server takes.
const maxForwardAnswer = 64<<10 + 1

// forwarder repeats exchanges against a local handler. It is safe for concurrent use.
type forwarder struct {
	target  *url.URL
	timeout time.Duration
	client  *http.Client
}

// newForwarder returns a forwarder to a URL of http or https, at any host. The caller closes its idle connections.
func newForwarder(text string, timeout time.Duration) (*forwarder, error) {
	target, err := url.Parse(text)
	switch {
	case err != nil, target.Scheme != "http" && target.Scheme != "https", target.Hostname() == "":
		return nil, misuse("--forward must be a URL such as http://localhost:3000/callback")
	case target.User != nil, target.Fragment != "":
		return nil, misuse("--forward must be a URL without user, password and fragment")
	case timeout <= 0:
		return nil, misuse("--timeout must be more than 0, not %s", timeout)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // what is not in the exchange is not added
	return &forwarder{target: target, timeout: timeout, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // as the server does
	}}, nil
}

// send repeats an exchange with the same query, headers and body, and returns what was answered.
func (f *forwarder) send(ctx context.Context, e *operator.Exchange) operator.ExchangeAnswer {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url(e.Query), bytes.NewReader(e.Body))
	if err != nil {
		return operator.ExchangeAnswer{Failure: "the exchange cannot be repeated"}
	}
	if e.Header != nil {
		req.Header = e.Header.Clone()
	}
	if _, given := req.Header["User-Agent"]; !given {
		req.Header["User-Agent"] = nil // else Go adds its own
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return operator.ExchangeAnswer{Failure: f.failure(err)}
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return operator.ExchangeAnswer{Status: resp.StatusCode} // what follows is a connection, whose reads heed no deadline
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxForwardAnswer))
	if err != nil {
		return operator.ExchangeAnswer{Failure: f.failure(err)}
	}
	answer := operator.ExchangeAnswer{Status: resp.StatusCode, Body: body}
	if later := resp.Header.Values("Retry-After"); len(later) > 0 {
		answer.Header = http.Header{"Retry-After": later}
	}
	return answer
}

// url is the target with the exchange's query behind its own.
func (f *forwarder) url(query string) string {
	target := *f.target
	if target.RawQuery != "" && query != "" {
		query = "&" + query
	}
	target.RawQuery += query
	return target.String()
}

// failure says why the handler could not be asked. It leaves the URL out, which has the signature in it.
func (f *forwarder) failure(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", f.timeout)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return err.Error()
}

// judge says whether an answer means that the app backend has the event; if not, why.
func judge(a operator.ExchangeAnswer) (verdict string, ok bool) {
	var body struct {
		ErrorCode *int
		ErrorInfo string
	}
	switch {
	case a.Failure != "":
		return a.Failure, false
	case a.Status != http.StatusOK:
		return fmt.Sprintf("status %d", a.Status), false
	case len(a.Body) >= maxForwardAnswer:
		return "the answer is too large", false
	case json.Unmarshal(a.Body, &body) != nil || body.ErrorCode == nil:
		return "the answer is no JSON object with an ErrorCode", false
	case *body.ErrorCode != 0:
		return fmt.Sprintf("ErrorCode %d %s", *body.ErrorCode, body.ErrorInfo), false
	}
	return "OK", true
}
