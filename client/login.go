package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/coder/websocket"

	"github.com/kithchat/kith/api"
)

// maxRead is the largest frame that is read, in bytes. A page of 1000 entries has 100 KB.
const maxRead = 8 << 20

// connect makes a connection and logs in on it.
func (s *Session) connect() (*link, error) {
	sig, err := s.ticket()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.o.Timeout)
	ws, res, err := websocket.Dial(ctx, s.o.URL, &websocket.DialOptions{HTTPClient: s.http})
	cancel()
	if err != nil {
		if res != nil {
			return nil, &Error{
				Command: "connection", Info: "the gateway's handshake was refused; check the URL",
				HTTPStatus: res.StatusCode, retryAfter: min(retryAfter(res.Header), maxPause),
			}
		}
		return nil, hide("connection", sig, err)
	}
	ws.SetReadLimit(maxRead)
	l := newLink(s.ctx, ws, sig, s.o.Timeout)
	if err := s.login(l, sig); err != nil {
		l.fail(err)
		_ = ws.CloseNow()
		return nil, err
	}
	return l, nil
}

// ticket returns the ticket to log in with.
func (s *Session) ticket() (string, error) {
	s.mu.Lock()
	sig := s.sig
	s.mu.Unlock()
	if sig != "" {
		return sig, nil
	}
	sig, err := s.newTicket(s.ctx)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sig, s.fresh = sig, true
	return sig, nil
}

func (s *Session) newTicket(ctx context.Context) (string, error) {
	s.tickets.Lock()
	defer s.tickets.Unlock()
	sig, err := s.o.UserSig(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("client: Options.UserSig: %w", err)
	case sig == "":
		return "", errors.New("client: Options.UserSig returned an empty ticket")
	}
	return sig, nil
}

// login sends the first frame and takes in its answer. From its return on, the link is the session's.
func (s *Session) login(l *link, sig string) error {
	const id = 1
	params, err := encodeParams(api.LoginParams{
		SDKAppID: s.o.SDKAppID, UserID: s.o.UserID, UserSig: sig, Platform: s.o.Platform, DeviceID: s.o.DeviceID,
		SDKVersion: s.o.Version, Blocklist: s.position(),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(l.ctx, s.o.Timeout)
	defer cancel()
	if err := l.ws.Write(ctx, websocket.MessageText, encodeFrame(id, api.MethodLogin, params)); err != nil {
		return ending(err, sig)
	}
	for {
		f, err := readFrame(ctx, l.ws)
		switch {
		case err != nil:
			return ending(err, sig)
		case f.method != "": // nothing that concerns a session which is not there yet
			continue
		case f.err != nil:
			return gatewayError(api.MethodLogin, f.err, sig)
		case f.id != id:
			return errFrame
		}
		l.lastID = id
		return s.loggedIn(l, f.body)
	}
}

func (s *Session) loggedIn(l *link, body json.RawMessage) error {
	var r api.LoginResult
	if err := json.Unmarshal(body, &r); err != nil {
		return errFrame
	}
	l.welcome(&r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link, s.met, s.trouble, s.fresh, s.refused = l, true, nil, false, 0
	s.updates.push(Connected{r.SessionID})
	s.catchUpLocked(l, r.Blocklist)
	s.wakeLocked()
	return nil
}

// notified takes in a notification.
func (s *Session) notified(l *link, f frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wakeLocked()
	switch f.method {
	case api.NotifyBlocklistChanged:
		var c api.BlocklistChange
		if json.Unmarshal(f.body, &c) != nil {
			return errFrame
		}
		s.changeLocked(l, c)
	case api.NotifyBlocklistReload:
		s.readLocked(l, nil)
	case api.NotifySessionExpiring:
		var e api.SessionExpiring
		if json.Unmarshal(f.body, &e) != nil {
			return errFrame
		}
		s.updates.push(Expiring{time.Unix(e.ExpireTime, 0)})
		s.renewLocked(l)
	case api.NotifySessionReconnect:
		var r api.SessionReconnect
		if json.Unmarshal(f.body, &r) != nil {
			return errFrame
		}
		l.after = time.Now().Add(time.Duration(min(max(r.AfterMS, 0), maxAskedMS)) * time.Millisecond)
	}
	return nil
}

// renewLocked gets a new ticket and tells the server, in the background.
func (s *Session) renewLocked(l *link) {
	if l.renewing {
		return
	}
	l.renewing = true
	s.running.Go(func() {
		for failed := 0; s.renew(l) != nil && l.ctx.Err() == nil; failed++ {
			_ = pauses.wait(l.ctx, failed, 0)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		l.renewing = false
	})
}

func (s *Session) renew(l *link) error {
	sig, err := s.newTicket(l.ctx)
	if err != nil {
		return err
	}
	params, err := encodeParams(api.RenewParams{UserSig: sig})
	if err != nil {
		return err
	}
	if _, err := l.call(l.ctx, api.MethodSessionRenew, params); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sig, s.fresh = sig, false
	return nil
}
