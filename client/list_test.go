package client

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kithchat/kith/api"
)

// reload is what a login says to a client without a copy.
func reload(sequence int64) api.BlocklistNews {
	return api.BlocklistNews{BlocklistPosition: at(sequence), Reload: true}
}

// The whole list first, then each change once and in order; what is known already is ignored.
func TestListIsReadAndFollowed(t *testing.T) {
	play(t, nil, []func(*peer){func(p *peer) {
		if login := p.welcome(reload(5)); login.Blocklist != nil || login.UserSig != "ticket-1" || login.UserID != "mira" ||
			login.SDKAppID != testApp || login.Platform != "Web" || login.DeviceID != "d1" || login.SDKVersion != sdkVersion {
			p.t.Errorf("login %+v", login)
		}
		p.page("", "", at(5), "a", "b")
		p.wait()
		p.add(5, "b")
		p.add(6, "c", "d")
		p.add(6, "c", "d")
		p.remove(7, "a")
		p.hold()
	}}, func(st *stage, s *Session) {
		sees(st.t, s, Connected{}, synced(5, "a", "b"))
		st.next()
		sees(st.t, s, added(6, "c", "d"), removed(7, "a"))
		list, err := s.Blocklist(st.t.Context())
		if err != nil || look(Synced{list}) != look(synced(7, "b", "c", "d")) || list.List != "L" {
			st.t.Errorf("%+v, %v", list, err)
		}
	})
}

// Pages are of different moments; the changes between them make one list of them.
func TestListChangesWhilePagesAreRead(t *testing.T) {
	play(t, nil, []func(*peer){func(p *peer) {
		p.welcome(reload(5))
		p.page("", "c1", at(5), "a", "b", "c")
		p.remove(6, "a")
		p.add(7, "x")
		p.page("c1", "c2", at(8), "d", "x", "y")
		p.add(8, "y")
		p.remove(9, "x")
		p.add(10, "a")
		p.page("c2", "", at(10), "e", "a")
		p.wait()
		p.add(11, "z")
		p.hold()
	}}, func(st *stage, s *Session) {
		sees(st.t, s, Connected{}, synced(10, "b", "c", "d", "e", "y", "a"))
		st.next()
		sees(st.t, s, added(11, "z"))
	})
}

// A page may show a change before it is told. Until then the list is no list that ever was.
func TestListWaitsForChangesThatAPageShows(t *testing.T) {
	play(t, nil, []func(*peer){func(p *peer) {
		p.welcome(reload(5))
		p.page("", "c1", at(5), "a", "b")
		p.page("c1", "", at(7), "c") // 6 took a off, 7 added c
		p.wait()
		p.remove(6, "a")
		p.add(7, "c")
		p.hold()
	}}, func(st *stage, s *Session) {
		sees(st.t, s, Connected{})
		synctest.Wait()
		if s.list != nil {
			st.t.Errorf("took %+v over", s.list)
		}
		st.next()
		sees(st.t, s, synced(7, "b", "c"))
	})
}

// What begins the reading anew, and what the list is then.
func TestListIsReadAgain(t *testing.T) {
	for name, c := range map[string]struct {
		after func(*peer) // the list of TestBegin at 1 is there
		want  Update
	}{
		"a change is missing": {func(p *peer) {
			p.add(3, "c")
			p.page("", "", at(3), "b", "c")
		}, synced(3, "b", "c")},
		"told to": {func(p *peer) {
			p.notify(api.NotifyBlocklistReload, api.BlocklistPosition{List: "M", Sequence: 2})
			p.page("", "", api.BlocklistPosition{List: "M", Sequence: 2}, "m")
		}, synced(2, "m")},
		"told to while pages are read": {func(p *peer) {
			p.add(3, "c")
			p.page("", "c1", at(3), "gone")
			p.notify(api.NotifyBlocklistReload, at(9))
			p.page("c1", "", at(9), "also gone")
			p.page("", "", at(9), "i")
		}, synced(9, "i")},
		"the list is another one while pages are read": {func(p *peer) {
			p.add(3, "c")
			p.page("", "c1", at(3), "gone")
			p.page("c1", "", api.BlocklistPosition{List: "M", Sequence: 3}, "m")
			p.page("", "", api.BlocklistPosition{List: "M", Sequence: 3}, "m")
		}, synced(3, "m")},
		"a change is missing while pages are read": {func(p *peer) {
			p.add(3, "c")
			p.page("", "c1", at(3), "c")
			p.add(4, "d")
			p.add(6, "f")
			p.page("c1", "", at(6), "d", "f")
			p.page("", "", at(6), "c", "d", "e", "f")
		}, synced(6, "c", "d", "e", "f")},
		"what a page shows is never told": {func(p *peer) {
			p.add(3, "c")
			p.page("", "c1", at(3), "a")
			p.page("c1", "", at(4), "d")
			p.page("", "", at(4), "d")
		}, synced(4, "d")},
		"the cursor is refused": {func(p *peer) {
			p.add(3, "c")
			p.page("", "c1", at(3), "a")
			id := p.expect(api.MethodBlocklistGet, nil)
			p.refuse(id, api.GatewayError{Code: api.CodeRPCParams, Data: api.GatewayErrorData{Refusal: api.RefusalCall}})
			p.page("", "", at(3), "a")
		}, synced(3, "a")},
		"the server cannot answer now": {func(p *peer) {
			p.add(3, "c")
			id := p.expect(api.MethodBlocklistGet, nil)
			p.refuse(id, api.GatewayError{Code: api.CodeSnsInternal, Data: api.GatewayErrorData{Refusal: api.RefusalUnavailable}})
			p.page("", "", at(3), "a")
		}, synced(3, "a")},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, []func(*peer){func(p *peer) {
				p.begin()
				p.wait()
				c.after(p)
				p.hold()
			}}, func(st *stage, s *Session) {
				sees(st.t, s, Connected{}, synced(1))
				st.next()
				sees(st.t, s, c.want)
			})
		})
	}
}

