package client

import (
	"context"
	"time"

	"github.com/kithchat/kith/api"
)

// Info returns who and from where the session is, and the user's connected devices.
func (s *Session) Info(ctx context.Context) (Info, error) {
	var r api.SessionInfo
	if _, err := s.do(ctx, api.MethodSessionGet, nil, &r); err != nil {
		return Info{}, err
	}
	info := Info{SessionID: r.SessionID, ClientIP: r.ClientIP, Expires: time.Unix(r.ExpireTime, 0)}
	for _, d := range r.Devices {
		info.Devices = append(info.Devices, Device{d.DeviceID, d.Platform, time.Unix(d.LoginTime, 0), d.Current})
	}
	return info, nil
}

// Info is what the server knows of a session.
type Info struct {
	SessionID string
	ClientIP  string
	Expires   time.Time // of the UserSig
	Devices   []Device  // all of the user that are connected, this one included, oldest login first
}

// Device is a connected device of the user.
type Device struct {
	DeviceID string
	Platform string
	Login    time.Time
	Current  bool // the one that asks
}
