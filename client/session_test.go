package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/api"
)

// item is the answer to a change of one target.
func item(id string, code api.Code, info string) api.BlocklistResult {
	return api.BlocklistResult{ResultItem: []api.BlockResult{{ToAccount: id, ResultCode: code, ResultInfo: info}}}
}

func isItem(t *testing.T, items []ItemResult, err error, want ItemResult) {
	t.Helper()
	if err != nil || len(items) != 1 || items[0] != want {
		t.Errorf("got %+v, %v, want %+v", items, err, want)
	}
}

// Each method's request and answer. The change that a call makes is there before its answer.
func TestSessionCalls(t *testing.T) {
	play(t, nil, []func(*peer){func(p *peer) {
		p.begin()
		var targets api.BlocklistTargets
		id := p.expect(api.MethodBlocklistAdd, &targets)
		p.add(2, targets.ToAccount...)
		p.answer(id, item("<&>", 0, ""))
		id = p.expect(api.MethodBlocklistRemove, nil)
		p.answer(id, item("b", api.CodeParameter, api.InfoBlockNotListed))
		id = p.expect(api.MethodBlocklistCheck, nil)
		p.answer(id, api.BlocklistCheckResult{BlackListCheckItem: []api.BlockCheckResult{{ToAccount: "c", Relation: api.BlackAWithB}}})
		id = p.expect(api.MethodSessionGet, nil)
		p.answer(id, api.SessionInfo{SessionID: "s1", ClientIP: "198.51.100.7", ExpireTime: 9, Devices: []api.SessionDevice{{DeviceID: "d1", Current: true}}})
		id = p.expect(api.MethodBlocklistAdd, nil)
		p.refuse(id, api.GatewayError{Code: api.CodeParameter, Message: "empty", Data: api.GatewayErrorData{Refusal: api.RefusalCall}})
		p.hold()
	}}, func(st *stage, s *Session) {
		ctx := st.t.Context()
		items, err := s.Block(ctx, "<&>")
		isItem(st.t, items, err, ItemResult{UserID: "<&>"})
		if list, err := s.Blocklist(ctx); err != nil || list.Sequence != 2 || list.Entries[0].UserID != "<&>" {
			st.t.Errorf("after Block: %+v, %v", list, err)
		}
		items, err = s.Unblock(ctx, "b")
		isItem(st.t, items, err, ItemResult{"b", api.CodeParameter, api.InfoBlockNotListed})
		states, err := s.CheckBlocks(ctx, "c")
		if err != nil || len(states) != 1 || !states[0].Blocks || states[0].BlockedBy {
			st.t.Errorf("%+v, %v", states, err)
		}
		info, err := s.Info(ctx)
		if err != nil || info.ClientIP != "198.51.100.7" || len(info.Devices) != 1 || !info.Devices[0].Current {
			st.t.Errorf("%+v, %v", info, err)
		}
		_, err = s.Block(ctx, "d")
		if e := asError(err); e == nil || e.Code != api.CodeParameter || e.Refusal != api.RefusalCall || e.Temporary() || e.Command != "blocklist.add" {
			st.t.Errorf("got %v", err)
		}
	})
}

// A call whose connection is lost is made again, and what it did already counts as done; one that waits for its turn is not.
func TestSessionCallIsMadeAgain(t *testing.T) {
	for name, c := range map[string]struct {
		first func(*peer)
		want  ItemResult
	}{
		"its connection was lost": {func(p *peer) {
			p.begin()
			p.expect(api.MethodBlocklistAdd, nil)
		}, ItemResult{UserID: "b"}},
		"there was none": {func(p *peer) { p.begin() }, ItemResult{"b", api.CodeParameter, api.InfoBlockExists}},
		"it was refused for now, undecided": {func(p *peer) {
			p.begin()
			id := p.expect(api.MethodBlocklistAdd, nil)
			p.refuse(id, api.GatewayError{Code: api.CodeServiceTimeout, Data: api.GatewayErrorData{Refusal: api.RefusalUnavailable, RetryAfterMS: 1000}})
			p.expect(api.MethodBlocklistAdd, nil)
		}, ItemResult{UserID: "b"}},
		"it was too fast": {func(p *peer) {
			p.begin()
			id := p.expect(api.MethodBlocklistAdd, nil)
			p.refuse(id, api.GatewayError{Code: api.CodeAPIRate, Data: api.GatewayErrorData{Refusal: api.RefusalRate, RetryAfterMS: 50}})
			time.Sleep(100 * time.Millisecond) // virtual: the pause is not over
		}, ItemResult{"b", api.CodeParameter, api.InfoBlockExists}},
		"the server is silent": {func(p *peer) {
			p.begin()
			p.expect(api.MethodBlocklistAdd, nil)
			p.read() // until the client gives up
		}, ItemResult{UserID: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, []func(*peer){c.first, func(p *peer) {
				p.resume(1)
				id := p.expect(api.MethodBlocklistAdd, nil)
				p.answer(id, item("b", api.CodeParameter, api.InfoBlockExists))
				p.hold()
			}}, func(st *stage, s *Session) {
				sees(st.t, s, Connected{}, synced(1))
				if name == "there was none" {
					sees(st.t, s, Disconnected{})
				}
				items, err := s.Block(st.t.Context(), "b")
				isItem(st.t, items, err, c.want)
			})
		})
	}
}

