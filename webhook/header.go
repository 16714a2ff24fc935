package webhook

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/kithchat/kith/api"
)

// maxID bounds webhook-id and kith-replay, so that what is remembered takes bounded memory. Kith's have 36 bytes.
const maxID = 256

// readHeader takes what the headers say of an event. Except for webhook-id no signature covers them, so a number that is
// none is taken as unknown, not as a failure. What makes a test is its id: with kith-test alone somebody on the way could have
// a real event ignored, and without it have made-up pairs acted upon.
func readHeader(h http.Header) (Event, *refusal) {
	e := Event{
		ID:       h.Get(api.HeaderWebhookID),
		Attempt:  int(number(h.Get(api.HeaderAttempt), 31)),
		Sequence: number(h.Get(api.HeaderSequence), 63),
		Replay:   h.Get(api.HeaderReplay),
		Test:     strings.HasPrefix(h.Get(api.HeaderWebhookID), api.TestIDPrefix),
	}
	if h.Get(api.HeaderTest) != "" && !e.Test {
		return Event{}, &refusal{http.StatusBadRequest, "the header kith-test is set, but webhook-id is not that of a test: " +
			"it must begin with " + api.TestIDPrefix}
	}
	if len(e.ID) > maxID {
		return Event{}, &refusal{http.StatusBadRequest, "the header webhook-id is longer than 256 bytes"}
	}
	if len(e.Replay) > maxID {
		return Event{}, &refusal{http.StatusBadRequest, "the header kith-replay is longer than 256 bytes"}
	}
	return e, nil
}

// number reads a whole number of so many bits, 0 for anything else.
func number(text string, bits int) int64 {
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return 0
	}
	return int64(n)
}