// A device that comes back gets what it missed; if that is not known, or does not fit, the whole list.
func TestListIsResumed(t *testing.T) {
	back := func(news api.BlocklistNews) func(*peer) {
		return func(p *peer) {
			login := p.welcome(news)
			if login.Blocklist == nil || *login.Blocklist != at(2) {
				p.t.Errorf("came back with %+v", login.Blocklist)
			}
		}
	}
	three := api.BlocklistChange{Sequence: 3, Added: entriesOf("c")}
	four := api.BlocklistChange{Sequence: 4, Removed: []string{"b"}}
	for name, c := range map[string]struct {
		news  api.BlocklistNews
		reads bool
		want  []Update
	}{
		"nothing missed":       {api.BlocklistNews{BlocklistPosition: at(2)}, false, nil},
		"two changes missed":   {api.BlocklistNews{BlocklistPosition: at(4), Changes: []api.BlocklistChange{three, four}}, false, []Update{added(3, "c"), removed(4, "b")}},
		"too much missed":      {reload(4), true, []Update{synced(4, "c")}},
		"another list":         {api.BlocklistNews{BlocklistPosition: api.BlocklistPosition{List: "M", Sequence: 2}}, true, []Update{synced(4, "c")}},
		"a change left out":    {api.BlocklistNews{BlocklistPosition: at(4), Changes: []api.BlocklistChange{four}}, true, []Update{synced(4, "c")}},
		"the last one missing": {api.BlocklistNews{BlocklistPosition: at(4), Changes: []api.BlocklistChange{three}}, true, []Update{added(3, "c"), synced(4, "c")}},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, []func(*peer){
				func(p *peer) {
					p.begin()
					p.wait()
					p.add(2, "b")
				},
				func(p *peer) {
					back(c.news)(p)
					if c.reads {
						p.page("", "", at(4), "c")
					}
					p.hold()
				},
			}, func(st *stage, s *Session) {
				sees(st.t, s, Connected{}, synced(1))
				st.next()
				sees(st.t, s, added(2, "b"), Disconnected{}, Connected{})
				sees(st.t, s, c.want...)
			})
		})
	}
}

// A copy that an earlier session left behind is where the next one goes on.
func TestListOfAnEarlierSession(t *testing.T) {
	old := Blocklist{List: "L", Sequence: 8, Entries: []Entry{{"a", time.Unix(5, 0)}}}
	play(t, func(o *Options) { o.Blocklist = &old }, []func(*peer){func(p *peer) {
		p.resume(8)
		p.wait()
		p.add(9, "b")
		p.hold()
	}}, func(st *stage, s *Session) {
		sees(st.t, s, synced(8, "a"), Connected{})
		st.next()
		sees(st.t, s, added(9, "b"))
		list, err := s.Blocklist(st.t.Context())
		if err != nil || list.Sequence != 9 || list.Entries[0] != old.Entries[0] {
			st.t.Errorf("%+v, %v", list, err)
		}
	})
}

// Who does not read gets the whole list instead of all that happened, and every change after it.
func TestReaderFallsBehind(t *testing.T) {
	const many = 200
	play(t, func(o *Options) { o.Backlog = 20 }, []func(*peer){func(p *peer) {
		p.begin()
		for i := range int64(many) {
			p.add(2+2*i, "x")
			p.remove(3+2*i, "x")
		}
		p.wait()
		p.add(2+2*many, "y")
		p.hold()
	}}, func(st *stage, s *Session) {
		synctest.Wait()
		if n := len(s.updates.waiting); n > 20 {
			st.t.Errorf("%d updates wait", n)
		}
		sees(st.t, s, synced(1+2*many), Connected{})
		st.next()
		sees(st.t, s, added(2+2*many, "y"))
	})
}