// A call waits for a connection no longer than its context lasts, and says why there is none.
func TestSessionCallWithoutConnection(t *testing.T) {
	play(t, nil, []func(*peer){func(p *peer) { p.begin() }}, func(st *stage, s *Session) {
		sees(st.t, s, Connected{}, synced(1))
		_ = st.wires.Close()
		sees(st.t, s, Disconnected{})
		ctx, cancel := context.WithTimeout(st.t.Context(), time.Minute)
		defer cancel()
		_, err := s.Block(ctx, "b")
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "connection refused") {
			st.t.Errorf("got %v", err)
		}
	})
}

// What a close frame's code makes the session do.
func TestSessionEndsAndReturns(t *testing.T) {
	type fate uint8
	const (
		again fate = iota
		anew
		over
	)
	fates := map[api.Refusal]fate{
		api.RefusalRestart: again, api.RefusalSlow: again, api.RefusalHeartbeat: again, api.RefusalRate: again,
		api.RefusalReplaced: again, 4099: again, 1000: again, 1011: again, 4999: again,
		api.RefusalExpired: anew, api.RefusalRevoked: anew, api.RefusalKeyDropped: anew, 4199: anew,
		api.RefusalKicked: over, api.RefusalApp: over, api.RefusalDeleted: over, 4299: over,
	}
	for why, fate := range fates {
		t.Run(fmt.Sprint(why), func(t *testing.T) {
			scenes := []func(*peer){func(p *peer) {
				p.begin()
				p.close(why)
			}}
			if fate != over {
				scenes = append(scenes, func(p *peer) {
					want := map[bool]string{false: "ticket-1", true: "ticket-2"}[fate == anew]
					if login := p.resume(1); login.UserSig != want {
						p.t.Errorf("came back with %s, want %s", login.UserSig, want)
					}
					p.hold()
				})
			}
			play(t, nil, scenes, func(st *stage, s *Session) {
				sees(st.t, s, Connected{}, synced(1))
				if fate != over {
					sees(st.t, s, Disconnected{}, Connected{})
					return
				}
				u, ok := next(st.t, s).(Ended)
				if e := asError(s.Err()); !ok || e == nil || e.Refusal != why || e.Info != "because" || u.Kicked() != (why == api.RefusalKicked) {
					st.t.Errorf("%+v, %v", u, s.Err())
				}
				if _, err := s.Block(st.t.Context(), "b"); asError(err) == nil || asError(err).Refusal != why {
					st.t.Errorf("a call after the end: %v", err)
				}
				<-s.Done()
			})
		})
	}
}

// A login that is refused: when it is tried again, with which ticket, and when not.
func TestSessionLoginRefused(t *testing.T) {
	refused := func(code api.Code, why api.Refusal, after int64) func(*peer) {
		return func(p *peer) {
			id := p.expect(api.MethodLogin, nil)
			p.refuse(id, api.GatewayError{Code: code, Message: "no", Data: api.GatewayErrorData{Refusal: why, RetryAfterMS: after}})
			p.close(why)
		}
	}
	expired := refused(api.CodeTicketExpired, api.RefusalExpired, 0)
	for name, c := range map[string]struct {
		scenes  []func(*peer)
		refusal api.Refusal // 0: it succeeds in the end
		tickets int32
		least   time.Duration
	}{
		"for a minute": {[]func(*peer){refused(api.CodeTooManyFailures, api.RefusalFailures, 60000)}, 0, 1, time.Minute},
		"for its age":  {[]func(*peer){expired, expired}, 0, 3, 0},
		"for its age, again and again": {
			[]func(*peer){expired, expired, expired}, api.RefusalExpired, 3, 0,
		},
		"for good": {[]func(*peer){refused(api.CodeTicketMalformed, api.RefusalTicket, 0)}, api.RefusalTicket, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			scenes := c.scenes
			if c.refusal == 0 {
				scenes = append(scenes, func(p *peer) {
					p.begin()
					p.hold()
				})
			}
			rehearse(t, nil, scenes, func(st *stage) {
				start := time.Now()
				s, err := Dial(st.t.Context(), st.options)
				if err == nil {
					defer s.Close()
				}
				if err == nil {
					sees(st.t, s, Disconnected{}, Connected{}, synced(1))
				}
				if c.refusal == 0 && err != nil || c.refusal != 0 && (asError(err) == nil || asError(err).Refusal != c.refusal) {
					st.t.Errorf("got %v", err)
				}
				if n := st.tickets.Load(); n != c.tickets || time.Since(start) < c.least {
					st.t.Errorf("%d tickets, after %v", n, time.Since(start))
				}
			})
		})
	}
}

