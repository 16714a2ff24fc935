package client

import "github.com/kithchat/kith/api"

// advice is what the range of a refusal tells a client to do.
type advice uint8

const (
	retry advice = iota // the same again, after a pause
	login               // connect with a new UserSig
	stop
	fix // the call
)

// adviceOf reads the range of a refusal. What is outside of all ranges is a connection that was lost.
func adviceOf(r api.Refusal) advice {
	switch {
	case r >= 4100 && r < 4200:
		return login
	case r >= 4200 && r < 4300:
		return stop
	case r >= 4300 && r < 4400:
		return fix
	}
	return retry
}
