package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/kithchat/kith/api"
)

const (
	// steady is how long a connection must have lasted for the pauses to begin anew.
	steady = 30 * time.Second
	// flaky bounds the pauses, as a number of failed tries, while a bad line lets logins through: 2 to 4 seconds.
	flaky = 3
	// soonest is the shortest pause between two connections.
	soonest = 50 * time.Millisecond
	// maxFresh is how many new tickets in a row may be refused before the session ends: then it is not their age.
	maxFresh = 3
)

// pauses are those between two tries to connect, or to make a call that was refused for now.
var pauses = backoff{first: 500 * time.Millisecond, most: 30 * time.Second}

// Session is a user's connection to the gateway, made again whenever it is lost. Make one with Dial, and Close it. It is safe
// for concurrent use.
type Session struct {
	o       Options
	http    *http.Client
	ownHTTP bool
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}
	running sync.WaitGroup
	tickets sync.Mutex // held while Options.UserSig is called

	mu      sync.Mutex
	changed chan struct{} // closed with the next change of what is below; nil while nobody waits
	link    *link         // nil while not logged in
	met     bool          // it was logged in, once at least
	err     error         // why the session ended
	trouble error         // why there is no connection
	sig     string        // the ticket to log in with; empty: get one
	fresh   bool          // sig was never accepted
	refused int           // new tickets refused in a row
	list    *listCopy     // nil before it was read
	reading *reading      // the list is being read; the copy stays as it was
	updates backlog
}

// Dial connects and logs in. It goes on trying until that succeeds, ctx ends, or the server says to stop; later losses of the
// connection are repaired by the Session. ctx bounds Dial only.
func Dial(ctx context.Context, o Options) (*Session, error) {
	o, err := o.check()
	if err != nil {
		return nil, err
	}
	s := &Session{o: o, done: make(chan struct{}), updates: backlog{limit: o.Backlog}}
	s.http, s.ownHTTP = httpClient(o.HTTPClient)
	if o.Blocklist != nil {
		s.list = copyOf(o.Blocklist)
		s.updates.push(Synced{})
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.running.Go(s.run)
	met := false // also of a session that has ended since
	err = s.until(ctx, func() bool { met = s.met; return met || s.err != nil })
	switch trouble := s.lastTrouble(); {
	case met:
	case err == nil:
		err = s.Err()
	case trouble != nil:
		err = fmt.Errorf("%w; last failure: %w", err, trouble)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// run connects, and connects again, until the session ends.
func (s *Session) run() {
	defer close(s.done)
	for failed := 0; ; failed++ {
		l, err := s.connect()
		began := time.Now()
		var after time.Time
		if err == nil {
			err = l.run(func(f frame) error { return s.notified(l, f) })
			after = s.unlink(l)
			if asError(err) == nil {
				failed = min(failed, flaky)
			}
		}
		if time.Since(began) >= steady || !after.IsZero() {
			failed = 0
		}
		if over := s.judge(err); over != nil {
			s.end(over)
			return
		}
		s.disconnected(err)
		pause := max(pauses.pause(failed, rand.Float64()), asked(err))
		if !after.IsZero() {
			pause = max(time.Until(after), soonest) // spread over the clients by the server
		}
		_ = sleep(s.ctx, pause) // judge sees the end of the session
	}
}

// judge returns why the session is over, or nil if it goes on after err.
func (s *Session) judge(err error) error {
	if s.ctx.Err() != nil || errors.Is(err, errLoggedOut) {
		return ErrClosed
	}
	if errors.Is(err, ErrNoTicket) {
		return err
	}
	e := asError(err)
	if e == nil {
		return nil
	}
	switch adviceOf(e.Refusal) {
	case stop, fix:
		return e
	case login:
		return s.dropTicket(e)
	case retry:
	}
	return nil
}

// dropTicket forgets a ticket that was refused. It returns the refusal when that does not help.
func (s *Session) dropTicket(why *Error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sig = ""
	if s.fresh {
		s.refused++
	}
	if s.refused >= maxFresh {
		return why
	}
	return nil
}

// unlink takes the link off and returns when the server said to come back.
func (s *Session) unlink(l *link) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link, s.reading = nil, nil
	s.wakeLocked()
	return l.after
}

func (s *Session) disconnected(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble == nil { // once for each loss, not for each try
		s.updates.push(Disconnected{err})
	}
	s.trouble = err
	s.wakeLocked()
}

func (s *Session) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	s.updates.push(Ended{err})
	s.cancel()
	s.wakeLocked()
}

// Close ends the session without logging out, and waits for its goroutines. Closing twice is safe.
func (s *Session) Close() {
	s.cancel()
	s.running.Wait()
	if s.ownHTTP {
		s.http.CloseIdleConnections()
	}
}

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err returns why the session ended, as in Ended, and nil while it goes on.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *Session) lastTrouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}

// DeviceID returns the device id that the session logs in with.
func (s *Session) DeviceID() string { return s.o.DeviceID }

// until waits until ready, which is called under the lock, returns true.
func (s *Session) until(ctx context.Context, ready func() bool) error {
	for {
		s.mu.Lock()
		if ready() {
			s.mu.Unlock()
			return nil
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("client: %w", ctx.Err())
		}
	}
}

// wakeLocked wakes who waits in until.
func (s *Session) wakeLocked() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// position returns where the copy stands, nil if there is none.
func (s *Session) position() *api.BlocklistPosition {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil {
		return nil
	}
	at := s.list.at
	return &at
}