// lateContext has who waits for it come late.
type lateContext struct {
	context.Context
	come <-chan struct{}
}

func (c lateContext) Done() <-chan struct{} {
	<-c.come
	return c.Context.Done()
}

// TestDialOfABriefSession: a session that has ended before Dial's caller had a processor is one that began.
func TestDialOfABriefSession(t *testing.T) {
	rehearse(t, nil, []func(*peer){func(p *peer) {
		p.begin()
		p.close(api.RefusalKicked)
	}}, func(st *stage) {
		come := make(chan struct{})
		go func() {
			synctest.Wait()
			close(come)
		}()
		s, err := Dial(lateContext{st.t.Context(), come}, st.options)
		if err != nil {
			st.t.Fatal(err)
		}
		defer s.Close()
		if sees(st.t, s, Connected{}, synced(1)); s.Err() == nil {
			st.t.Error("it goes on")
		}
	})
}

// Dial gives up with its context, and says what went wrong, without the ticket.
func TestDialGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*stage)
		want   string
	}{
		"nobody listens": {func(st *stage) { _ = st.wires.Close() }, "connection refused"},
		"not a gateway":  {func(st *stage) { st.options.URL = "ws://kith.test/other" }, "check the URL"},
		"no ticket": {func(st *stage) {
			st.options.UserSig = func(context.Context) (string, error) { return "", errors.New("backend is away") }
		}, "backend is away"},
		"an empty ticket": {func(st *stage) {
			st.options.UserSig = func(context.Context) (string, error) { return "", nil }
		}, "empty ticket"},
	} {
		t.Run(name, func(t *testing.T) {
			rehearse(t, nil, nil, func(st *stage) {
				c.change(st)
				ctx, cancel := context.WithTimeout(st.t.Context(), time.Minute)
				defer cancel()
				_, err := Dial(ctx, st.options)
				if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "ticket-1") {
					st.t.Errorf("got %v", err)
				}
			})
		})
	}
}

// The ticket is renewed on the connection, whatever goes wrong at first, and the next login uses the new one.
func TestSessionRenewsTicket(t *testing.T) {
	play(t, nil, []func(*peer){
		func(p *peer) {
			p.begin()
			p.notify(api.NotifySessionExpiring, api.SessionExpiring{ExpireTime: 77})
			var renew api.RenewParams
			id := p.expect(api.MethodSessionRenew, &renew)
			p.refuse(id, api.GatewayError{Code: api.CodeTicketExpired, Data: api.GatewayErrorData{Refusal: api.RefusalExpired}})
			id = p.expect(api.MethodSessionRenew, &renew)
			if renew.UserSig != "ticket-3" {
				p.t.Errorf("renewed with %s", renew.UserSig)
			}
			p.answer(id, api.SessionExpiring{ExpireTime: 99})
			p.expect(api.MethodPing, nil)
		},
		func(p *peer) {
			if login := p.resume(1); login.UserSig != "ticket-3" {
				p.t.Errorf("came back with %s", login.UserSig)
			}
			p.hold()
		},
	}, func(st *stage, s *Session) {
		sees(st.t, s, Connected{}, synced(1))
		if u, ok := next(st.t, s).(Expiring); !ok || u.At.Unix() != 77 {
			st.t.Errorf("got %+v", u)
		}
		sees(st.t, s, Disconnected{}, Connected{})
	})
}

// A server that restarts says when to come back.
func TestSessionReturnsWhenTold(t *testing.T) {
	var left, back time.Time
	play(t, nil, []func(*peer){
		func(p *peer) {
			p.begin()
			p.notify(api.NotifySessionReconnect, api.SessionReconnect{AfterMS: 5000})
			left = time.Now()
			p.close(api.RefusalRestart)
		},
		func(p *peer) {
			back = time.Now()
			p.resume(1)
			p.hold()
		},
	}, func(st *stage, s *Session) {
		sees(st.t, s, Connected{}, synced(1), Disconnected{}, Connected{})
		if back.Sub(left) != 5*time.Second {
			st.t.Errorf("came back after %v", back.Sub(left))
		}
	})
}

