package dispatch

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kithchat/kith/api"
	"github.com/kithchat/kith/internal/relation"
	"github.com/kithchat/kith/webhook"
)

// message is one request to an endpoint, before it is addressed and signed.
type message struct {
	call        webhook.Call
	id          string
	attempt     int
	sequence    int64 // 0: it has no place among the events of its account
	replay      string
	traceparent string
	test        bool
	body        []byte
}

// messageOf returns the message for an event's next attempt.
func messageOf(e *relation.Event) message {
	return message{
		call: webhook.Call{
			Command: string(e.Kind), ClientIP: e.Origin.ClientIP, OptPlatform: e.Origin.Platform,
		},
		id:       e.ID,
		attempt:  e.Attempts + 1,
		sequence: e.Seq,
		body:     bodyOf(e),
	}
}

func bodyOf(e *relation.Event) []byte {
	if e.Kind == relation.EventState {
		return stateBody(e)
	}
	pairs := make([]api.Pair, len(e.Targets))
	for i, target := range e.Targets {
		pairs[i] = api.Pair{FromAccount: e.Owner, ToAccount: target}
	}
	return webhook.EncodeBlackList(string(e.Kind), pairs)
}

func stateBody(e *relation.Event) []byte {
	// An event without its detail is damaged; that must not end the process, at each start again.
	state := cmp.Or(e.State, &relation.StateChange{})
	kicked := make([]api.KickedDevice, len(state.Kicked))
	for i, platform := range state.Kicked {
		kicked[i] = api.KickedDevice{Platform: platform}
	}
	return webhook.EncodeState(api.StateCallback{
		CallbackCommand: string(e.Kind),
		EventTime:       e.Created.UnixMilli(),
		Info:            api.StateInfo{Action: state.Action, ToAccount: e.Owner, Reason: state.Reason},
		KickedDevice:    kicked,
	})
}

// outgoing is a message as it goes out: addressed, and signed for one moment.
type outgoing struct {
	url        *url.URL
	configured string // the query of the configured URL, which is nobody's business
	header     http.Header
	body       []byte
}

// compose addresses and signs a message for now.
func (r *route) compose(m message, now time.Time) outgoing {
	m.call.RequestTime = now.Unix()
	header := http.Header{
		"Content-Type": {"application/json"},
		"User-Agent":   {r.userAgent},
		// These names go out in lower case, as they are documented.
		api.HeaderWebhookID: {m.id},
		api.HeaderAttempt:   {strconv.Itoa(m.attempt)},
	}
	set := func(name, value string) {
		if value != "" {
			header[name] = []string{value}
		}
	}
	if signer := r.signing.at(now); signer != nil {
		set(api.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
		set(api.HeaderWebhookSignature, signer.Sign(m.id, now, m.body))
	}
	if m.sequence > 0 {
		set(api.HeaderSequence, strconv.FormatInt(m.sequence, 10))
	}
	if m.test {
		set(api.HeaderTest, "1")
	}
	set(api.HeaderReplay, m.replay)
	set("traceparent", m.traceparent)
	return outgoing{url: r.target.URL(m.call), configured: r.configured, header: header, body: m.body}
}

// exchange is what whoever watches or listens is shown of it.
func (o outgoing) exchange(id string) relation.Exchange {
	header := make(http.Header, len(o.header))
	for name, values := range o.header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return relation.Exchange{ID: id, Query: o.query(), Header: header, Body: o.body}
}

// query is what Kith appended to the configured URL.
func (o outgoing) query() string {
	return strings.TrimPrefix(strings.TrimPrefix(o.url.RawQuery, o.configured), "&")
}
