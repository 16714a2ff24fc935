package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/kithchat/kith/api"
)

// Event is what every callback carries besides its payload.
type Event struct {
	// ID is the event's id, the same at every attempt and replay (header webhook-id). It is empty when the sender is not
	// Kith.
	ID string
	// Attempt is the attempt's number, from 1 (header kith-attempt). It is 0 when the sender did not say.
	Attempt int
	// Sequence is the event's number among those of its From_Account, which only rises (header kith-sequence). Apply an
	// event to a pair only if its Sequence is higher than that of the last one applied to this pair: then neither replays
	// nor repetitions put an old state back. It is 0 when the sender did not say.
	Sequence int64
	// Replay is the id of the replay in which an operator had this event sent again (header kith-replay). It is empty when
	// this is the ordinary delivery.
	Replay string
	// Test says that an operator tries the endpoint (webhook-id begins with
	// test_): accounts and pairs are made up and nothing happened.
	// Functions see such events under Options.Tests only.
	Test bool
	// SDKAppID is the app that the change belongs to.
	SDKAppID uint32
	// Command is the callback command, such as [api.CallbackBlackListDelete].
	Command string
	// ClientIP is the address of who made the change, as sent.
	ClientIP string
	// OptPlatform is where the change was made, as sent. Some senders write macOS for [api.PlatformMac] and, in
	// State.StateChange, IOS for [api.PlatformIOS].
	OptPlatform string
}

// BlackListEvent reports entries that were added to or removed from blocklists.
type BlackListEvent struct {
	Event
	// Pairs are the changed entries in the order of the call that changed them. FromAccount owns the list, ToAccount
	// entered or left it. Neither is empty. Kith sends 1 to 1000 pairs; other senders may send none.
	Pairs []api.Pair
}

// UnknownEvent is a callback that no function was set for.
type UnknownEvent struct {
	Event
	// Body is the JSON object as received. The function may keep it.
	Body []byte
}

// decode checks the body and returns the call of the function that is set for its command.
func (h *Handler) decode(e Event, body []byte) (func(context.Context) error, *refusal) {
	body = bytes.TrimPrefix(body, byteOrderMark)
	if !utf8.Valid(body) {
		return nil, &refusal{http.StatusBadRequest, "the body is not UTF-8"}
	}
	if h.state != nil && e.Command == api.CallbackStateChange {
		return h.decodeState(e, body)
	}
	handle, ok := h.blackList[e.Command]
	if !ok {
		return h.decodeUnknown(e, body)
	}
	var payload api.BlackListCallback
	if json.Unmarshal(body, &payload) != nil {
		return nil, &refusal{http.StatusBadRequest, "the body is not a JSON object with CallbackCommand and a PairList of " +
			"From_Account and To_Account as strings"}
	}
	if refused := sameCommand(e.Command, payload.CallbackCommand); refused != nil {
		return nil, refused
	}
	for _, p := range payload.PairList {
		if p.FromAccount == "" || p.ToAccount == "" {
			return nil, &refusal{http.StatusBadRequest, "a pair of PairList lacks From_Account or To_Account"}
		}
	}
	event := BlackListEvent{Event: e, Pairs: payload.PairList}
	return func(ctx context.Context) error { return handle(ctx, event) }, nil
}

func (h *Handler) decodeUnknown(e Event, body []byte) (func(context.Context) error, *refusal) {
	var payload struct{ CallbackCommand string }
	if json.Unmarshal(body, &payload) != nil {
		return nil, &refusal{http.StatusBadRequest, "the body is not a JSON object with CallbackCommand"}
	}
	if refused := sameCommand(e.Command, payload.CallbackCommand); refused != nil {
		return nil, refused
	}
	return func(ctx context.Context) error {
		if h.unknown == nil {
			return nil
		}
		return h.unknown(ctx, UnknownEvent{Event: e, Body: body})
	}, nil
}

func sameCommand(query, body string) *refusal {
	if query == body {
		return nil
	}
	return &refusal{http.StatusBadRequest, "CallbackCommand of the query and of the body differ"}
}