// Something is sent before the server's patience ends, and a server that is silent is left.
func TestSessionHeartbeat(t *testing.T) {
	play(t, nil, []func(*peer){
		func(p *peer) {
			p.begin()
			start := time.Now()
			id := p.expect(api.MethodPing, nil)
			if d := time.Since(start); d > 25*time.Second || d < 10*time.Second {
				p.t.Errorf("the first ping came after %v", d)
			}
			p.answer(id, struct{}{})
			p.expect(api.MethodPing, nil)
			asked := time.Now()
			p.read()
			if d := time.Since(asked); d != 10*time.Second {
				p.t.Errorf("left a silent server after %v", d)
			}
		},
		func(p *peer) {
			p.resume(1)
			p.hold()
		},
	}, func(st *stage, s *Session) {
		sees(st.t, s, Connected{}, synced(1), Disconnected{}, Connected{})
	})
}

// Frames that are not of the protocol end the connection, not the session.
func TestSessionMeetsNonsense(t *testing.T) {
	play(t, nil, []func(*peer){
		func(p *peer) {
			p.begin()
			p.answer([]byte("4711"), struct{}{})
			p.read()
		},
		func(p *peer) {
			p.resume(1)
			p.notify("unheard.of", struct{}{})
			p.notify(api.NotifyBlocklistChanged, 7)
			p.read()
		},
		func(p *peer) {
			p.resume(1)
			p.hold()
		},
	}, func(st *stage, s *Session) {
		sees(st.t, s, Connected{}, synced(1), Disconnected{}, Connected{}, Disconnected{}, Connected{})
	})
}

// Logout ends the session for good; so does Close, whatever goes on.
func TestSessionLogoutAndClose(t *testing.T) {
	play(t, nil, []func(*peer){func(p *peer) {
		p.begin()
		p.answer(p.expect(api.MethodLogout, nil), struct{}{})
		p.close(1000)
	}}, func(st *stage, s *Session) {
		sees(st.t, s, Connected{}, synced(1))
		if err := s.Logout(st.t.Context()); err != nil || !errors.Is(s.Err(), ErrClosed) {
			st.t.Errorf("%v, then %v", err, s.Err())
		}
		sees(st.t, s, Ended{})
	})
	play(t, nil, []func(*peer){func(p *peer) {
		p.begin()
		p.expect(api.MethodBlocklistAdd, nil)
		p.read()
	}}, func(st *stage, s *Session) {
		var calls sync.WaitGroup
		calls.Go(func() {
			if _, err := s.Block(st.t.Context(), "b"); !errors.Is(err, ErrClosed) {
				st.t.Errorf("a call under way: %v", err)
			}
		})
		synctest.Wait()
		s.Close()
		s.Close()
		calls.Wait()
		n := 0
		for range s.Updates(st.t.Context()) {
			n++
		}
		if n != 3 {
			st.t.Errorf("%d updates, want Connected, Synced, Ended", n)
		}
	})
}

// Calls from many goroutines get their own answers, also when the answers of some are awaited no more.
func TestSessionConcurrentCalls(t *testing.T) {
	const callers, each = 20, 10
	play(t, nil, []func(*peer){func(p *peer) {
		p.begin()
		for f := p.read(); f.Method != ""; f = p.read() {
			if f.Method == api.MethodPing {
				continue
			}
			var targets api.BlocklistTargets
			if err := json.Unmarshal(f.Params, &targets); err != nil {
				p.t.Error(err)
				return
			}
			p.answer(f.ID, item(targets.ToAccount[0], 0, ""))
		}
	}}, func(st *stage, s *Session) {
		var calls sync.WaitGroup
		for i := range callers {
			calls.Go(func() {
				for j := range each {
					id := fmt.Sprint(i*each + j)
					ctx, cancel := context.WithCancel(st.t.Context())
					if i%4 == 0 {
						cancel()
						_, _ = s.Block(ctx, id)
						continue
					}
					items, err := s.Block(ctx, id)
					isItem(st.t, items, err, ItemResult{UserID: id})
					cancel()
				}
			})
		}
		calls.Wait()
	})
}

// A backend that has no ticket for the user any more ends the session: nobody tries again.
func TestNoTicketEndsTheSession(t *testing.T) {
	var gone atomic.Bool
	expired := api.RefusalExpired
	play(t, func(o *Options) {
		sig := o.UserSig
		o.UserSig = func(ctx context.Context) (string, error) {
			if gone.Load() {
				return "", fmt.Errorf("the user was locked: %w", ErrNoTicket)
			}
			return sig(ctx)
		}
	}, []func(*peer){func(p *peer) {
		p.begin()
		p.wait()
		p.close(expired)
	}}, func(st *stage, s *Session) {
		sees(st.t, s, Connected{}, synced(1))
		gone.Store(true)
		st.next()
		<-s.Done()
		if !errors.Is(s.Err(), ErrNoTicket) {
			st.t.Errorf("ended with %v", s.Err())
		}
	})
}
