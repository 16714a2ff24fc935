package webhook

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/kithchat/kith/api"
)

// refusal is why a request is not handed to the app's functions.
type refusal struct {
	status int
	info   string
}

// verify checks everything that is known before the body is read.
func (h *Handler) verify(r *http.Request) (Event, *refusal) {
	if r.Method != http.MethodPost {
		return Event{}, &refusal{http.StatusMethodNotAllowed, "a callback must be sent with POST"}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Event{}, &refusal{http.StatusBadRequest, "the query is malformed"}
	}
	for _, name := range reserved {
		if len(query[name]) > 1 {
			return Event{}, &refusal{http.StatusBadRequest, "the query holds " + name + " more than once"}
		}
	}
	app, refused := h.verifyApp(query.Get(api.QuerySdkAppid))
	if refused != nil {
		return Event{}, refused
	}
	if refused := h.verifySign(query.Get(api.QuerySign), query.Get(api.QueryRequestTime)); refused != nil {
		return Event{}, refused
	}
	command := query.Get(api.QueryCallbackCommand)
	if command == "" {
		return Event{}, &refusal{http.StatusBadRequest, "the query lacks CallbackCommand"}
	}
	event, refused := readHeader(r.Header)
	if refused != nil {
		return Event{}, refused
	}
	event.SDKAppID, event.Command = app, command
	event.ClientIP, event.OptPlatform = query.Get(api.QueryClientIP), query.Get(api.QueryOptPlatform)
	return event, nil
}

func (h *Handler) verifyApp(text string) (uint32, *refusal) {
	app, err := strconv.ParseUint(text, 10, 32)
	if err != nil || app == 0 {
		return 0, &refusal{http.StatusBadRequest, "the query lacks SdkAppid, or it is not an app id"}
	}
	if h.app != 0 && uint32(app) != h.app {
		return 0, &refusal{http.StatusForbidden, "SdkAppid is not the app of this receiver: send it to the app's own URL, " +
			"or correct the SDKAppID that the receiver was given"}
	}
	return uint32(app), nil
}

func (h *Handler) verifySign(sign, requestTime string) *refusal {
	if len(h.tokens) == 0 {
		return nil
	}
	if sign == "" || requestTime == "" {
		return &refusal{http.StatusForbidden, "Sign or RequestTime is missing: set the app's Token at the sender"}
	}
	// 36 bits of seconds reach the year 4147, and keep the arithmetic below from overflowing.
	seconds, err := strconv.ParseUint(requestTime, 10, 36)
	if err != nil {
		return &refusal{http.StatusForbidden, "RequestTime is not a time in Unix seconds"}
	}
	if !signedByAny(h.tokens, int64(seconds), sign) {
		return &refusal{http.StatusForbidden, "Sign is wrong: set the same Token at the sender and at the receiver"}
	}
	now := time.Unix(h.now().Unix(), 0) // RequestTime has no fraction either
	if now.Sub(time.Unix(int64(seconds), 0)).Abs() > h.skew {
		return &refusal{http.StatusForbidden, "RequestTime is too far from the receiver's clock: " +
			"set both clocks, and sign freshly at every attempt"}
	}
	return nil
}

// readSigned reads the headers that Secrets are verified with, and the age of the request.
func (h *Handler) readSigned(header http.Header) (signed, *refusal) {
	if h.secrets == nil {
		return signed{}, nil
	}
	s, err := readSigned(header, h.now(), h.skew)
	if err != nil {
		return signed{}, &refusal{http.StatusForbidden, err.Error()}
	}
	return s, nil
}

func (h *Handler) verifySigned(s signed, body []byte) *refusal {
	if h.secrets == nil {
		return nil
	}
	if err := h.secrets.verify(s, body); err != nil {
		return &refusal{http.StatusForbidden, err.Error()}
	}
	return nil
}

func (h *Handler) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.maxBody))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return nil, &refusal{http.StatusRequestEntityTooLarge, "the body is longer than " +
			strconv.FormatInt(h.maxBody, 10) + " bytes: raise the receiver's MaxBody"}
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "the body could not be read to its end"}
	}
	return body, nil
}
