package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kithchat/kith/api"
)

const (
	// maxAnswer is the longest answer that is read, in bytes. A page of 1000 entries has 100 KB.
	maxAnswer = 8 << 20
	// maxInfo is how much of an answer that is not the API's gets into an error, in bytes.
	maxInfo = 200
)

// attempt is one request and its answer.
type attempt struct {
	body       []byte    // of the answer, when it is one of the API
	serverTime time.Time // of the Date header; zero when unknown
	// untouched says that a failed request did not reach the server, so that nothing was carried out.
	untouched bool
}

// try makes one request. The error is an *Error for a refusal. It never holds the ticket.
func (r *REST) try(ctx context.Context, path string, body []byte, sig string) (attempt, error) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	query := url.Values{
		"sdkappid": {strconv.FormatUint(uint64(r.o.SDKAppID), 10)}, "identifier": {r.o.Admin}, "usersig": {sig},
		"random": {strconv.FormatUint(uint64(rand.Uint32()), 10)}, "contenttype": {"json"},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+"/v4/"+path+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return attempt{untouched: true}, hide(path, sig, err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := r.http.Do(req)
	if err != nil {
		return attempt{untouched: notConnected(err)}, hide(path, sig, err)
	}
	defer res.Body.Close()
	a := attempt{}
	a.serverTime, _ = http.ParseTime(res.Header.Get("Date")) // zero when there is none
	if res.StatusCode == http.StatusSwitchingProtocols {     // what follows is a connection, whose reads heed no deadline
		return a, &Error{Command: command(path), HTTPStatus: res.StatusCode}
	}
	if a.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1)); err != nil {
		return a, hide(path, sig, err)
	}
	if len(a.body) > maxAnswer {
		return a, fmt.Errorf("client: %s: the answer has more than %d bytes", command(path), maxAnswer)
	}
	return a, refusal(path, sig, res, a.body)
}

// refusal returns the error that an answer tells, nil for success.
func refusal(path, sig string, res *http.Response, body []byte) error {
	e := &Error{Command: command(path), HTTPStatus: res.StatusCode, retryAfter: retryAfter(res.Header)}
	var envelope struct {
		ErrorCode *api.Code `json:"ErrorCode"`
		ErrorInfo string    `json:"ErrorInfo"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil || envelope.ErrorCode == nil {
		e.Info = redact(strings.ToValidUTF8(string(body[:min(len(body), maxInfo)]), ""), sig)
		return e
	}
	if *envelope.ErrorCode == api.OK && res.StatusCode == http.StatusOK {
		return nil
	}
	e.Code, e.Info = *envelope.ErrorCode, redact(envelope.ErrorInfo, sig)
	return e
}

// command is the last part of a path.
func command(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// retryAfter reads the header of that name, in its form of seconds.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// notConnected reports whether a request failed before there was a connection to send it on.
func notConnected(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// hide returns an error of the transport without the URL, which url.Error quotes with the ticket in it.
func hide(path, sig string, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if text := err.Error(); redact(text, sig) != text {
		return fmt.Errorf("client: %s: %s", command(path), redact(text, sig))
	}
	return fmt.Errorf("client: %s: %w", command(path), err)
}

// redact takes a ticket out of a text, also as it looks in a URL.
func redact(text, sig string) string {
	const hidden = "(UserSig)"
	if sig == "" {
		return text
	}
	return strings.NewReplacer(sig, hidden, url.QueryEscape(sig), hidden).Replace(text)
}
