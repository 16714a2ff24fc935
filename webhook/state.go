package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/kithchat/kith/api"
)

// StateEvent reports that a user logged in, logged out, or lost the connection of a device. ClientIP and OptPlatform of its
// Event are the device's.
type StateEvent struct {
	Event
	// Time is when it happened, to the millisecond. It is zero when the sender did not say.
	Time time.Time
	// Account is the user. It is not empty.
	Account string
	// Action is [api.StateLogin], [api.StateLogout] or [api.StateDisconnect]. Other senders have more, such as
	// CustomStatusChange, and it is handed over as sent; leave alone what you do not know. It is not empty.
	Action string
	// Reason is why, as sent: [api.StateRegister], [api.StateUnregister], [api.StateLinkClose] or [api.StateTimeOut].
	Reason string
	// Kicked are the platforms of the devices that a login put out. No further event tells of them.
	Kicked []string
	// Body is the JSON object as received, for what other senders add. The function may keep it.
	Body []byte
}

// EncodeState returns the body of State.StateChange, byte for byte as documented:
//
//	{"CallbackCommand":"State.StateChange","EventTime":1767225661042,"Info":{"Action":"Login","To_Account":"mira.k","Reason":"Register"}}
//
// There are no blanks, no HTML escapes and no newline at the end. Without kicked devices there is no KickedDevice.
func EncodeState(c api.StateCallback) []byte {
	const frame, perDevice = 192, 32
	b := make([]byte, 0, frame+perDevice*len(c.KickedDevice))
	b = append(b, `{"CallbackCommand":`...)
	b = appendString(b, c.CallbackCommand)
	b = append(b, `,"EventTime":`...)
	b = strconv.AppendInt(b, c.EventTime, 10)
	b = append(b, `,"Info":{"Action":`...)
	b = appendString(b, c.Info.Action)
	b = append(b, `,"To_Account":`...)
	b = appendString(b, c.Info.ToAccount)
	b = append(b, `,"Reason":`...)
	b = appendString(b, c.Info.Reason)
	b = append(b, '}')
	for i, device := range c.KickedDevice {
		if i == 0 {
			b = append(b, `,"KickedDevice":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(b, `{"Platform":`...)
		b = appendString(b, device.Platform)
		b = append(b, '}')
	}
	if len(c.KickedDevice) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

// decodeState checks the body of State.StateChange and returns the call of its function.
func (h *Handler) decodeState(e Event, body []byte) (func(context.Context) error, *refusal) {
	var payload api.StateCallback
	if json.Unmarshal(body, &payload) != nil {
		return nil, &refusal{http.StatusBadRequest, "the body is not a JSON object with CallbackCommand, a whole number as " +
			"EventTime, an Info of Action, To_Account and Reason as strings, and a KickedDevice of Platform as strings"}
	}
	if refused := sameCommand(e.Command, payload.CallbackCommand); refused != nil {
		return nil, refused
	}
	if payload.Info.Action == "" || payload.Info.ToAccount == "" {
		return nil, &refusal{http.StatusBadRequest, "Info lacks Action or To_Account"}
	}
	if payload.EventTime < 0 {
		return nil, &refusal{http.StatusBadRequest, "EventTime is before 1970"}
	}
	event := StateEvent{
		Event: e, Account: payload.Info.ToAccount, Action: payload.Info.Action, Reason: payload.Info.Reason, Body: body,
	}
	if payload.EventTime > 0 {
		event.Time = time.UnixMilli(payload.EventTime)
	}
	for _, device := range payload.KickedDevice {
		if device.Platform == "" {
			return nil, &refusal{http.StatusBadRequest, "a device of KickedDevice lacks Platform"}
		}
		event.Kicked = append(event.Kicked, device.Platform)
	}
	return func(ctx context.Context) error { return h.state(ctx, event) }, nil
}
